import { Metadata } from "@grpc/grpc-js";
import { type Message, projectOf, type ServiceSpec } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import type { Manifest } from "./manifest.ts";
import type { Suite } from "../suite.ts";
import { bucketName, invokerEmail, signingKmsKey } from "./functions-env.ts";

type Provisioned = Pick<Suite, "kernel" | "pubsub" | "tasks" | "scheduler" | "kms" | "env">;

export interface Target {
  readonly project: string;
  /** Pushes, tasks and schedules go to `${functionsUrl}/{function}`. */
  readonly functionsUrl: string;
}

/**
 * Creates what Terraform creates in the cloud: topics, subscriptions, queues and schedules of the
 * manifest. What exists is brought up to date, so it may run at every start.
 */
export async function provision(suite: Provisioned, manifest: Manifest, target: Target): Promise<void> {
  await provisionTopics(suite, manifest, target);
  await provisionSubscriptions(suite, manifest, target);
  await provisionQueues(suite, manifest, target);
  for (const [name, spec] of Object.entries(manifest.buckets)) {
    await provisionBucket(suite, bucketName(target.project, name), {
      spec,
      region: manifest.region,
      ...target,
    });
  }
  await provisionKey(suite, signingKmsKey(target.project, manifest.region));
  for (const [name, schedule] of Object.entries(manifest.schedules)) {
    const url = `${target.functionsUrl}/${schedule.function}`;
    suite.scheduler.addJob({
      project: target.project,
      name,
      cron: schedule.cron,
      timeZone: schedule.timeZone,
      url,
      audience: url,
      email: invokerEmail(target.project),
      deadlineMs: schedule.deadlineSeconds * 1000,
    });
  }
}

async function provisionTopics(suite: Provisioned, manifest: Manifest, { project }: Target): Promise<void> {
  const publisher = callerOf(suite.pubsub.services, "google.pubsub.v1.Publisher");
  for (const [name, { retentionSeconds }] of Object.entries(manifest.topics)) {
    const topic = {
      name: `projects/${project}/topics/${name}`,
      ...(retentionSeconds === undefined
        ? {}
        : { messageRetentionDuration: { seconds: retentionSeconds, nanos: 0 } }),
    };
    await createOrUpdate(
      () => publisher("CreateTopic", topic),
      () => publisher("UpdateTopic", { topic, updateMask: { paths: ["message_retention_duration"] } }),
    );
  }
}

const UPDATABLE = [
  "push_config",
  "ack_deadline_seconds",
  "retry_policy",
  "dead_letter_policy",
  "expiration_policy",
];

async function provisionSubscriptions(suite: Provisioned, manifest: Manifest, target: Target): Promise<void> {
  const subscriber = callerOf(suite.pubsub.services, "google.pubsub.v1.Subscriber");
  for (const [name, spec] of Object.entries(manifest.subscriptions)) {
    const subscription = subscriptionOf(name, spec, target);
    const existing = await found(subscriber("GetSubscription", { subscription: subscription.name }));
    // Pub/Sub can't change these three; Terraform replaces the subscription then, and so do we.
    const replaced =
      existing !== undefined &&
      (existing.topic !== subscription.topic ||
        existing.filter !== subscription.filter ||
        existing.enableMessageOrdering !== subscription.enableMessageOrdering);
    if (replaced) await subscriber("DeleteSubscription", { subscription: subscription.name });
    await createOrUpdate(
      () => subscriber("CreateSubscription", subscription),
      () => subscriber("UpdateSubscription", { subscription, updateMask: { paths: UPDATABLE } }),
    );
  }
}

function subscriptionOf(
  name: string,
  spec: Manifest["subscriptions"][string],
  { project, functionsUrl }: Target,
) {
  const pushEndpoint = `${functionsUrl}/${spec.function}`;
  return {
    name: `projects/${project}/subscriptions/${name}`,
    topic: `projects/${project}/topics/${spec.topic}`,
    filter: spec.filter ?? "",
    enableMessageOrdering: spec.ordered,
    ackDeadlineSeconds: spec.ackDeadlineSeconds,
    // An empty policy means that it never expires; an absent one, after 31 quiet days.
    expirationPolicy: {},
    ...(spec.function === undefined
      ? {}
      : {
          pushConfig: {
            pushEndpoint,
            oidcToken: { serviceAccountEmail: invokerEmail(project), audience: pushEndpoint },
          },
        }),
    retryPolicy: {
      minimumBackoff: duration(spec.minBackoffSeconds),
      maximumBackoff: duration(spec.maxBackoffSeconds),
    },
    ...(spec.deadLetterTopic === undefined
      ? {}
      : {
          deadLetterPolicy: {
            deadLetterTopic: `projects/${project}/topics/${spec.deadLetterTopic}`,
            // Pub/Sub's own default.
            maxDeliveryAttempts: spec.maxDeliveryAttempts ?? 5,
          },
        }),
  };
}

async function provisionQueues(suite: Provisioned, manifest: Manifest, { project }: Target): Promise<void> {
  const tasks = callerOf(suite.tasks.services, "google.cloud.tasks.v2.CloudTasks");
  const parent = `projects/${project}/locations/${manifest.region}`;
  for (const [name, spec] of Object.entries(manifest.queues)) {
    const queue = {
      name: `${parent}/queues/${name}`,
      rateLimits: {
        maxDispatchesPerSecond: spec.maxDispatchesPerSecond,
        maxConcurrentDispatches: spec.maxConcurrentDispatches,
      },
      retryConfig: {
        maxAttempts: spec.maxAttempts,
        maxRetryDuration: duration(spec.retrySeconds),
        minBackoff: duration(spec.minBackoffSeconds),
        maxBackoff: duration(spec.maxBackoffSeconds),
        maxDoublings: spec.maxDoublings,
      },
    };
    const updateMask = { paths: ["rate_limits", "retry_config"] };
    await createOrUpdate(
      () => tasks("CreateQueue", { parent, queue }),
      () => tasks("UpdateQueue", { queue, updateMask }),
    );
  }
}

interface BucketPlan extends Pick<Target, "project"> {
  readonly spec: Manifest["buckets"][string];
  readonly region: string;
}

/** Through the JSON API. Any page may use the bucket: it is one's own machine. */
async function provisionBucket(
  { env }: Pick<Suite, "env">,
  name: string,
  { spec, region, project }: BucketPlan,
): Promise<void> {
  const settings = {
    location: region,
    iamConfiguration: {
      uniformBucketLevelAccess: { enabled: true },
      publicAccessPrevention: "enforced",
    },
    softDeletePolicy: { retentionDurationSeconds: String(spec.softDeleteSeconds) },
    cors: [
      { origin: ["*"], method: spec.cors.methods, responseHeader: spec.cors.headers, maxAgeSeconds: 3600 },
    ],
    lifecycle: {
      rule: spec.expire.map(({ prefix, days }) => ({
        action: { type: "Delete" },
        condition: { age: days, matchesPrefix: [prefix] },
      })),
    },
  };
  const buckets = `${env.STORAGE_EMULATOR_HOST}/storage/v1/b`;
  const send = (method: string, url: string, body: object): Promise<Response> =>
    fetch(url, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const { location: _, ...changeable } = settings;
  const patched = await send("PATCH", `${buckets}/${name}`, changeable);
  const reply =
    patched.status === 404
      ? await send("POST", `${buckets}?project=${project}`, { name, ...settings })
      : patched;
  if (!reply.ok)
    throw new Error(`The bucket ${name} was answered with ${reply.status} ${await reply.text()}.`);
  const configs = `${buckets}/${name}/notificationConfigs`;
  const { items = [] } = (await (await fetch(configs)).json()) as { items?: { id: string }[] };
  for (const { id } of items) await fetch(`${configs}/${id}`, { method: "DELETE" });
  for (const { prefix, topic } of spec.notify) {
    await send("POST", configs, {
      topic: `//pubsub.googleapis.com/projects/${project}/topics/${topic}`,
      object_name_prefix: prefix,
      event_types: ["OBJECT_FINALIZE"],
      payload_format: "JSON_API_V1",
    });
  }
}

/** A key is never replaced: what it has encrypted could not be read any more. */
async function provisionKey(suite: Provisioned, name: string): Promise<void> {
  const kms = callerOf(suite.kms.services, "google.cloud.kms.v1.KeyManagementService");
  const [, location = "", keyRingId = "", cryptoKeyId = ""] =
    /^(.+)\/keyRings\/(.+)\/cryptoKeys\/(.+)$/.exec(name) ?? [];
  const parent = `${location}/keyRings/${keyRingId}`;
  const cryptoKey = { purpose: "ENCRYPT_DECRYPT" };
  await ((await found(kms("GetKeyRing", { name: parent }))) ??
    kms("CreateKeyRing", { parent: location, keyRingId }));
  await ((await found(kms("GetCryptoKey", { name }))) ??
    kms("CreateCryptoKey", { parent, cryptoKeyId, cryptoKey }));
}

const duration = (seconds: number): { seconds: number; nanos: number } => ({
  seconds: Math.floor(seconds),
  nanos: Math.round((seconds % 1) * 1e9),
});

async function createOrUpdate(create: () => Promise<Message>, update: () => Promise<Message>): Promise<void> {
  try {
    await create();
  } catch (cause) {
    if (!(cause instanceof StatusError && cause.code === "ALREADY_EXISTS")) throw cause;
    await update();
  }
}

async function found(reading: Promise<Message>): Promise<Message | undefined> {
  try {
    return await reading;
  } catch (cause) {
    if (cause instanceof StatusError && cause.code === "NOT_FOUND") return undefined;
    throw cause;
  }
}

type Caller = (method: string, request: object) => Promise<Message>;

/** Calls an emulator's RPCs in this process: the same handlers, without network, meter and faults. */
function callerOf(services: readonly ServiceSpec[], proto: string): Caller {
  const spec = services.find((service) => service.proto === proto);
  if (spec === undefined) throw new Error(`There is no ${proto} among the services.`);
  const service = spec.root.lookupService(proto);
  service.resolveAll();
  return async (method, request) => {
    const run = spec.unary?.[method];
    const type = service.methods[method]?.resolvedRequestType;
    if (run === undefined || !type) throw new StatusError("UNIMPLEMENTED", `${proto}/${method}`);
    const resource = Object.values(request).find((value) => typeof value === "string") ?? "";
    return run(type.fromObject(request), {
      service: spec.name,
      method,
      resource,
      project: projectOf(resource),
      requestId: undefined,
      metadata: new Metadata(),
      signal: new AbortController().signal,
    });
  };
}
