import { z } from "zod";
import { type Cell, CellList } from "./cells.ts";
import { MODEL_KEY_NAME, ModelEntry } from "./models/catalog.ts";
import { parseJsonValue } from "./models/json-value.ts";
import { PRESETS, type PresetName } from "./models/presets.ts";
import { parseRanges } from "./outgoing/address-ranges.ts";

const FUNCTION = "{function}";

/** Where a function is called, and whom its callers' tokens are made out for. */
export const functionUrl = (functionsUrl: string, name: string): string =>
  functionsUrl.replace(FUNCTION, name);

/** Of the variable MODELS. */
const MODELS_CHARS_MAX = 64_000;

/**
 * Everything a function takes from its environment, parsed once at start. There is no switch between
 * local and cloud here: only endpoints, names and secrets differ.
 */
const Environment = z.object({
  GOOGLE_CLOUD_PROJECT: z.string().min(1),
  /** The Firestore database: another one once what is there was restored (docs/runbooks). */
  DATABASE_ID: z.string().min(1).default("(default)"),
  REGION: z.string().min(1),
  /** Of several deployments that share their apps (docs/cells.md), which this is. Absent: it is alone. */
  CELL: z.string().optional(),
  /** All of them: a JSON list of cells (cells.ts). */
  CELLS: CellList,
  /**
   * host:port of Cloud Tasks; Google's own when absent. Firestore and Pub/Sub have variables of their own.
   */
  TASKS_ENDPOINT: z.string().optional(),
  /** host:port of Cloud KMS; Google's own when absent. */
  KMS_ENDPOINT: z.string().optional(),
  /** The bucket of files. Its endpoint has a variable of the client's own. */
  FILES_BUCKET: z.string().min(3),
  /**
   * A service account's `client_email` and `private_key`, as JSON, with which addresses of files are signed.
   * Absent: Google signs for the account that the function runs as.
   */
  STORAGE_SIGNER: z.string().optional().transform(parseSigner),
  /** host:port of ClamAV's daemon, which looks through files for viruses. Absent: nobody does. */
  CLAMD_ADDRESS: z
    .string()
    .regex(/^[\w.-]+:\d{1,5}$/)
    .optional(),
  /** Base URL of Firebase Cloud Messaging; Google's own when absent. */
  PUSH_ENDPOINT: z.url().optional(),
  /**
   * Base URL of an OTLP endpoint that takes traces: https://telemetry.googleapis.com is Google's own. Absent:
   * none are made.
   */
  TRACE_ENDPOINT: z.url().optional(),
  /**
   * The share of requests whose spans are all kept; failed ones are kept beyond it, and 0 keeps none at all.
   * A tenth shows where the time goes at a fraction of what the requests themselves cost
   * (docs/decisions/0018).
   */
  TRACE_RATIO: z.coerce.number().min(0).max(1).default(0.1),
  /** The key of Cloud KMS that signing keys are encrypted with: projects/…/cryptoKeys/… */
  KMS_KEY: z.string().regex(/^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/),
  /** An endpoint that speaks OpenAI's chat completions, and its key, from Secret Manager. */
  MODEL_BASE_URL: z.url().optional(),
  MODEL_API_KEY: z.string().min(1),
  /** How the endpoint is spoken to (models/presets.ts); told by its address when absent. */
  MODEL_PRESET: z.enum(Object.keys(PRESETS) as [PresetName, ...PresetName[]]).optional(),
  /** What is to be known of models: a JSON list of entries (models/catalog.ts). */
  MODELS: z.string().max(MODELS_CHARS_MAX).default("[]").transform(parseModels),
  /** The models for questions that are quickly answered, and for the others. */
  MODEL_FAST: z.string().min(1),
  MODEL_SLOW: z.string().min(1),
  /** So many failures of a model within so many seconds end all calls to it for so many seconds. */
  BREAKER_FAILURES: z.coerce.number().int().min(1).max(20).default(5),
  BREAKER_WINDOW_SECONDS: z.coerce.number().int().min(1).max(600).default(30),
  BREAKER_OPEN_SECONDS: z.coerce.number().int().min(1).max(600).default(10),
  /** Where functions are called, with `{function}` in the place of the name. */
  FUNCTIONS_URL: z.string().refine((url) => url.includes(FUNCTION) && URL.canParse(functionUrl(url, "api")), {
    message: `no URL with ${FUNCTION}`,
  }),
  /** Where clients reach the API: issuer of access tokens, base of problem types. */
  PUBLIC_URL: z.url(),
  SMTP_URL: z.url(),
  MAIL_FROM: z.string().min(3),
  /** Who signs the identity tokens of pushes, tasks and schedules, and where its keys are. */
  OIDC_ISSUER: z.string().min(1),
  OIDC_JWKS_URL: z.url(),
  /** The service account in whose name pushes, tasks and schedules call functions. */
  INVOKER_EMAIL: z.string().min(3),
  /** From Secret Manager; every other key is derived from it. */
  SCROLLBACK_SECRET: z.string().min(32),
  OPERATOR_KEY: z.string().min(16),
  /**
   * How many proxies of ours stand before the functions, each appending the address it saw to
   * X-Forwarded-For: the load balancer or hosting, 1 by default. Nothing further left is believed.
   */
  TRUSTED_PROXIES: z.coerce.number().int().min(0).max(5).default(1),
  /** Requests without valid credentials that one instance takes from one address in a minute. */
  UNPROVED_PER_MINUTE: z.coerce.number().int().min(1).default(600),
  /**
   * Ranges of addresses that are not public and may be called all the same where an app names an address,
   * over http too: such as 10.1.0.0/16,127.0.0.0/8. None by default.
   */
  OUTGOING_RANGES: z.string().default("").transform(parseOutgoingRanges),
});

export interface StorageSigner {
  readonly client_email: string;
  readonly private_key: string;
}

export interface Config {
  readonly projectId: string;
  readonly databaseId: string;
  readonly region: string;
  readonly cell: string | undefined;
  readonly cells: readonly Cell[];
  readonly tasksEndpoint: string | undefined;
  readonly kmsEndpoint: string | undefined;
  readonly kmsKey: string;
  readonly filesBucket: string;
  readonly storageSigner: StorageSigner | undefined;
  readonly clamdAddress: string | undefined;
  readonly pushEndpoint: string | undefined;
  readonly traceEndpoint: string | undefined;
  readonly traceRatio: number;
  readonly modelBaseUrl: string;
  readonly modelPreset: PresetName | undefined;
  readonly modelEntries: readonly ModelEntry[];
  /** By the names of their variables: MODEL_API_KEY and those whose names begin so. */
  readonly modelKeys: Readonly<Record<string, string>>;
  readonly laneModels: { readonly fast: string; readonly slow: string };
  /** When a model's circuit opens (shared/assistant/circuit.ts). */
  readonly circuit: {
    readonly failuresMax: number;
    readonly windowMs: number;
    readonly failedShare: number;
    readonly openMs: number;
    readonly openMsMax: number;
  };
  readonly functionsUrl: string;
  readonly publicUrl: string;
  readonly smtpUrl: string;
  readonly mailFrom: string;
  readonly oidcIssuer: string;
  readonly oidcJwksUrl: string;
  readonly invokerEmail: string;
  readonly secret: string;
  readonly operatorKey: string;
  readonly trustedProxies: number;
  readonly unprovedPerMinute: number;
  readonly outgoingRanges: readonly string[];
}

/** Of the calls to a model: fewer failures are no reason to stop calling it. */
const FAILED_SHARE = 0.5;
/** However often it has failed, a model is tried again after this time. */
const OPEN_MS_MAX = 300_000;

const Signer = z.object({ client_email: z.string().min(3), private_key: z.string().min(1) });

function parseSigner(text: string | undefined, context: z.RefinementCtx): StorageSigner | undefined {
  if (text === undefined) return undefined;
  const parsed = Signer.safeParse(parseJsonValue(text));
  if (parsed.success) return parsed.data;
  // What is wrong with it is not said: it holds a key.
  context.addIssue({ code: "custom", message: "no JSON with client_email and private_key" });
  return z.NEVER;
}

function parseModels(text: string, context: z.RefinementCtx): ModelEntry[] {
  const parsed = z.array(ModelEntry).safeParse(parseJsonValue(text));
  if (parsed.success) return parsed.data;
  context.addIssue({ code: "custom", message: z.prettifyError(parsed.error) });
  return z.NEVER;
}

function parseOutgoingRanges(text: string, context: z.RefinementCtx): string[] {
  const ranges = text.split(",").flatMap((range) => (range.trim() === "" ? [] : [range.trim()]));
  try {
    parseRanges(ranges);
    return ranges;
  } catch (cause) {
    context.addIssue({ code: "custom", message: (cause as Error).message });
    return z.NEVER;
  }
}

function modelAddress(baseUrl: string | undefined, preset: PresetName | undefined): string {
  const known = preset === undefined ? undefined : PRESETS[preset];
  const address = baseUrl ?? (known !== undefined && "baseUrl" in known ? known.baseUrl : undefined);
  if (address !== undefined) return address;
  throw new Error("The environment is incomplete. MODEL_BASE_URL: this preset has no address of its own");
}

const keysIn = (environment: Environs): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => MODEL_KEY_NAME.test(entry[0]) && Boolean(entry[1]),
    ),
  );

type Environs = Readonly<Record<string, string | undefined>>;

const isCellOf = ({ CELL, CELLS }: Pick<z.infer<typeof Environment>, "CELL" | "CELLS">): boolean =>
  CELLS.some(({ name }) => name === CELL);

const withoutTrailingSlash = (url: string): string => url.replace(/\/+$/, "");

/** @throws Error naming every missing or malformed variable, so that a bad deployment fails at start. */
export function parseConfig(environment: Environs): Config {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new Error(`The environment is incomplete. ${problems.join("; ")}`);
  }
  const value = parsed.data;
  if ((value.CELL !== undefined || value.CELLS.length > 0) && !isCellOf(value)) {
    throw new Error("The environment is incomplete. CELL: is not the name of one of CELLS");
  }
  return {
    projectId: value.GOOGLE_CLOUD_PROJECT,
    databaseId: value.DATABASE_ID,
    region: value.REGION,
    cell: value.CELL,
    cells: value.CELLS,
    tasksEndpoint: value.TASKS_ENDPOINT,
    kmsEndpoint: value.KMS_ENDPOINT,
    kmsKey: value.KMS_KEY,
    filesBucket: value.FILES_BUCKET,
    storageSigner: value.STORAGE_SIGNER,
    clamdAddress: value.CLAMD_ADDRESS,
    pushEndpoint: value.PUSH_ENDPOINT && withoutTrailingSlash(value.PUSH_ENDPOINT),
    traceEndpoint: value.TRACE_ENDPOINT && withoutTrailingSlash(value.TRACE_ENDPOINT),
    traceRatio: value.TRACE_RATIO,
    modelBaseUrl: modelAddress(value.MODEL_BASE_URL, value.MODEL_PRESET),
    modelPreset: value.MODEL_PRESET,
    modelEntries: value.MODELS,
    modelKeys: keysIn(environment),
    laneModels: { fast: value.MODEL_FAST, slow: value.MODEL_SLOW },
    circuit: {
      failuresMax: value.BREAKER_FAILURES,
      windowMs: value.BREAKER_WINDOW_SECONDS * 1000,
      failedShare: FAILED_SHARE,
      openMs: value.BREAKER_OPEN_SECONDS * 1000,
      openMsMax: Math.max(OPEN_MS_MAX, value.BREAKER_OPEN_SECONDS * 1000),
    },
    functionsUrl: value.FUNCTIONS_URL,
    publicUrl: withoutTrailingSlash(value.PUBLIC_URL),
    smtpUrl: value.SMTP_URL,
    mailFrom: value.MAIL_FROM,
    oidcIssuer: value.OIDC_ISSUER,
    oidcJwksUrl: value.OIDC_JWKS_URL,
    invokerEmail: value.INVOKER_EMAIL,
    secret: value.SCROLLBACK_SECRET,
    operatorKey: value.OPERATOR_KEY,
    trustedProxies: value.TRUSTED_PROXIES,
    unprovedPerMinute: value.UNPROVED_PER_MINUTE,
    outgoingRanges: value.OUTGOING_RANGES,
  };
}
