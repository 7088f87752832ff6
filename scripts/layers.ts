/**
 * The one ordered list of what the project is made of, from the bottom up. A folder imports itself and earlier rows, or
 * of these only what `imports` names. `oxlint` holds every import against this list (layer-rules.ts); a folder that is
 * missing here is an error. Tests may import anything.
 */
export interface Layer {
  /** Folders of one row know nothing of one another. */
  readonly folders: readonly string[];
  /** Absent: everything in earlier rows. */
  readonly imports?: readonly string[];
  /** Of other folders only the contracts: what is read there has to run in a browser. */
  readonly contractsOnly?: true;
}

export const LAYERS: readonly Layer[] = [
  { folders: ["shared/platform"] },
  { folders: ["shared/identity", "shared/classifier"] },
  { folders: ["shared/chat", "shared/rollout"] },
  { folders: ["shared/live", "shared/search"] },
  { folders: ["shared/assistant", "shared/notify"] },
  { folders: ["shared/jobs"], imports: ["shared/platform"] },
  { folders: ["shared/migrations"] },
  { folders: ["functions/runtime"] },
  { folders: ["functions/http", "functions/events", "functions/tasks", "functions/schedules"] },
  { folders: ["functions"] },
  {
    folders: ["shared/client"],
    imports: ["shared/chat", "shared/identity", "shared/search"],
    contractsOnly: true,
  },
  { folders: ["page"], imports: ["shared/client"] },
  { folders: ["emulators"], imports: [] },
  { folders: ["emulators/local"], imports: ["emulators", "page", "shared/client", "scripts"] },
  { folders: ["shared/testing"] },
  { folders: ["functions/flows", "bench", "scripts", "terraform"] },
];

/** The packages that speak to Google and to other services, and the one folder that may import them in production code. */
export const PLATFORM_FOLDER = "shared/platform";
export const PLATFORM_PACKAGES: readonly string[] = [
  "@google-cloud/firestore",
  "@google-cloud/kms",
  "@google-cloud/pubsub",
  "@google-cloud/storage",
  "@google-cloud/tasks",
  "@grpc/grpc-js",
  "@opentelemetry/exporter-trace-otlp-proto",
  "firebase-admin",
  "google-auth-library",
  "nodemailer",
  "openai",
];

/** Firestore's own verbs (queries, references, transactions). Values such as Timestamp are in firestore-values.ts. */
export const FIRESTORE_MODULE = "shared/platform/firestore.ts";
