import { readdirSync, readFileSync } from "node:fs";

import { beforeAll, describe, expect, test } from "vitest";
import { type Body, type Configuration, readConfiguration, readVariables } from "./checks/configuration.ts";
import { format } from "./checks/hcl.ts";
import { type Plan, planOf } from "./checks/plan.ts";
import { type BlockSchema, problemsOf, providerSchema } from "./checks/schema.ts";

const ENVIRONMENTS = ["dev", "production"] as const;

let configuration: Configuration;
let plans: Record<(typeof ENVIRONMENTS)[number], Plan>;
beforeAll(async () => {
  configuration = await readConfiguration("terraform");
  const [dev, production] = await Promise.all(
    ENVIRONMENTS.map(async (name) => planOf(configuration, await given(name), providerSchema)),
  );
  plans = { dev: dev as Plan, production: production as Plan };
});

const given = (name: string): Promise<Body> => readVariables(`terraform/environments/${name}.tfvars`);

const withVariables = async (change: Body): Promise<Plan> =>
  planOf(configuration, { ...(await given("dev")), ...change }, providerSchema);

/** The same configuration with one more resource. */
const withResource = (type: string, body: Body): Configuration => ({
  ...configuration,
  resources: { ...configuration.resources, [type]: { ...configuration.resources[type], added: body } },
});

function allProblems({ resources, data }: Pick<Configuration, "resources" | "data">): string[] {
  const check = (
    types: Configuration["resources"],
    schemas: Readonly<Record<string, BlockSchema>>,
  ): string[] =>
    Object.entries(types).flatMap(([type, named]) =>
      Object.entries(named).flatMap(([name, body]) => {
        const schema = schemas[type];
        return schema === undefined
          ? [`${type} is not in schema.json`]
          : problemsOf(body, schema, `${type}.${name}`);
      }),
    );
  return [...check(resources, providerSchema.resources), ...check(data, providerSchema.data)];
}

const WEST = { name: "west", url: "http://west.example.com", project: "west", bucket: "west-files" };

describe("the files", () => {
  const paths = ["terraform", "terraform/environments"].flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => /\.(tf|tfvars|tfbackend)$/.test(file))
      .map((file) => `${folder}/${file}`),
  );

  test.each(paths)("%s is formatted as terraform fmt would", async (path) => {
    const text = readFileSync(path, "utf8");
    expect(await format(text)).toBe(text);
    expect(text.split("\n").length).toBeLessThan(300);
  });

  test("every resource and data source has only arguments of the provider's schema, and all that are required", () => {
    expect(allProblems(configuration)).toEqual([]);
  });

  test("the schema is that of the version that is installed", () => {
    const [{ required_providers: providers }] = configuration.terraform as [Body];
    const [{ google, "google-beta": beta, time }] = providers as [
      Record<"google" | "google-beta" | "time", { version: string }>,
    ];
    // The last bindings are of 6.50; derive-schema.ts says what was looked up of versions 7.
    expect(providerSchema.google).toBe("6.50.0");
    expect(google.version).toBe(">= 7.2.0, < 8.0.0");
    expect(beta.version).toBe(google.version);
    expect(time.version).toBe(`~> ${providerSchema.time.replace(/\d+$/, "0")}`);
  });

  test("an unknown, a missing and a misplaced argument are found", () => {
    const bodyOf = (body: Body) =>
      allProblems({ ...withResource("google_cloud_tasks_queue", body), data: {} });
    expect(bodyOf({ name: "x", location: "y", retries: 3 })).toEqual([
      'google_cloud_tasks_queue.added has no argument "retries"',
    ]);
    expect(bodyOf({ name: "x" })).toEqual(['google_cloud_tasks_queue.added lacks the argument "location"']);
    expect(bodyOf({ name: "x", location: "y", retry_config: { max_attempts: 1 } })).toEqual([
      "google_cloud_tasks_queue.added.retry_config is a block and stands as an argument",
    ]);
    expect(bodyOf({ name: "x", location: "y", rate_limits: [{}, {}] })).toEqual([
      "google_cloud_tasks_queue.added.rate_limits stands 2 times",
    ]);
    expect(bodyOf({ name: "x", location: "y", retry_config: [{ attempts: 1 }] })).toEqual([
      'google_cloud_tasks_queue.added.retry_config has no argument "attempts"',
    ]);
  });

  test.each([
    ["${google_pubsub_topic.other.id}", /There is no google_pubsub_topic\.other/],
    ['${google_pubsub_topic.this["other"].id}', /There is no other/],
    ['${google_pubsub_topic.this["chat-changes"].colour}', /has no attribute colour/],
    ["${var.colour}", /There is no colour/],
    ["${local.colour}", /There is no local\.colour/],
    ["${each.key}", /There is no each/],
    ["${upper(var.domain)}", /The function upper is not known/],
  ])("a reference to what is not there is found: %s", async (name, message) => {
    const changed = withResource("google_pubsub_topic", { name });
    await expect(planOf(changed, await given("dev"), providerSchema)).rejects.toThrow(message);
  });
});

describe("variables", () => {
  test.each(ENVIRONMENTS)("those of %s are accepted", (name) => {
    expect(plans[name].refusals).toEqual([]);
  });

  test.each([
    ["project_id", "No"],
    ["environment", "staging"],
    ["domain", "https://chat.example.com"],
    ["mail_from", "nobody"],
    ["model", { base_url: "http://models.example.com", fast: "a", slow: "b" }],
    ["models", [{ windowTokens: 8192 }]],
    ["models", [{ id: "a", keyName: "MODEL_API_KEY_B" }]],
    ["model_keys", ["MISTRAL_KEY"]],
    ["min_instances", { api: -1 }],
    ["min_instances", { nobody: 1 }],
    ["allowed_origins", ["*"]],
    ["clamd_address", "tcp://127.0.0.1"],
    ["cell", "West 1"],
    ["cells", [WEST]],
    ["log_retention_days", 0],
    ["alert_emails", []],
    ["alert_emails", ["on-call"]],
    ["budget", { billing_account: "x", currency: "EUR", units: 1 }],
    ["budget", { billing_account: "000000-000000-000000", currency: "euro", units: 1 }],
    ["thresholds", { queue_depth: 0 }],
    ["objectives", { availability: 99.9 }],
  ])("%s refuses %j", async (name, value) => {
    expect((await withVariables({ [name]: value })).refusals).toHaveLength(1);
  });

  test("each is what its own validations look at, as Terraform demands", () => {
    for (const [name, body] of Object.entries(configuration.variables)) {
      for (const { condition } of (body.validation ?? []) as { condition: string }[]) {
        expect([name, condition.includes(`var.${name}`)]).toEqual([name, true]);
      }
    }
  });

  test("a missing one and an unknown one stop the plan", async () => {
    await expect(withVariables({ colour: "red" })).rejects.toThrow("no variable colour");
    await expect(planOf(configuration, {}, providerSchema)).rejects.toThrow("is missing");
  });

  test("each is used", () => {
    const text = Object.values(configuration.files).join("\n");
    for (const name of Object.keys(configuration.variables)) expect(text).toContain(`var.${name}`);
  });
});

test("every environment keeps its state in a bucket of its own", async () => {
  const buckets = await Promise.all(
    ENVIRONMENTS.map((name) => readVariables(`terraform/environments/${name}.gcs.tfbackend`)),
  );
  expect(new Set(buckets.map(({ bucket }) => bucket)).size).toBe(ENVIRONMENTS.length);
});
