import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Ports, portsFrom, portsOfConfig } from "./ports.ts";
import { SERVICES, type ServiceName } from "./suite.ts";

/** The folder of firebase.json. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

export interface StartOptions {
  readonly project: string;
  readonly ports: Ports;
  readonly dataDir: string;
  readonly fresh: boolean;
  readonly instances: number;
  readonly only: readonly ServiceName[] | undefined;
}

export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const USAGE = `Options:
  --port-base N    use the ports from N on instead of those of firebase.json
  --data DIR       keep data in DIR (default .scrollback)
  --fresh          forget the data of earlier starts
  --project ID     the Google Cloud project to be (default demo-scrollback)
  --instances N    run N hosts of the API that take turns (default 1)
  --only LIST      npm run emulators: start only these, of ${Object.keys(SERVICES).join(", ")}`;

const INSTANCES_MAX = 32;
/** Google's rule for project ids. */
const PROJECT = /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/;

export function parseCommandLine(args: readonly string[]): StartOptions {
  const values = parseFlags(args);
  const instances = Number(values.instances);
  if (!Number.isInteger(instances) || instances < 1 || instances > INSTANCES_MAX) {
    throw new UsageError(`--instances needs a number from 1 to ${INSTANCES_MAX}.`);
  }
  if (!PROJECT.test(values.project)) throw new UsageError("--project needs a Google Cloud project id.");
  return {
    project: values.project,
    ports: portsOf(values["port-base"]),
    dataDir: resolve(values.data),
    fresh: values.fresh,
    instances,
    only: values.only === undefined ? undefined : servicesOf(values.only),
  };
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        "port-base": { type: "string" },
        data: { type: "string", default: join(ROOT, ".scrollback") },
        fresh: { type: "boolean", default: false },
        project: { type: "string", default: "demo-scrollback" },
        instances: { type: "string", default: "1" },
        only: { type: "string" },
      },
    }).values;
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

function portsOf(base: string | undefined): Ports {
  if (base === undefined) return portsOfConfig(readConfig("firebase.json"));
  try {
    return portsFrom(Number(base));
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

function servicesOf(list: string): readonly ServiceName[] {
  const names = list.split(",").map((name) => name.trim());
  for (const name of names) {
    if (!Object.hasOwn(SERVICES, name)) {
      throw new UsageError(`--only knows ${Object.keys(SERVICES).join(", ")}, not "${name}".`);
    }
  }
  return names as ServiceName[];
}

/** A JSON file of the project. */
export function readConfig(name: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, name), "utf8"));
}
