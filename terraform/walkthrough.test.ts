import { existsSync, readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { readConfiguration, readVariables } from "./checks/configuration.ts";
import { type Plan, planOf } from "./checks/plan.ts";
import { providerSchema } from "./checks/schema.ts";

/** README.md walks from an empty project to the first message; what it names has to be there. */

const [, walkthrough = ""] = /^## Deploying$([\s\S]*?)^## /m.exec(readFileSync("README.md", "utf8")) ?? [];
const named = (pattern: RegExp): string[] => [...walkthrough.matchAll(pattern)].map(([, name = ""]) => name);

let plan: Plan;
beforeAll(async () => {
  const variables = await readVariables("terraform/environments/dev.tfvars");
  plan = await planOf(await readConfiguration("terraform"), variables, providerSchema);
});

test("it puts a value into every secret that there is", () => {
  const secrets = plan.of("google_secret_manager_secret").map(({ key = "" }) => key);
  expect(named(/gcloud secrets versions add (\w+)/g).sort()).toEqual(secrets.sort());
});

test("what it makes first, reads and runs is there", () => {
  for (const target of named(/-target=([\w.]+)/g)) {
    const [type = "", name] = target.split(".");
    expect(plan.of(type, name).length).toBeGreaterThan(0);
  }
  for (const output of named(/terraform output (\w+)/g)) expect(plan.outputs).toHaveProperty(output);
  expect(named(/triggers run (\w+)/g)).toEqual(
    plan.of("google_cloudbuild_trigger").map(({ values }) => values.name),
  );
  for (const file of named(/(?:-var-file|-backend-config)=(\S+)/g)) {
    expect(existsSync(`terraform/${file}`)).toBe(true);
  }
});

test("the project, the domain and the bucket of the state are those of dev", async () => {
  const { project_id: project, domain } = await readVariables("terraform/environments/dev.tfvars");
  const { bucket } = await readVariables("terraform/environments/dev.gcs.tfbackend");
  expect(named(/gcloud projects create (\S+)/g)).toEqual([project]);
  expect(named(/buckets create gs:\/\/(\S+)/g)).toEqual([bucket]);
  expect(named(/API=https:\/\/(\S+)/g)).toEqual([domain]);
});
