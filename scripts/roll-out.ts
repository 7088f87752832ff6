import { execFile } from "node:child_process";
import { parseArgs, promisify } from "node:util";
import manifest from "../functions/manifest.json" with { type: "json" };
import { awaitTests } from "./await-tests.ts";
import { type Deed, tellingOf } from "./deployment-events.ts";
import { cloudLogging, openDeploymentLog } from "./deployment-log.ts";
import { back, deploy, type Gcloud, type RolloutOptions, smoke, step } from "./rollout-steps.ts";
import { smokeTest, smokeTestBackground } from "./smoke-test.ts";

/**
 * `npm run roll-out -- COMMAND --project PROJECT --region REGION`, as cloudbuild.yaml calls it, one after the
 * other:
 *
 * - `await-tests --commit SHA`: waits until the build that tests the commit has passed
 * - `deploy`: a new revision of every function from dist/, without traffic
 * - `smoke --url URL`: asks every candidate, one at a time, each tagged `candidate` meanwhile: the API's
 *   through the load balancer, the others' in the invoker's name
 * - `step --percent 5 --minutes 10 --url URL`: gives it so much traffic, waits, compares it with the revision
 *   before, asks whom nobody has asked, and when one is worse gives all traffic back and fails
 * - `back`: gives all traffic back, and removes the tag should it be left
 */

const run = promisify(execFile);
/** Logs of some thousand requests. */
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

const gcloud: Gcloud = async (args) => {
  console.log(`gcloud ${args.join(" ")}`);
  const { stdout } = await run("gcloud", [...args], { maxBuffer: OUTPUT_BYTES_MAX });
  return stdout;
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    project: { type: "string" },
    region: { type: "string", default: manifest.region },
    url: { type: "string" },
    percent: { type: "string" },
    commit: { type: "string" },
    minutes: { type: "string", default: "10" },
  },
});

function demand(name: "project" | "url" | "percent" | "commit"): string {
  const value = values[name];
  if (value === undefined) throw new Error(`--${name} is missing.`);
  return value;
}

const options = (): RolloutOptions => ({
  project: demand("project"),
  region: values.region,
  functions: Object.entries(manifest.functions).map(([name, spec]) => ({
    name,
    isPublic: "public" in spec && spec.public,
  })),
  gcloud,
  fetch,
  ask: ({ name, url, token }) =>
    token === undefined ? smokeTest({ name, publicUrl: demand("url") }) : smokeTestBackground({ url, token }),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  now: () => Date.now(),
});

const COMMANDS: Readonly<Record<Deed["command"], () => Promise<unknown>>> = {
  "await-tests": () => awaitTests(options(), demand("commit")),
  deploy: () => deploy(options()),
  smoke: () => smoke(options()),
  step: () => step(options(), { percent: Number(demand("percent")), minutes: Number(values.minutes) }),
  back: () => back(options()),
};

const [name = ""] = positionals;
if (!Object.hasOwn(COMMANDS, name)) throw new Error(`Name one of ${Object.keys(COMMANDS).join(", ")}.`);
const command = name as Deed["command"];
const log = openDeploymentLog(cloudLogging(demand("project")));
const percent = values.percent === undefined ? {} : { percent: Number(values.percent) };
try {
  await tellingOf(log, { command, ...percent }, COMMANDS[command]);
} finally {
  await log.close();
}
