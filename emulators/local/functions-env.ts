import type { Suite } from "../suite.ts";
import { UsageError } from "../cli/usage.ts";
import type { Keepsakes } from "./keepsakes.ts";

/** The service account as which queues, subscriptions and schedules call the functions. */
export const invokerEmail = (project: string): string => `invoker@${project}.iam.gserviceaccount.com`;

/** The key that signing keys are encrypted with. */
export const signingKmsKey = (project: string, region: string): string =>
  `projects/${project}/locations/${region}/keyRings/scrollback/cryptoKeys/signing-keys`;

/** Buckets of all projects share one space of names. */
export const bucketName = (project: string, name: string): string => `${project}-${name}`;

export interface FunctionsPlace {
  readonly region: string;
  readonly functionsUrl: string;
  readonly publicUrl: string;
}

/** The emulated models, which answer unless the environment names others. */
const EMULATED = ["emulated-small", "emulated-large"] as const;
const EMULATED_WINDOW_TOKENS = 32_768;

export const emulatedModels = (port: number): Record<string, string> => ({
  MODEL_BASE_URL: `http://127.0.0.1:${port}/v1`,
  // Any key will do, but there has to be one.
  MODEL_API_KEY: "local",
  MODEL_FAST: EMULATED[0],
  MODEL_SLOW: EMULATED[1],
  MODELS: JSON.stringify(
    EMULATED.map((id) => ({
      id,
      preset: "openai",
      baseUrl: `http://127.0.0.1:${port}/v1`,
      windowTokens: EMULATED_WINDOW_TOKENS,
    })),
  ),
});

/**
 * The models that the environment of `npm start` names, as variables of the functions; undefined where it
 * names none.
 * @throws UsageError where an address is named without a model
 */
export function ownModels(environment: NodeJS.ProcessEnv): Record<string, string> | undefined {
  const named = Object.entries(environment).filter(
    (entry): entry is [string, string] => /^MODELS$|^MODEL_/.test(entry[0]) && Boolean(entry[1]),
  );
  const { MODEL_BASE_URL, MODEL_PRESET, MODEL_FAST, MODEL_SLOW } = Object.fromEntries(named);
  if (MODEL_BASE_URL === undefined && MODEL_PRESET === undefined) return undefined;
  const model = MODEL_FAST ?? MODEL_SLOW;
  if (model === undefined) {
    throw new UsageError("Name a model besides its address: MODEL_FAST, and MODEL_SLOW if it is another.");
  }
  return {
    // Models at home mostly take any key.
    MODEL_API_KEY: "local",
    ...Object.fromEntries(named),
    MODEL_FAST: model,
    MODEL_SLOW: MODEL_SLOW ?? model,
  };
}

/** All variables of the functions, under their names in production. */
export function functionsEnv(
  suite: Pick<Suite, "env" | "ports" | "project">,
  keepsakes: Pick<Keepsakes, "secret" | "operatorKey">,
  { region, functionsUrl, publicUrl }: FunctionsPlace,
  models: Readonly<Record<string, string>> = emulatedModels(suite.ports.model),
): Record<string, string> {
  return {
    // Among them STORAGE_SIGNER: in the cloud the functions sign through the IAM API, as their own account.
    ...suite.env,
    MAIL_FROM: "Scrollback <no-reply@scrollback.test>",
    INVOKER_EMAIL: invokerEmail(suite.project),
    KMS_KEY: signingKmsKey(suite.project, region),
    FILES_BUCKET: bucketName(suite.project, "files"),
    ...models,
    SCROLLBACK_SECRET: keepsakes.secret,
    OPERATOR_KEY: keepsakes.operatorKey,
    REGION: region,
    FUNCTIONS_URL: `${functionsUrl}/{function}`,
    PUBLIC_URL: publicUrl,
    // Hooks of apps that run on one's own machine.
    OUTGOING_RANGES: "127.0.0.0/8,::1/128",
    // Here everybody comes from one address.
    UNPROVED_PER_MINUTE: "100000",
  };
}
