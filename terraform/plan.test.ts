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

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly value_source?: readonly [{ readonly secret_key_ref: readonly [{ readonly secret: string }] }];
}

/** What a service is given in the open, and from which secrets the rest comes. */
function environmentOf(values: Readonly<Record<string, unknown>>) {
  const [{ containers }] = values.template as [{ containers: [{ env: readonly Variable[] }] }];
  const [{ env }] = containers;
  const open: Record<string, string> = {};
  const secrets: { key: string; secret: string }[] = [];
  for (const { name, value, value_source: source } of env) {
    if (source === undefined) open[name] = value ?? "";
    else secrets.push({ key: name, secret: source[0].secret_key_ref[0].secret });
  }
  return { open, secrets };
}

describe("what the manifest names", () => {
  test.each([
    ["google_cloud_run_v2_service", "functions"],
    ["google_pubsub_topic", "topics"],
    ["google_pubsub_subscription", "subscriptions"],
    ["google_cloud_tasks_queue", "queues"],
    ["google_cloud_scheduler_job", "schedules"],
  ] as const)("is created, and nothing else: %s from %s", (type, kind) => {
    expect(keysOf(type, "this")).toEqual(Object.keys(manifest[kind]).sort());
    for (const { key, values } of plan.of(type, "this")) expect(values.name).toBe(key);
    // The one schedule of Terraform's own calls no function.
    const others = plan.of(type).filter(({ name }) => name !== "this");
    expect(others.map(({ values }) => values.name)).toEqual(kind === "schedules" ? ["export"] : []);
  });

  test("functions have an account each, and their sizes", () => {
    expect(keysOf("google_service_account", "function")).toEqual(Object.keys(manifest.functions).sort());
    for (const { values } of plan.of("google_service_account")) {
      expect(values.account_id).toMatch(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/);
    }
    for (const [name, spec] of Object.entries(manifest.functions)) {
      const { template, scaling, ...service } = valuesOf("google_cloud_run_v2_service", name);
      expect(service).toMatchObject({
        location: manifest.region,
        ingress: spec.public ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" : "INGRESS_TRAFFIC_ALL",
        invoker_iam_disabled: spec.public,
      });
      expect(template).toMatchObject([
        {
          service_account: `<google_service_account.function["${name}"].email>`,
          timeout: `${spec.timeoutSeconds}s`,
          max_instance_request_concurrency: spec.concurrency,
          containers: [
            {
              resources: [
                { limits: { cpu: String(spec.cpu), memory: `${spec.memoryMiB}Mi` }, cpu_idle: true },
              ],
            },
          ],
        },
      ]);
      const [{ max_instance_count: instances }] = scaling as [{ max_instance_count: number }];
      expect(instances).toBeGreaterThanOrEqual(1);
      expect(instances).toBeLessThanOrEqual(spec.maxInstances);
    }
  });

  test("only the API may be called by anyone; the others by the invoker", () => {
    expect(keysOf("google_cloud_run_v2_service_iam_member", "invoker")).toEqual(
      Object.keys(manifest.functions)
        .filter((name) => manifest.functions[name]?.trigger !== "http")
        .sort(),
    );
    // Organisations that share with nobody outside would refuse a grant to all.
    expect(plan.instances.filter(({ values }) => String(values.member).startsWith("all"))).toEqual([]);
  });

  const urlOf = (name = ""): string =>
    `https://${name}-<data.google_project.this.number>.europe-west1.run.app`;

  test("subscriptions push to their function with the invoker's token, and bury what fails", () => {
    for (const [name, spec] of Object.entries(manifest.subscriptions)) {
      const {
        push_config: push,
        dead_letter_policy: policy,
        ...rest
      } = valuesOf("google_pubsub_subscription", name);
      const url = urlOf(spec.function);
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
            max_retry_duration: `${spec.retrySeconds}s`,
            min_backoff: `${spec.minBackoffSeconds}s`,
            max_backoff: `${spec.maxBackoffSeconds}s`,
            max_doublings: spec.maxDoublings,
          },
        ],
      });
    }
    for (const [name, spec] of Object.entries(manifest.schedules)) {
      const url = urlOf(spec.function);
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
  const overrides = plan.of("google_firestore_field", "this").map(({ values }) => ({
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
  const { open, secrets } = environmentOf(valuesOf("google_cloud_run_v2_service", name));
  const valueOfSecret = (key: string): string =>
    key === "SMTP_URL" ? "smtps://mail.example.com" : "s".repeat(40);
  const environment = {
    ...open,
    // What only Google Cloud knows is printed as its address, and those that are checked for their form are
    // these.
    FUNCTIONS_URL: open.FUNCTIONS_URL?.replace("<data.google_project.this.number>", "123456789012"),
    KMS_KEY: `projects/p/locations/${manifest.region}/keyRings/scrollback/cryptoKeys/signing-keys`,
    ...Object.fromEntries(secrets.map(({ key }) => [key, valueOfSecret(key)])),
  };
  expect(open.FILES_BUCKET).toBe("scrollback-production-files");
  expect(open.KMS_KEY).toBe("<google_kms_crypto_key.signing_keys.id>");
  expect(parseConfig(environment)).toMatchObject({ projectId: "scrollback-production", trustedProxies: 2 });
  for (const { key, secret } of secrets) expect(secret).toBe(key);
  // A variable that is given as a secret is not given in the open too.
  for (const { key } of secrets) expect(open).not.toHaveProperty(key);
});

describe("what was restored", () => {
  const served = async (database: string): Promise<Plan> => {
    const variables = await readVariables("terraform/environments/production.tfvars");
    return planOf(configuration, { ...variables, database_id: database }, providerSchema);
  };

  test("is served by naming the database, to every function, and exported and backed up from then on", async () => {
    const own = await served("restored");
    expect(own.refusals).toEqual([]);
    for (const { values } of own.of("google_cloud_run_v2_service")) {
      expect(environmentOf(values).open.DATABASE_ID).toBe("restored");
    }
    const [job] = own.of("google_cloud_scheduler_job", "export");
    expect(JSON.stringify(job?.values)).toContain("/databases/restored:exportDocuments");
    const scheduled = own.of("google_firestore_backup_schedule").map(({ values }) => values.database);
    expect(scheduled.filter((database) => database === "restored")).toHaveLength(2);
    expect(own.of("google_firebaserules_release", "restored")).toHaveLength(1);
  });

  test("gets the times to live that a restored database lacks", async () => {
    const own = await served("restored");
    const fields = (name: string) =>
      own
        .of("google_firestore_field", name)
        .filter(({ values }) => (values.ttl_config as object[]).length === 1)
        .map(({ values }) => `${String(values.collection)}/${String(values.field)}`);
    expect(fields("restored")).toEqual(fields("this"));
    expect((await served("(default)")).of("google_firestore_field", "restored")).toEqual([]);
  });

  test("may be the only thing left of a region: exports lie in another", async () => {
    const [bucket] = plan.of("google_storage_bucket", "exports");
    expect(bucket?.values.location).not.toBe(manifest.region);
    const variables = await readVariables("terraform/environments/production.tfvars");
    const same = { ...variables, export_region: manifest.region };
    expect((await planOf(configuration, same, providerSchema)).refusals).toHaveLength(1);
  });
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
    for (const { values } of own.of("google_cloud_run_v2_service")) {
      expect(environmentOf(values).open).toMatchObject({
        MODEL_PRESET: "vllm",
        MODELS: JSON.stringify(models),
      });
    }
  });

  test("have their keys in secrets of their own, for the functions that ask models and no other", () => {
    const secrets = own.of("google_secret_manager_secret").map(({ key }) => key);
    expect(secrets).toContain("MODEL_API_KEY_MISTRAL");
    const holders = own.of("google_cloud_run_v2_service").map(({ key, values }) => {
      const names = environmentOf(values).secrets.map((secret) => secret.key);
      return { key, names: names.filter((name) => name.startsWith("MODEL_")) };
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

test("what serves the API, and nothing else, is behind the load balancer, with a way to the candidate", () => {
  const groups = plan.of("google_compute_region_network_endpoint_group");
  expect(groups.map(({ values }) => values.cloud_run)).toEqual([
    [{ service: "api", tag: "candidate" }],
    [{ service: "api", tag: null }],
    [{ service: "live", tag: "candidate" }],
    [{ service: "live", tag: null }],
  ]);
});

test("the load balancer sends streams to their function, and what is for a candidate to that of its function", () => {
  const matchers = plan
    .of("google_compute_url_map")
    .flatMap(({ values }) => values.path_matcher as PathMatcher[]);
  const [{ route_rules: rules, default_service: others }] = matchers as [PathMatcher];
  expect(others).toContain('["api-current"]');
  const seen = rules.map(({ service, match_rules: matches }) => [
    /\["([\w-]+)"\]/.exec(service)?.[1],
    matches.map((rule) => rule.path_template_match ?? rule.prefix_match),
    matches.map(({ header_matches: headers = [] }) => headers.map((header) => header.exact_match)),
  ]);
  const { paths } = manifestJson.functions.live;
  const candidate = paths.map(() => ["candidate"]);
  expect(seen).toEqual([
    ["live-candidate", paths, candidate],
    ["api-candidate", ["/"], [["candidate"]]],
    ["live-current", paths, paths.map(() => [])],
  ]);
  expect(rules.map(({ priority }) => priority)).toEqual([1, 2, 3]);
  // https://cloud.google.com/load-balancing/docs/url-map-concepts: wildcards in a path template.
  for (const path of paths) expect(path.split("*").length - 1).toBeLessThanOrEqual(TEMPLATE_OPERATORS_MAX);
});

interface PathMatcher {
  readonly default_service: string;
  readonly route_rules: readonly {
    readonly priority: number;
    readonly service: string;
    readonly match_rules: readonly {
      readonly path_template_match?: string;
      readonly prefix_match?: string;
      readonly header_matches?: readonly { readonly exact_match: string }[];
    }[];
  }[];
}
const TEMPLATE_OPERATORS_MAX = 5;

test("the load balancer listens for TLS only", () => {
  const rules = plan.of("google_compute_global_forwarding_rule");
  expect(rules.map(({ values }) => values.port_range)).toEqual(["443"]);
});

test("a scanner stands beside the function that checks files, where one is wanted, and counts", async () => {
  const variables = await readVariables("terraform/environments/production.tfvars");
  const wanted = await planOf(
    configuration,
    { ...variables, scanner_image: "docker.io/clamav/clamav:1.4", quota: { vcpu: 1_000, memory_gib: 1_000 } },
    providerSchema,
  );
  const containersOf = (of: Plan, key: string) => {
    const [found] = of.of("google_cloud_run_v2_service", "this").filter((instance) => instance.key === key);
    const { template = [] } = (found?.values ?? {}) as { template?: { containers: object[] }[] };
    return template[0]?.containers ?? [];
  };
  const [main, daemon] = containersOf(wanted, "check-file");
  expect(main).toMatchObject({ ports: [{ container_port: 8080 }] });
  expect(daemon).toMatchObject({ name: "clamd", startup_probe: [{ tcp_socket: [{ port: 3310 }] }] });
  const [service] = wanted
    .of("google_cloud_run_v2_service", "this")
    .filter(({ key }) => key === "check-file");
  expect(environmentOf(service?.values ?? {}).open.CLAMD_ADDRESS).toBe("127.0.0.1:3310");
  expect(containersOf(wanted, "api")).toHaveLength(1);
  expect(containersOf(plan, "check-file")).toHaveLength(1);
  const needed = (of: Plan) => of.locals.quota_needed as { vcpu: number; memory_gib: number };
  expect(needed(wanted).vcpu).toBeGreaterThan(needed(plan).vcpu);
  expect(needed(wanted).memory_gib).toBeGreaterThan(needed(plan).memory_gib);
});

test("the bucket of files is what the manifest says: who may ask from where, and what it deletes", () => {
  const spec = manifest.buckets.files;
  const [bucket] = plan.of("google_storage_bucket", "files");
  expect(bucket?.values).toMatchObject({
    cors: [
      {
        origin: ["https://chat.example.com", "https://app.example.com"],
        method: spec?.cors.methods,
        response_header: spec?.cors.headers,
      },
    ],
    soft_delete_policy: [{ retention_duration_seconds: spec?.softDeleteSeconds }],
  });
  expect(Object.keys(manifest.buckets)).toEqual(["files"]);
  const rules = bucket?.values.lifecycle_rule as {
    condition: { age: number; matches_prefix?: string[] }[];
  }[];
  const expiring = rules.flatMap(({ condition }) => condition).filter(({ matches_prefix: prefix }) => prefix);
  expect(expiring.map(({ age, matches_prefix: [prefix] = [] }) => ({ prefix, days: age }))).toEqual(
    spec?.expire,
  );
});

test("no bucket is public, and no secret has a value here", () => {
  for (const { values } of plan.of("google_storage_bucket")) {
    expect(values).toMatchObject({ uniform_bucket_level_access: true, public_access_prevention: "enforced" });
  }
  expect(configuration.resources).not.toHaveProperty("google_secret_manager_secret_version");
});
