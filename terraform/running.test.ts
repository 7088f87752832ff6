import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import manifest from "../functions/manifest.json" with { type: "json" };
import { suiteOfProcess } from "../shared/testing/suite-of-process.ts";
import { useSystem } from "../shared/testing/use-system.ts";
import { causeEverything } from "./checks/cause-everything.ts";
import { readConfiguration, readVariables } from "./checks/configuration.ts";
import { entryOf, parseLogFilter } from "./checks/log-filter.ts";
import { type Plan, planOf } from "./checks/plan.ts";
import { type CallRecorder, createCallRecorder } from "./checks/record-calls.ts";
import { providerSchema } from "./checks/schema.ts";

/**
 * One system does everything that functions do; its calls are held against the roles, its log lines against
 * the metrics.
 */

/** On a busy machine. By itself it takes seven seconds. */
const SCENARIO_MS_MAX = 180_000;

let recorder: CallRecorder;
let plan: Plan;
beforeAll(async () => {
  const variables = await readVariables("terraform/environments/production.tfvars");
  plan = await planOf(await readConfiguration("terraform"), variables, providerSchema);
  recorder = createCallRecorder((await suiteOfProcess()).ports.auth);
});
afterAll(() => recorder.close());
const system = useSystem(() => ({ wrap: recorder.wrap, traced: true }));
beforeAll(() => causeEverything(system), SCENARIO_MS_MAX);

const names = Object.keys(manifest.functions);

interface Access {
  readonly topics: readonly string[];
  readonly queues: readonly string[];
  readonly checked_topics: readonly string[];
  readonly checked_queues: readonly string[];
  readonly secrets: readonly string[];
}

test.each(names)("%s may do what it was seen to do, and nothing else", (name) => {
  const access = (plan.locals.access as Record<string, Access>)[name];
  const used = recorder.used.get(name);
  expect({
    ...used,
    topics: [...(used?.topics ?? [])].sort(),
    queues: [...(used?.queues ?? [])].sort(),
    checked_topics: [...(used?.checked_topics ?? [])].sort(),
    checked_queues: [...(used?.checked_queues ?? [])].sort(),
    secrets: [...(used?.secrets ?? [])].sort(),
  }).toEqual({
    ...access,
    topics: access?.topics.toSorted(),
    queues: access?.queues.toSorted(),
    secrets: access?.secrets.toSorted(),
  });
});

const ROLES_OF_BUCKET: Readonly<Record<string, readonly string[]>> = {
  none: [],
  read: ["roles/storage.objectViewer google_storage_bucket_iam_member"],
  sign: [
    "roles/iam.serviceAccountTokenCreator google_service_account_iam_member",
    "roles/storage.objectCreator google_storage_bucket_iam_member",
    "roles/storage.objectViewer google_storage_bucket_iam_member",
  ],
  change: ["roles/storage.objectUser google_storage_bucket_iam_member"],
};

const memberOf = (name: string): string => `<google_service_account.function["${name}"].member>`;

test.each(names)("%s has the roles that its access stands for, each where it is needed", (name) => {
  const access = (plan.locals.access as Record<string, Access & Record<string, unknown>>)[name];
  const granted = plan.instances
    .filter(({ values }) => values.member === memberOf(name))
    .map(({ type, values }) =>
      [values.role, values.topic ?? values.name ?? values.secret_id ?? type].join(" "),
    );
  expect(granted.sort()).toEqual(
    [
      // Whatever it does, it may be traced.
      "roles/telemetry.tracesWriter google_project_iam_member",
      ...(access?.firestore === true ? ["roles/datastore.user google_project_iam_member"] : []),
      ...(access?.identity === true ? ["roles/firebaseauth.viewer google_project_iam_member"] : []),
      ...(access?.push === true ? ["roles/firebasecloudmessaging.admin google_project_iam_member"] : []),
      ...(access?.kms === true
        ? ["roles/cloudkms.cryptoKeyEncrypterDecrypter google_kms_crypto_key_iam_member"]
        : []),
      ...(ROLES_OF_BUCKET[String(access?.bucket)] ?? ["unknown"]),
      ...(access?.queues.length ? ["roles/iam.serviceAccountUser google_service_account_iam_member"] : []),
      ...(access?.topics ?? []).map((topic) => `roles/pubsub.publisher ${topic}`),
      ...(access?.queues ?? []).map((queue) => `roles/cloudtasks.enqueuer ${queue}`),
      ...(access?.checked_topics ?? []).map((topic) => `roles/pubsub.viewer ${topic}`),
      ...(access?.checked_queues ?? []).map((queue) => `roles/cloudtasks.viewer ${queue}`),
      ...(access?.secrets ?? []).map((secret) => `roles/secretmanager.secretAccessor ${secret}`),
    ].sort(),
  );
});

/** What functions have written, as Cloud Logging would hold it. */
const entries = () => system.logs.map((line) => entryOf(line, (line.function ?? "api") as string));

const metrics = await (async () => {
  const variables = await readVariables("terraform/environments/production.tfvars");
  const planned = await planOf(await readConfiguration("terraform"), variables, providerSchema);
  return planned.of("google_logging_metric").map(({ values }) => values);
})();

/** What ends an instance is caused in a process of its own, below. */
const ENDING = new Set(["crashes"]);

test.each(
  metrics.filter(({ name }) => !ENDING.has(String(name))).map(({ name, ...rest }) => [name, rest] as const),
)(
  "%s counts what was caused, and not everything",
  (_, { filter, label_extractors: labels, value_extractor: value }) => {
    const matches = parseLogFilter(String(filter));
    const found = entries().filter(matches);
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThan(system.logs.length);
    for (const extractor of [...Object.values(labels ?? {}), ...(value === undefined ? [] : [value])]) {
      const field = /^EXTRACT\(jsonPayload\.(\w+)\)$/.exec(String(extractor))?.[1] ?? "";
      for (const entry of found) expect(entry.jsonPayload).toHaveProperty(field);
    }
  },
);

test("findings of each schedule that looks for lost work are counted", () => {
  const findings = metrics.find(({ name }) => name === "reconciler_findings");
  const found = entries().filter(parseLogFilter(String(findings?.filter)));
  const finders = found.map(({ jsonPayload }) => (jsonPayload as { function: string }).function);
  expect(new Set(finders)).toEqual(
    new Set([
      "reconcile",
      "audit-search",
      "recover-answers",
      "recover-scheduled",
      "recover-jobs",
      "tend-files",
    ]),
  );
});

test("the sink of security takes attempts to get in and what operators did, and not everything", () => {
  const [sink] = plan.of("google_logging_project_sink");
  const found = entries().filter(parseLogFilter(String(sink?.values.filter)));
  const endpoints = new Set(found.map(({ jsonPayload }) => (jsonPayload as { endpoint?: string }).endpoint));
  expect(endpoints).toContain("POST /v1/apps/{app}/auth/sessions");
  expect(endpoints).toContain("POST /v1/operator/keys/rotations");
  expect(endpoints).not.toContain("POST /v1/apps/{app}/chats/{chat}/messages");
});

test("crashes counts a rejection that nobody handled and an exception that nobody caught", async () => {
  const instance = `
    import { createLifecycle, ownProcess } from "./functions/runtime/lifecycle.ts";
    import { createLog } from "./shared/platform/log.ts";
    ownProcess(createLog({ projectId: "test" }), createLifecycle(), { end: async () => {}, close: async () => {} });
    Promise.reject(new Error("nobody handles this"));
    setImmediate(() => { throw new Error("nobody catches this"); });`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", instance]);
  const [lines] = await Promise.all([text(child.stdout), once(child, "exit")]);
  const crashes = metrics.find(({ name }) => name === "crashes");
  const matches = parseLogFilter(String(crashes?.filter));
  const written = lines.split("\n").filter((line) => line !== "");
  expect(written.map((line) => matches(entryOf(JSON.parse(line), "api")))).toEqual([true, true]);
});
