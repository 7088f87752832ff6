import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { readConfiguration, readVariables } from "../terraform/checks/configuration.ts";
import { planOf } from "../terraform/checks/plan.ts";
import { providerSchema } from "../terraform/checks/schema.ts";

interface Step {
  readonly id: string;
  readonly name: string;
  readonly entrypoint: string;
  readonly args: readonly string[];
  readonly env?: readonly string[];
}
const text = readFileSync("cloudbuild.yaml", "utf8");
const build = parse(text) as { substitutions: Record<string, string>; steps: Step[]; timeout: string };
const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };

/** Substitutions that Cloud Build makes by itself. */
const BUILT_IN = new Set(["PROJECT_ID"]);

test("it tests before it bundles, and takes traffic only after a smoke test", () => {
  const order = ["install", "check", "bundle", "deploy", "smoke-test", "five-percent", "half", "all"];
  expect(build.steps.map(({ id }) => id)).toEqual(order);
});

test("every script that it runs is there", () => {
  for (const { entrypoint, args } of build.steps) {
    const [first = "", second = ""] = args;
    const isThere = entrypoint === "npm" ? first === "ci" || second in scripts : existsSync(first);
    expect(isThere, `${entrypoint} ${args.join(" ")}`).toBe(true);
  }
});

test("commands of the rollout are those that it knows", () => {
  const known = [...readFileSync("scripts/roll-out.ts", "utf8").matchAll(/^ {2}(\w+): \(\) =>/gm)].map(
    ([, name]) => name,
  );
  const used = build.steps.filter(({ args }) => args[0] === "scripts/roll-out.ts").map(({ args }) => args[1]);
  expect(used).toHaveLength(5);
  expect(known).toEqual(expect.arrayContaining(used));
});

test("only steps that roll out act as the deployer", () => {
  const deployer = "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT=deployer@$PROJECT_ID.iam.gserviceaccount.com";
  const acting = build.steps.filter(({ env = [] }) => env.includes(deployer)).map(({ id }) => id);
  const rollingOut = build.steps.filter(({ args }) => args[0] === "scripts/roll-out.ts").map(({ id }) => id);
  expect(acting).toEqual(rollingOut);
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
  const [trigger] = plan.of("google_cloudbuild_trigger");
  expect(trigger?.values.filename).toBe("cloudbuild.yaml");
  expect(declared).toEqual(expect.arrayContaining(Object.keys(trigger?.values.substitutions as object)));
});

test("the steps have time: all waits together and an hour for the rest", () => {
  const { _MINUTES: minutes } = build.substitutions;
  expect(Number.parseInt(build.timeout, 10)).toBeGreaterThanOrEqual(3 * (Number(minutes) + 1) * 60 + 3600);
});
