/**
 * The one ordered list of what the project is made of, from the bottom up. A folder imports itself and
 * earlier rows, or of these only what `imports` names. `oxlint` holds every import against this list
 * (layer-rules.ts); a folder that is missing here is an error. Tests may import anything.
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
  { folders: ["shared/platform", "shared/words"] },
  { folders: ["shared/identity", "shared/classifier"] },
  { folders: ["shared/files"] },
  { folders: ["shared/chat", "shared/rollout"] },
  { folders: ["shared/live", "shared/search"] },
  { folders: ["shared/assistant", "shared/notify"] },
  { folders: ["shared/ai-sdk"] },
  { folders: ["shared/jobs"], imports: ["shared/platform"] },
  { folders: ["shared/migrations", "shared/cells"] },
  { folders: ["shared/transfers"] },
  { folders: ["shared/import", "shared/export"] },
  { folders: ["functions/runtime"] },
  { folders: ["functions/http", "functions/events", "functions/tasks", "functions/schedules"] },
  { folders: ["functions"] },
  {
    folders: ["shared/client"],
    imports: ["shared/chat", "shared/files", "shared/identity", "shared/jobs", "shared/search"],
    contractsOnly: true,
  },
  { folders: ["page"], imports: ["shared/client"] },
  { folders: ["emulators"], imports: [] },
  { folders: ["emulators/local"], imports: ["emulators", "page", "shared/client", "scripts"] },
  { folders: ["shared/testing"] },
  { folders: ["functions/flows", "bench", "scripts", "terraform", ".ci"] },
];

/**
 * The packages that speak to Google and to other services, and the one folder that may import them in
 * production code.
 */
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

/**
 * Firestore's own verbs: references, queries, transactions. Values such as Timestamp are in
 * firestore-values.ts.
 */
export const FIRESTORE_MODULE = "shared/platform/firestore.ts";

/** The files besides stores (store.ts) that speak of references, queries and transactions themselves. */
export const FIRESTORE_FILES: readonly string[] = [
  "bench/reads.ts",
  "shared/assistant/budget.ts",
  "shared/assistant/cached-answer.ts",
  "shared/assistant/circuits.ts",
  "shared/assistant/claim-answer.ts",
  "shared/chat/log/segments.ts",
  "shared/assistant/summaries.ts",
  "shared/chat/branches/branch.ts",
  "shared/chat/branches/fork-chat.ts",
  "shared/chat/chat-handle.ts",
  "shared/chat/log/append-answer.ts",
  "shared/chat/log/block-person.ts",
  "shared/chat/log/chat-numbers.ts",
  "shared/chat/log/change-message.ts",
  "shared/chat/log/delete-message.ts",
  "shared/chat/log/event-message.ts",
  "shared/chat/log/thread.ts",
  "shared/chat/log/chat-log.ts",
  "shared/chat/log/create-chat.ts",
  "shared/chat/log/append-message.ts",
  "shared/chat/log/append-history.ts",
  "shared/chat/log/place-history.ts",
  "shared/chat/log/hide-message.ts",
  "shared/chat/log/text-judge.ts",
  "shared/chat/log/signal.ts",
  "shared/chat/moderation/judgement.ts",
  "shared/chat/moderation/report.ts",
  "shared/chat/own/change-own.ts",
  "shared/chat/read/list-heads.ts",
  "shared/chat/upkeep/audit-counters.ts",
  "shared/chat/upkeep/purge-chat.ts",
  "shared/chat/upkeep/reconcile-changes.ts",
  "shared/chat/upkeep/sweep-changes.ts",
  "shared/chat/usage.ts",
  "shared/files/audit-bucket.ts",
  "shared/files/pictures/set-picture.ts",
  "shared/files/tend-files.ts",
  "shared/identity/api-token.ts",
  "shared/identity/app.ts",
  "shared/identity/change-app.ts",
  "shared/identity/admission.ts",
  "shared/identity/end-membership.ts",
  "shared/identity/exchange-session.ts",
  "shared/identity/factor.ts",
  "shared/identity/homes.ts",
  "shared/identity/identity.ts",
  "shared/identity/invitation.ts",
  "shared/identity/lockout.ts",
  "shared/identity/mail-cap.ts",
  "shared/identity/new-session.ts",
  "shared/identity/person-of.ts",
  "shared/identity/prove-factor.ts",
  "shared/identity/provision-person.ts",
  "shared/identity/quotas.ts",
  "shared/identity/rate-limiter.ts",
  "shared/identity/refresh-session.ts",
  "shared/identity/revocation.ts",
  "shared/identity/security-event.ts",
  "shared/identity/sign-in.ts",
  "shared/identity/signing-key.ts",
  "shared/identity/system.ts",
  "shared/identity/take-code.ts",
  "shared/jobs/dead-letters.ts",
  "shared/jobs/jobs.ts",
  "shared/import/write-found.ts",
  "shared/jobs/run-job.ts",
  "shared/live/chat-feed.ts",
  "shared/live/person-feed.ts",
  "shared/live/presence.ts",
  "shared/live/stream-slots.ts",
  "shared/migrations/migrate.ts",
  "shared/migrations/migration.ts",
  "shared/notify/claim.ts",
  "shared/notify/devices.ts",
  "shared/notify/list-notifications.ts",
  "shared/rollout/judge-rollouts.ts",
  "shared/rollout/outcome.ts",
  "shared/rollout/tally.ts",
  "shared/search/explain-query.ts",
  "shared/search/audit-index.ts",
  "shared/transfers/begin-transfer.ts",
  "shared/transfers/read-transfers.ts",
  "shared/transfers/tell-of.ts",
];
