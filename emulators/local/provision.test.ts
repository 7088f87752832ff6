import { PubSub } from "@google-cloud/pubsub";
import { CloudTasksClient } from "@google-cloud/tasks";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type HttpTarget, startHttpTarget } from "../kernel/testing/http-target.ts";
import { parseManifest } from "./manifest.ts";
import { provision } from "./provision.ts";
import { type Suite, startSuite } from "../suite.ts";

const spec = (trigger: string) => ({
  entry: "functions/x.ts",
  trigger,
  memoryMiB: 256,
  concurrency: 1,
  timeoutSeconds: 60,
  maxInstances: 1,
});

const json = {
  region: "europe-west1",
  functions: { "on-change": spec("event"), mail: spec("task"), sweep: spec("schedule") },
  topics: { changes: { retentionSeconds: 604_800 }, dead: {} },
  subscriptions: {
    "on-change": {
      topic: "changes",
      function: "on-change",
      ackDeadlineSeconds: 60,
      ordered: false,
      minBackoffSeconds: 1.5,
      maxBackoffSeconds: 300,
      deadLetterTopic: "dead",
      maxDeliveryAttempts: 8,
    },
  },
  queues: {
    mail: {
      function: "mail",
      maxDispatchesPerSecond: 50,
      maxConcurrentDispatches: 10,
      maxAttempts: 8,
      retrySeconds: 600,
      minBackoffSeconds: 1,
      maxBackoffSeconds: 300,
      maxDoublings: 8,
    },
  },
  schedules: {
    sweep: {
      function: "sweep",
      cron: "0 3 * * *",
      timeZone: "Etc/UTC",
      deadlineSeconds: 60,
      silenceSeconds: 90_000,
    },
  },
};

let suite: Suite;
let target: HttpTarget;
let pubsub: PubSub;
let tasks: CloudTasksClient;
const project = "demo-provision";

beforeAll(async () => {
  process.env["METADATA_SERVER_DETECTION"] = "none";
  suite = await startSuite({ project, dataDir: undefined });
  target = await startHttpTarget();
  pubsub = new PubSub({
    projectId: project,
    apiEndpoint: `127.0.0.1:${suite.ports.pubsub}`,
    emulatorMode: true,
  });
  tasks = new CloudTasksClient({
    projectId: project,
    apiEndpoint: "127.0.0.1",
    port: suite.ports.tasks,
    sslCreds: credentials.createInsecure(),
  });
});

afterAll(async () => {
  await Promise.all([pubsub.close(), tasks.close()]);
  await suite.stop();
  await target[Symbol.asyncDispose]();
});

const provisionWith = (manifest: object) =>
  provision(suite, parseManifest(manifest), { project, functionsUrl: target.url });

describe("provisioning", () => {
  test("makes a publish, a schedule and a queue reach their functions with an identity", async () => {
    await provisionWith(json);
    await pubsub.topic("changes").publishMessage({ data: Buffer.from("{}") });
    await suite.pubsub.idle(project);
    await suite.scheduler.run(project, "sweep");
    const paths = target.received.map(({ path }) => path);
    expect(paths).toEqual(["/on-change", "/sweep"]);
    for (const { headers } of target.received) {
      const [, claims = ""] = String(headers["authorization"]).split(".");
      const { email, aud } = JSON.parse(Buffer.from(claims, "base64url").toString()) as Record<
        string,
        string
      >;
      expect(email).toBe(`invoker@${project}.iam.gserviceaccount.com`);
      expect(aud).toMatch(new RegExp(`^${target.url}/(on-change|sweep)$`));
    }
    const [queue] = await tasks.getQueue({ name: `projects/${project}/locations/europe-west1/queues/mail` });
    expect(queue).toMatchObject({
      rateLimits: { maxDispatchesPerSecond: 50, maxConcurrentDispatches: 10 },
      retryConfig: { maxAttempts: 8, maxDoublings: 8 },
    });
  });

  test("may be repeated, and brings what has changed up to date", async () => {
    await provisionWith(json);
    const { "on-change": subscription } = json.subscriptions;
    await provisionWith({
      ...json,
      subscriptions: { "on-change": { ...subscription, ackDeadlineSeconds: 90, maxDeliveryAttempts: 9 } },
      queues: { mail: { ...json.queues.mail, maxDispatchesPerSecond: 5 } },
    });
    const [metadata] = await pubsub.subscription("on-change").getMetadata();
    expect(metadata).toMatchObject({
      ackDeadlineSeconds: 90,
      deadLetterPolicy: { deadLetterTopic: `projects/${project}/topics/dead`, maxDeliveryAttempts: 9 },
      retryPolicy: { minimumBackoff: { seconds: "1", nanos: 500_000_000 } },
      pushConfig: { pushEndpoint: `${target.url}/on-change` },
    });
    const [queue] = await tasks.getQueue({ name: `projects/${project}/locations/europe-west1/queues/mail` });
    expect(queue.rateLimits?.maxDispatchesPerSecond).toBe(5);
  });

  test("replaces a subscription when what has changed is fixed at its creation", async () => {
    const { "on-change": subscription } = json.subscriptions;
    await provisionWith({
      ...json,
      subscriptions: {
        "on-change": { ...subscription, ordered: true, topic: "dead", deadLetterTopic: undefined },
      },
    });
    const [metadata] = await pubsub.subscription("on-change").getMetadata();
    expect(metadata).toMatchObject({
      enableMessageOrdering: true,
      topic: `projects/${project}/topics/dead`,
      deadLetterPolicy: null,
    });
  });
});

describe("the manifest", () => {
  test("that names what it does not define is refused, with each place", () => {
    const wrong = { ...json, functions: {}, topics: { changes: {} } };
    expect(() => parseManifest(wrong)).toThrow(
      /subscriptions\.on-change: there is no function "on-change"; .*queues\.mail: .*no topic "dead"/,
    );
  });

  test("with a key that nobody reads is refused", () => {
    expect(() => parseManifest({ ...json, topics: { changes: { retention: 1 } } })).toThrow(/retention/);
  });
});
