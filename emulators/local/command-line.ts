import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { HelpRequest, parseOptions, requireProject, UsageError } from "../cli/usage.ts";
import { type Ports, portsFrom, portsOfConfig } from "./ports.ts";

/** The folder of firebase.json. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface StartOptions {
  readonly project: string;
  readonly ports: Ports;
  readonly dataDir: string;
  readonly fresh: boolean;
  readonly instances: number;
  readonly cloud: boolean;
  /** A file of variables; it need not be there. */
  readonly envFile: string | undefined;
}

const USAGE = `Usage: npm start -- [options]

Starts Scrollback with all that it needs on this machine.

Options:
  --port-base N    use the ports from N on instead of those of firebase.json
  --data DIR       keep data in DIR (default .scrollback)
  --fresh          forget the data of earlier starts
  --project ID     the Google Cloud project to be (default demo-scrollback)
  --instances N    run N hosts of the API that take turns (default 1)
  --cloud          be as slow, contended and forgetful as the cloud, with at least 3 instances
  --env FILE       take variables that are not set from FILE, if there is one
  --help           print this`;

const INSTANCES_MAX = 32;

const OPTIONS = {
  "port-base": { type: "string" },
  data: { type: "string", default: join(ROOT, ".scrollback") },
  fresh: { type: "boolean", default: false },
  project: { type: "string", default: "demo-scrollback" },
  instances: { type: "string", default: "1" },
  cloud: { type: "boolean", default: false },
  env: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** Throws a UsageError, or a HelpRequest for `--help`. */
export function parseCommandLine(args: readonly string[]): StartOptions {
  const values = parseOptions(args, OPTIONS);
  if (values.help) throw new HelpRequest(USAGE);
  const instances = Number(values.instances);
  if (!Number.isInteger(instances) || instances < 1 || instances > INSTANCES_MAX) {
    throw new UsageError(`--instances needs a number from 1 to ${INSTANCES_MAX}.`);
  }
  return {
    project: requireProject(values.project),
    ports: portsOfFlag(values["port-base"]),
    dataDir: resolve(values.data),
    fresh: values.fresh,
    instances,
    cloud: values.cloud,
    envFile: values.env,
  };
}

function portsOfFlag(base: string | undefined): Ports {
  if (base === undefined) return portsOfConfig(readConfig("firebase.json"));
  try {
    return portsFrom(Number(base));
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

/** A JSON file of the project. */
export function readConfig(name: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, name), "utf8"));
}
