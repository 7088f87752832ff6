import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { portsFrom, portsOfConfig } from "../kernel/ports.ts";
import { defaultPorts, PORT_NAMES, type Ports } from "../ports.ts";
import { EMULATORS, type ServiceName } from "../suite.ts";
import { HelpRequest, parseOptions, requireProject, UsageError } from "./usage.ts";

export interface StartOptions {
  readonly project: string;
  readonly ports: Ports;
  readonly dataDir: string;
  readonly fresh: boolean;
  readonly physics: boolean;
  readonly only: readonly ServiceName[] | undefined;
  /** The content of firestore.indexes.json; undefined where the file is absent. */
  readonly indexes: unknown;
}

/** The emulators that `--only` can start: those with a port of their own. */
const STARTABLE = EMULATORS.filter(({ port, name }) => port !== undefined && name !== "oidc").map(
  ({ name }) => name,
);
const PROJECT_DEFAULT = "demo-local";
const DATA_DEFAULT = ".emulators";

export const USAGE = `Usage: scrollback-emulators [options]

Starts Google Cloud's services on this machine and prints the variables that point clients at them.

Options:
  --only LIST      start only these: ${STARTABLE.join(", ")}
  --port-base N    use the ports from N on instead of those of firebase.json
  --project ID     the Google Cloud project to be (default ${PROJECT_DEFAULT})
  --data DIR       keep data in DIR (default ${DATA_DEFAULT})
  --fresh          forget the data of earlier starts
  --physics        be as slow and as contended as Google's services
  --help           print this

Files of the current folder that are read where they exist: firebase.json (ports) and
firestore.indexes.json (queries that lack an index are then refused as in production).`;

const OPTIONS = {
  only: { type: "string" },
  "port-base": { type: "string" },
  project: { type: "string", default: PROJECT_DEFAULT },
  data: { type: "string", default: DATA_DEFAULT },
  fresh: { type: "boolean", default: false },
  physics: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** Reads the command line and the files of `folder`. Throws a UsageError, or a HelpRequest for `--help`. */
export function parseCommandLine(args: readonly string[], folder: string): StartOptions {
  const values = parseOptions(args, OPTIONS);
  if (values.help) throw new HelpRequest(USAGE);
  return {
    project: requireProject(values.project),
    ports: portsFromFlags(values["port-base"], folder),
    dataDir: resolve(folder, values.data),
    fresh: values.fresh,
    physics: values.physics,
    only: values.only === undefined ? undefined : servicesOf(values.only),
    indexes: readJson(folder, "firestore.indexes.json"),
  };
}

function portsFromFlags(base: string | undefined, folder: string): Ports {
  const firebaseJson = readJson(folder, "firebase.json");
  try {
    if (base !== undefined) return portsFrom(PORT_NAMES, Number(base));
    return portsOfConfig(PORT_NAMES, firebaseJson ?? {}, defaultPorts());
  } catch (cause) {
    if (cause instanceof RangeError) throw new UsageError(cause.message, { cause });
    throw new UsageError("firebase.json has a port that is no number from 0 to 65535.", { cause });
  }
}

function servicesOf(list: string): readonly ServiceName[] {
  const names = list.split(",").map((name) => name.trim());
  for (const name of names) {
    if (!STARTABLE.some((known) => known === name)) {
      throw new UsageError(`--only knows ${STARTABLE.join(", ")}, not "${name}".`);
    }
  }
  return names as ServiceName[];
}

function readJson(folder: string, name: string): unknown {
  const path = resolve(folder, name);
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new UsageError(`${name} is not JSON: ${(cause as Error).message}`, { cause });
  }
}
