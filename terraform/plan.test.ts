import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { parseManifest } from "../emulators/local/manifest.ts";
import manifestJson from "../functions/manifest.json" with { type: "json" };
import { parseConfig } from "../shared/platform/config.ts";
import { type Configuration, readConfiguration, readVariables } from "./checks/configuration.ts";
import { type Plan, planOf } from "./checks/plan.ts";
import { providerSchema } from "./checks/schema.ts";

const manifest = parseManifest(manifestJson);

let configuration: Configuration;
let plan: Plan;
beforeAll(async () => {
  configuration = await readConfiguration("terraform");
  const variables = await readVariables("terraform/environments/production.tfvars");
  plan = await planOf(configuration, variables, providerSchema);
});

const keysOf = (type: string, name?: string): string[] =>
  plan
    .of(type, name)
    .map(({ key = "" }) => key)
    .sort();
const valuesOf = (type: string, key: string): Readonly<Record<string, unknown>> =>
  plan.of(type, "this").find((instance) => instance.key === key)?.values ?? {};

describe("what the manifest names", () => {
  test.each([
    ["google_cloudfunctions2_function", "functions"],
    ["google_pubsub_topic", "topics"],
    ["google_pubsub_subscription", "subscriptions"],
    ["google_cloud_tasks_queue", "queues"],
    ["google_cloud_scheduler_job", "schedules"],
  ] as const)("is created, and nothing else: %s from %s", (type, kind) => {
    expect(keysOf(type)).toEqual(Object.keys(manifest[kind]).sort());
    for (const { key, values } of plan.of(type)) expect(values.name).toBe(key);
  });

  test("functions have an account each, their sizes, and a source of their own", () => {
    expect(keysOf("google_service_account", "function")).toEqual(Object.keys(manifest.functions).sort());
    for (const { values } of plan.of("google_service_account")) {
      expect(values.account_id).toMatch(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/);
    }
    for (const [name, spec] of Object.entries(manifest.functions)) {
      expect(valuesOf("google_cloudfunctions2_function", name)).toMatchObject({
        location: manifest.region,
        build_config: [{ entry_point: name }],
        service_config: [
          {
            available_memory: `${spec.memoryMiB}Mi`,
            max_instance_request_concurrency: spec.concurrency,
            max_instance_count: spec.maxInstances,
            timeout_seconds: spec.timeoutSeconds,
            service_account_email: `<google_service_account.function["${name}"].email>`,
            ingress_settings: spec.public ? "ALLOW_INTERNAL_AND_GCLB" : "ALLOW_ALL",
          },
        ],
      });
    }
  });

  test("only the API may be called by anyone; the others by the invoker", () => {
    expect(keysOf("google_cloud_run_v2_service_iam_member", "invoker")).toEqual(
      Object.keys(manifest.functions)
        .filter((name) => manifest.functions[name]?.trigger !== "http")
        .sort(),
    );
    const members = plan.instances.map(({ values, address }) => ({ member: values.member, address }));
    expect(members.filter(({ member }) => String(member).startsWith("all"))).toEqual([
      { member: "allUsers", address: 'google_cloud_run_v2_service_iam_member.public["api"]' },
    ]);
  });

  const base = "https://europe-west1-scrollback-production.cloudfunctions.net";

  test("subscriptions push to their function with the invoker's token, and bury what fails", () => {
    for (const [name, spec] of Object.entries(manifest.subscriptions)) {
      const {
        push_config: push,
        dead_letter_policy: policy,
        ...rest
      } = valuesOf("google_pubsub_subscription", name);
      const url = `${base}/${spec.function}`;
      const email = "<google_service_account.invoker.email>";
      expect(push).toEqual(
        spec.function === undefined
          ? []
          : [{ push_endpoint: url, oidc_token: [{ service_account_email: email, audience: url }] }],
      );
      expect(policy).toEqual(
        spec.deadLetterTopic === undefined
          ? []
          : [
              {
                dead_letter_topic: `<google_pubsub_topic.this["${spec.deadLetterTopic}"].id>`,
                max_delivery_attempts: spec.maxDeliveryAttempts,
              },
            ],
      );
      expect(rest).toMatchObject({
        topic: `<google_pubsub_topic.this["${spec.topic}"].id>`,
        ack_deadline_seconds: spec.ackDeadlineSeconds,
        enable_message_ordering: spec.ordered,
        retry_policy: [
          { minimum_backoff: `${spec.minBackoffSeconds}s`, maximum_backoff: `${spec.maxBackoffSeconds}s` },
        ],
      });
    }
    const buried = Object.entries(manifest.subscriptions).filter(([, spec]) => spec.deadLetterTopic);
    expect(keysOf("google_pubsub_subscription_iam_member")).toEqual(buried.map(([name]) => name).sort());
    expect(keysOf("google_pubsub_topic_iam_member", "dead_letters")).toEqual([
      ...new Set(buried.map(([, spec]) => spec.deadLetterTopic)),
    ]);
  });

  test("queues and schedules have the rates, attempts and times of the manifest", () => {
    for (const [name, spec] of Object.entries(manifest.queues)) {
      expect(valuesOf("google_cloud_tasks_queue", name)).toMatchObject({
        rate_limits: [
          {
            max_dispatches_per_second: spec.maxDispatchesPerSecond,
            max_concurrent_dispatches: spec.maxConcurrentDispatches,
          },
        ],
        retry_config: [
          {
            max_attempts: spec.maxAttempts,
            min_backoff: `${spec.minBackoffSeconds}s`,
            max_backoff: `${spec.maxBackoffSeconds}s`,
            max_doublings: spec.maxDoublings,
          },
        ],
      });
    }
    for (const [name, spec] of Object.entries(manifest.schedules)) {
      const url = `${base}/${spec.function}`;
      expect(valuesOf("google_cloud_scheduler_job", name)).toMatchObject({
        schedule: spec.cron,
        time_zone: spec.timeZone,
        attempt_deadline: `${spec.deadlineSeconds}s`,
        http_target: [{ uri: url, body: "e30=", oidc_token: [{ audience: url }] }],
      });
    }
  });
});

test("every index, exemption and TTL of firestore.indexes.json is created, and nothing else", () => {
  const file = JSON.parse(readFileSync("firestore.indexes.json", "utf8")) as {
    indexes: { collectionGroup: string; queryScope: string; fields: Record<string, string>[] }[];
    fieldOverrides: { collectionGroup: string; fieldPath: string; ttl?: boolean; indexes: object[] }[];
  };
  const created = plan.of("google_firestore_index").map(({ values }) => ({
    collectionGroup: values.collection,
    queryScope: values.query_scope,
    fields: (values.fields as Record<string, string | null>[]).map(
      ({ field_path: fieldPath, order, array_config: arrayConfig }) => ({
        fieldPath,
        ...(order === null ? {} : { order }),
        ...(arrayConfig === null ? {} : { arrayConfig }),
      }),
    ),
  }));
  expect(created).toEqual(file.indexes);
  const overrides = plan.of("google_firestore_field").map(({ values }) => ({
    place: [values.collection, values.field].join("/"),
    indexes: (values.index_config as { indexes: object[] }[])[0]?.indexes.length,
    hasTtl: (values.ttl_config as object[]).length === 1,
  }));
  expect(overrides).toEqual(
    file.fieldOverrides.map(({ collectionGroup, fieldPath, ttl = false, indexes }) => ({
      place: `${collectionGroup}/${fieldPath}`,
      indexes: indexes.length,
      hasTtl: ttl,
    })),
  );
});

test.each(Object.keys(manifest.functions))("%s starts with the environment it is given", (name) => {
  const [config] = valuesOf("google_cloudfunctions2_function", name).service_config as [
    {
      environment_variables: Record<string, string>;
      secret_environment_variables: { key: string; secret: string }[];
    },
  ];
  const secrets = config.secret_environment_variables;
  const valueOfSecret = (key: string): string =>
    key === "SMTP_URL" ? "smtps://mail.example.com" : "s".repeat(40);
  const environment = {
    ...config.environment_variables,
    // What only Google Cloud knows is printed as its address, and the one that is checked for its form is
    // this.
    KMS_KEY: `projects/p/locations/${manifest.region}/keyRings/scrollback/cryptoKeys/signing-keys`,
    ...Object.fromEntries(secrets.map(({ key }) => [key, valueOfSecret(key)])),
  };
  expect(config.environment_variables.KMS_KEY).toBe("<google_kms_crypto_key.signing_keys.id>");
  expect(parseConfig(environment)).toMatchObject({ projectId: "scrollback-production", trustedProxies: 2 });
  for (const { key, secret } of secrets) expect(secret).toBe(key);
  // A variable that is given as a secret is not given in the open too.
  for (const { key } of secrets) expect(config.environment_variables).not.toHaveProperty(key);
});

describe("models of several providers", () => {
  const models = [
    { id: "small", windowTokens: 8192 },
    { id: "other", preset: "mistral", model: "mistral-large-latest", keyName: "MODEL_API_KEY_MISTRAL" },
  ];
  let own: Plan;
  beforeAll(async () => {
    const variables = await readVariables("terraform/environments/production.tfvars");
    const model = { ...(variables.model as object), preset: "vllm" };
    const changes = { model, models, model_keys: ["MODEL_API_KEY_MISTRAL"] };
    own = await planOf(configuration, { ...variables, ...changes }, providerSchema);
  });

  test("are told to every function, with how they are spoken to", () => {
    expect(own.refusals).toEqual([]);
    for (const { values } of own.of("google_cloudfunctions2_function")) {
      const [{ environment_variables: given }] = values.service_config as [
        { environment_variables: Record<string, string> },
      ];
      expect(given).toMatchObject({ MODEL_PRESET: "vllm", MODELS: JSON.stringify(models) });
    }
  });

  test("have their keys in secrets of their own, for the functions that ask models and no other", () => {
    const secrets = own.of("google_secret_manager_secret").map(({ key }) => key);
    expect(secrets).toContain("MODEL_API_KEY_MISTRAL");
    const holders = own.of("google_cloudfunctions2_function").map(({ key, values }) => {
      const [{ secret_environment_variables: given }] = values.service_config as [
        { secret_environment_variables: { key: string }[] },
      ];
      return { key, names: given.map((secret) => secret.key).filter((name) => name.startsWith("MODEL_")) };
    });
    for (const { key, names } of holders) {
      expect([key, names.length]).toEqual([key, names.includes("MODEL_API_KEY") ? 2 : 0]);
    }
    const readers = own.of("google_secret_manager_secret_iam_member", "reader");
    expect(readers.filter(({ key }) => key?.includes("MODEL_API_KEY_MISTRAL"))).toHaveLength(
      holders.filter(({ names }) => names.length > 0).length,
    );
  });
});

describe("models of Vertex AI", () => {
  const vertex = "https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi";
  const planWith = async (model: object, models: readonly object[] = []): Promise<Plan> => {
    const variables = await readVariables("terraform/environments/production.tfvars");
    const named = { ...(variables.model as object), ...model };
    return planOf(configuration, { ...variables, model: named, models }, providerSchema);
  };
  const grantedBy = ({ instances }: Plan): string[] =>
    instances
      .filter(({ values }) => values.role === "roles/aiplatform.user")
      .map(({ key = "" }) => key)
      .sort();

  test.each([
    ["the preset", { preset: "vertex" }, []],
    ["the address", { base_url: vertex }, []],
    ["an entry's preset", {}, [{ id: "gemini", preset: "vertex", baseUrl: "https://vertex.example.com/v1" }]],
    ["an entry's address", {}, [{ id: "gemini", baseUrl: vertex }]],
  ])("may be used by the functions that ask models, where %s says so", async (_, model, models) => {
    const own = await planWith(model, models);
    expect(own.refusals).toEqual([]);
    const askers = Object.entries(own.locals.access as Record<string, { secrets: string[] }>)
      .filter(([, { secrets }]) => secrets.includes("MODEL_API_KEY"))
      .map(([name]) => name);
    expect(askers.length).toBeGreaterThan(3);
    expect(grantedBy(own)).toEqual(askers.sort());
    for (const { values } of own.of("google_project_iam_member", "vertex")) {
      expect(values.member).toMatch(/^<google_service_account\.function\[/);
    }
    expect(own.of("google_project_service").map(({ key }) => key)).toContain("aiplatform.googleapis.com");
  });

  test.each([
    ["another provider is used", {}, []],
    ["a preset says that the address is spoken to otherwise", { preset: "other", base_url: vertex }, []],
    [
      "an address only looks like it",
      { base_url: "https://aiplatform.googleapis.com.evil.example/v1" },
      [{ id: "m", baseUrl: "https://models.example/aiplatform.googleapis.com/v1" }],
    ],
  ])("give no role and no service where %s", async (_, model, models) => {
    const own = await planWith(model, models);
    expect(own.refusals).toEqual([]);
    expect(grantedBy(own)).toEqual([]);
    expect(own.of("google_project_service").map(({ key }) => key)).not.toContain("aiplatform.googleapis.com");
  });
});

test("the API's service, and nothing else, is behind the load balancer, with a way to the candidate", () => {
  const groups = plan.of("google_compute_region_network_endpoint_group");
  expect(groups.map(({ values }) => values.cloud_run)).toEqual([
    [{ service: "api", tag: "candidate" }],
    [{ service: "api", tag: null }],
  ]);
});

test("the load balancer listens for TLS only", () => {
  const rules = plan.of("google_compute_global_forwarding_rule");
  expect(rules.map(({ values }) => values.port_range)).toEqual(["443"]);
});

test("no bucket is public, and no secret has a value here", () => {
  for (const { values } of plan.of("google_storage_bucket")) {
    expect(values).toMatchObject({ uniform_bucket_level_access: true, public_access_prevention: "enforced" });
  }
  expect(configuration.resources).not.toHaveProperty("google_secret_manager_secret_version");
});
