import { beforeAll, describe, expect, test } from "vitest";
import manifest from "../functions/manifest.json" with { type: "json" };
import { type Body, type Configuration, readConfiguration, readVariables } from "./checks/configuration.ts";
import { dependenciesOf } from "./checks/dependencies.ts";
import { type Plan, planOf } from "./checks/plan.ts";
import { providerSchema } from "./checks/schema.ts";

/** What Google refuses at the first apply in a new project, so far as a plan shows it. docs/cloud.md */

/** https://docs.cloud.google.com/run/quotas: what a new project may take in a region. */
const NEW_PROJECT = { vcpu: 20, memoryGiB: 40 };
/** A policy that names a metric made less than this ago is refused. */
const METRIC_SECONDS = 600;
/** https://docs.cloud.google.com/iam/docs/access-change-propagation: typically within two minutes. */
const GRANT_SECONDS = 120;

let configuration: Configuration;
let dev: Plan;
let production: Plan;
let dependencies: Map<string, ReadonlySet<string>>;
const given = (name: string): Promise<Body> => readVariables(`terraform/environments/${name}.tfvars`);
const planWith = async (changes: Body): Promise<Plan> =>
  planOf(configuration, { ...(await given("dev")), ...changes }, providerSchema);
beforeAll(async () => {
  configuration = await readConfiguration("terraform");
  dependencies = await dependenciesOf(configuration);
  dev = await planWith({});
  production = await planOf(configuration, await given("production"), providerSchema);
});

interface Service {
  readonly scaling: [{ readonly min_instance_count: number; readonly max_instance_count: number }];
  readonly template: [
    {
      readonly scaling: [{ readonly max_instance_count: number }];
      readonly containers: [{ readonly resources: [{ readonly limits: { cpu: string; memory: string } }] }];
    },
  ];
}
const servicesOf = (plan: Plan): Service[] =>
  plan.of("google_cloud_run_v2_service").map(({ values }) => values as unknown as Service);

function taken(plan: Plan): { vcpu: number; memoryGiB: number } {
  let vcpu = 0;
  let memoryMiB = 0;
  for (const { scaling, template } of servicesOf(plan)) {
    const [{ limits }] = template[0].containers[0].resources;
    vcpu += scaling[0].max_instance_count * Number(limits.cpu);
    memoryMiB += scaling[0].max_instance_count * Number.parseInt(limits.memory, 10);
  }
  return { vcpu, memoryGiB: memoryMiB / 1024 };
}

describe("the quota of Cloud Run", () => {
  test("of a new project suffices for all instances of all services, and one that is tried out", () => {
    const { vcpu, memoryGiB } = taken(dev);
    expect(servicesOf(dev)).toHaveLength(Object.keys(manifest.functions).length);
    expect(vcpu + 1).toBeLessThanOrEqual(NEW_PROJECT.vcpu);
    expect(memoryGiB + 1).toBeLessThanOrEqual(NEW_PROJECT.memoryGiB);
    expect(dev.refusals).toEqual([]);
  });

  test.each(["dev", "production"])("that %s needs is an output", (name) => {
    const plan = name === "dev" ? dev : production;
    const needed = plan.outputs.quota_needed as { vcpu: number; memory_gib: number };
    const { vcpu, memoryGiB } = taken(plan);
    // One that is tried out, whichever it is.
    const largestGiB = Math.max(...Object.values(manifest.functions).map((spec) => spec.memoryMiB)) / 1024;
    expect(needed.vcpu).toBe(Math.ceil(vcpu + 1));
    expect(needed.memory_gib).toBe(Math.ceil(memoryGiB + largestGiB));
  });

  test("refuses a plan that needs more, and says how much", async () => {
    const { refusals } = await planWith({ max_instances: { api: 50 } });
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toContain("ask Google for a larger quota");
    const granted = await planWith({ max_instances: { api: 50 }, quota: { vcpu: 100, memory_gib: 200 } });
    expect(granted.refusals).toEqual([]);
  });

  test("bounds a service whole, so that two revisions of a rollout take no more than one", () => {
    for (const plan of [dev, production]) {
      for (const { scaling, template } of servicesOf(plan)) {
        const [{ min_instance_count: min, max_instance_count: max }] = scaling;
        expect(max).toBeGreaterThanOrEqual(Math.max(1, min));
        expect(template[0].scaling[0].max_instance_count).toBe(max);
      }
    }
  });

  test("is never more than what the manifest says is of use", async () => {
    const plan = await planWith({ max_instances: { reconcile: 40 } });
    const reconcile = plan.of("google_cloud_run_v2_service").filter(({ key }) => key === "reconcile");
    const bounds = reconcile.map(
      ({ values }) => (values as unknown as Service).scaling[0].max_instance_count,
    );
    expect(bounds).toEqual([1]);
  });

  test.each<[string, Body]>([
    ["no instance of a function", { max_instances: { api: 0 } }],
    ["instances of nobody", { max_instances: { nobody: 1 } }],
    ["more kept warm than there may be", { min_instances: { api: 3 } }],
  ])("%s is refused", async (_, changes) => {
    expect((await planWith(changes)).refusals).toHaveLength(1);
  });
});

describe("nothing is made before what it needs", () => {
  /** Which API makes a resource, by the beginning of its type. */
  const APIS: readonly (readonly [prefix: string, api: string])[] = [
    ["google_artifact_registry_", "artifactregistry"],
    ["google_billing_budget", "billingbudgets"],
    ["google_cloud_run_", "run"],
    ["google_cloud_scheduler_", "cloudscheduler"],
    ["google_cloud_tasks_", "cloudtasks"],
    ["google_cloudbuild", "cloudbuild"],
    ["google_compute_", "compute"],
    ["google_firebaserules_", "firebaserules"],
    ["google_firestore_", "firestore"],
    ["google_kms_", "cloudkms"],
    ["google_logging_", "logging"],
    ["google_monitoring_", "monitoring"],
    ["google_project_iam_", "iam"],
    ["google_project_service_identity", "iam"],
    ["google_pubsub_", "pubsub"],
    ["google_secret_manager_", "secretmanager"],
    ["google_service_account", "iam"],
    ["google_storage_", "storage"],
  ];
  const apiOf = (type: string) => APIS.find(([prefix]) => type.startsWith(prefix))?.[1];

  test("every resource waits for its API, which is switched on", () => {
    const on = new Set(dev.of("google_project_service").map(({ key }) => key));
    for (const [type, named] of Object.entries(configuration.resources)) {
      if (["google_project_service", "time_sleep"].includes(type)) continue;
      expect([type, on.has(`${apiOf(type)}.googleapis.com`)]).toEqual([type, true]);
      for (const name of Object.keys(named)) {
        const address = `${type}.${name}`;
        expect([address, dependencies.get(address)?.has("google_project_service.this")]).toEqual([
          address,
          true,
        ]);
      }
    }
  });

  test("an account of Google's is made before a role is granted to it", () => {
    const granted = dev.instances.flatMap(({ address, values }) => {
      const member = typeof values.member === "string" ? values.member : "";
      // Made from a number, it may name what is not there yet.
      expect([address, /gcp-sa-|@cloudbuild\./.test(member)]).toEqual([address, false]);
      return /google_project_service_identity\.agent\["([\w.]+)"\]/.exec(member)?.[1] ?? [];
    });
    const made = dev.of("google_project_service_identity").map(({ key }) => key);
    expect(new Set(granted)).toEqual(new Set(made));
  });

  test("whatever names a metric made from logs has waited until Monitoring knows it", () => {
    const naming = Object.entries(configuration.resources).flatMap(([type, named]) =>
      Object.keys(named)
        .filter((name) => {
          const instances = dev.of(type, name);
          const text = JSON.stringify(instances.map(({ values }) => values));
          return /logging(?:\.googleapis\.com\/user\/|_googleapis_com:user_)/.test(text);
        })
        .map((name) => `${type}.${name}`),
    );
    expect(naming.length).toBeGreaterThan(4);
    for (const address of naming) {
      expect([address, dependencies.get(address)?.has("time_sleep.metrics_known")]).toEqual([address, true]);
    }
    const [wait] = dev.of("time_sleep", "metrics_known");
    expect(Number.parseInt(String(wait?.values.create_duration), 10)).toBeGreaterThanOrEqual(METRIC_SECONDS);
    // Another metric is another wait.
    const metrics = dev.of("google_logging_metric").map(({ key }) => key);
    expect(new Set(Object.keys(wait?.values.triggers as object))).toEqual(new Set(metrics));
  });

  test("what reads secrets has waited until the right to do so is seen everywhere", () => {
    for (const address of ["google_cloud_run_v2_service.this", "google_cloudbuildv2_connection.github"]) {
      const before = dependencies.get(address);
      expect([address, before?.has("time_sleep.grants_known")]).toEqual([address, true]);
      for (const grant of ["reader", "cloud_build"]) {
        expect(before?.has(`google_secret_manager_secret_iam_member.${grant}`)).toBe(true);
      }
    }
    const [wait] = dev.of("time_sleep", "grants_known");
    expect(Number.parseInt(String(wait?.values.create_duration), 10)).toBeGreaterThanOrEqual(GRANT_SECONDS);
  });

  test("what does not wait is found", async () => {
    const filter =
      'metric.type="logging.googleapis.com/user/${google_logging_metric.counter["crashes"].name}"';
    const policy = { display_name: "x", combiner: "OR", conditions: [{ display_name: filter }] };
    const resources = { ...configuration.resources, google_monitoring_alert_policy: { hasty: policy } };
    const found = (await dependenciesOf({ ...configuration, resources })).get(
      "google_monitoring_alert_policy.hasty",
    );
    expect(found?.has("google_logging_metric.counter")).toBe(true);
    expect(found?.has("time_sleep.metrics_known")).toBe(false);
  });
});

describe("the repository", () => {
  test("is connected in the region of its triggers, by a token that Cloud Build may read", () => {
    const region = manifest.region;
    const [connection] = dev.of("google_cloudbuildv2_connection");
    const [repository] = dev.of("google_cloudbuildv2_repository");
    for (const it of [connection, repository, ...dev.of("google_cloudbuild_trigger")]) {
      expect(it?.values.location).toBe(region);
    }
    for (const { values } of dev.of("google_cloudbuild_trigger")) {
      expect(values).not.toHaveProperty("github");
      expect(values.repository_event_config).toMatchObject([
        { repository: "<google_cloudbuildv2_repository.this.id>", push: [{ branch: "^main$" }] },
      ]);
    }
    expect(dependencies.get("google_cloudbuildv2_connection.github")).toContain(
      "google_secret_manager_secret_iam_member.cloud_build",
    );
  });
});

describe("which revision has the traffic", () => {
  const service = (): Body => configuration.resources.google_cloud_run_v2_service?.this as Body;

  test("is the rollout's to say: Terraform sets none and ignores what it finds", () => {
    expect(service()).not.toHaveProperty("traffic");
    const [{ ignore_changes: ignored }] = service().lifecycle as [{ ignore_changes: string[] }];
    const names = ignored.map((name) => name.replace(/^\$\{(.*)\}$/, "$1"));
    expect(names).toEqual(
      expect.arrayContaining(["traffic", "build_config", "client", "template[0].containers[0].image"]),
    );
    // What Terraform does own is not among them.
    for (const name of names) expect(name).not.toMatch(/^(?:scaling|ingress|template)$|env|resources/);
  });

  test("has one owner for all functions: no resource makes functions of their own", () => {
    const types = Object.keys(configuration.resources).filter((type) => type.includes("function"));
    expect(types).toEqual([]);
  });
});
