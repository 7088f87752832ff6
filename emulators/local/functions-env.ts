import type { Suite } from "../suite.ts";
import type { Keepsakes } from "./keepsakes.ts";

/** The service account as which queues, subscriptions and schedules call the functions. */
export const invokerEmail = (project: string): string => `invoker@${project}.iam.gserviceaccount.com`;

/** The key that signing keys are encrypted with. */
export const signingKmsKey = (project: string, region: string): string =>
  `projects/${project}/locations/${region}/keyRings/scrollback/cryptoKeys/signing-keys`;

export interface FunctionsPlace {
  readonly region: string;
  readonly functionsUrl: string;
  readonly publicUrl: string;
}

/** All variables of the functions, under their names in production. */
export function functionsEnv(
  suite: Pick<Suite, "env" | "ports" | "project">,
  keepsakes: Pick<Keepsakes, "secret" | "operatorKey">,
  { region, functionsUrl, publicUrl }: FunctionsPlace,
): Record<string, string> {
  return {
    // Among them STORAGE_SIGNER: in the cloud the functions sign through the IAM API, as their own account.
    ...suite.env,
    MAIL_FROM: "Scrollback <no-reply@scrollback.test>",
    INVOKER_EMAIL: invokerEmail(suite.project),
    KMS_KEY: signingKmsKey(suite.project, region),
    MODEL_BASE_URL: `http://127.0.0.1:${suite.ports.model}/v1`,
    // Any key will do, but there has to be one.
    MODEL_API_KEY: "local",
    MODEL_FAST: "emulated-small",
    MODEL_SLOW: "emulated-large",
    SCROLLBACK_SECRET: keepsakes.secret,
    OPERATOR_KEY: keepsakes.operatorKey,
    REGION: region,
    FUNCTIONS_URL: functionsUrl,
    PUBLIC_URL: publicUrl,
    // Here everybody comes from one address.
    UNPROVED_PER_MINUTE: "100000",
  };
}
