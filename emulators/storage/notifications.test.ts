import { afterAll, expect, test } from "vitest";
import { startStorage } from "./testing.ts";

const refusals = { left: 0 };
const suite = await startStorage({
  onPublish() {
    if (refusals.left > 0) {
      refusals.left -= 1;
      throw new Error("Pub/Sub is away.");
    }
  },
});
afterAll(() => suite[Symbol.asyncDispose]());
const client = suite.client();
const simple = { resumable: false };

test("each change is told with Google's attributes, in the order of the changes", async () => {
  const [bucket] = await client.createBucket("telling-bucket", { versioning: { enabled: true } });
  const [notification] = await bucket.createNotification("changes", {
    customAttributes: { tenant: "a" },
    objectNamePrefix: "in/",
  });
  expect((await notification.getMetadata())[0]).toMatchObject({
    topic: "//pubsub.googleapis.com/projects/demo/topics/changes",
  });
  await bucket.file("out/side").save("unheard", simple);
  await bucket.file("in/side").save("one", simple);
  await bucket.file("in/side").setMetadata({ metadata: { k: "v" } });
  await bucket.file("in/side").save("two", simple);
  const [versions] = await bucket.getFiles({ versions: true, prefix: "in/" });
  await bucket.file("in/side").delete();
  await versions[1]?.delete();
  await suite.publishedCount(6);
  const told = suite.published.map(({ message }) => message.attributes);
  const [first, second] = versions.map(({ metadata }) => String(metadata.generation));
  expect(suite.published[0]?.topic).toBe("projects/demo/topics/changes");
  expect(told[0]).toEqual({
    tenant: "a",
    notificationConfig: "projects/_/buckets/telling-bucket/notificationConfigs/1",
    eventType: "OBJECT_FINALIZE",
    payloadFormat: "JSON_API_V1",
    bucketId: "telling-bucket",
    objectId: "in/side",
    objectGeneration: first,
    eventTime: expect.stringMatching(/Z$/),
  });
  expect(told.map(({ eventType }) => eventType)).toEqual([
    "OBJECT_FINALIZE",
    "OBJECT_METADATA_UPDATE",
    "OBJECT_ARCHIVE",
    "OBJECT_FINALIZE",
    "OBJECT_ARCHIVE",
    "OBJECT_DELETE",
  ]);
  expect(told[2]).toMatchObject({ objectGeneration: first, overwrittenByGeneration: second });
  expect(told[3]).toMatchObject({ objectGeneration: second, overwroteGeneration: first });
  const payload = JSON.parse(suite.published[1]?.message.data.toString() ?? "");
  expect(payload).toMatchObject({
    kind: "storage#object",
    name: "in/side",
    metadata: { k: "v" },
    metageneration: "2",
  });
  await notification.delete();
  expect((await bucket.getNotifications())[0]).toEqual([]);
});

test("a message that Pub/Sub refuses is published later", async () => {
  const [bucket] = await client.createBucket("patient-bucket");
  await bucket.createNotification("later", { eventTypes: ["OBJECT_DELETE"], payloadFormat: "NONE" });
  const before = suite.published.length;
  await bucket.file("x").save("x", simple);
  refusals.left = 1;
  await bucket.file("x").delete();
  expect(suite.published).toHaveLength(before);
  const arrived = suite.publishedCount(before + 1);
  suite.kernel.clock.advance(2000);
  await arrived;
  const { message } = suite.published.at(-1) ?? { message: undefined };
  expect([message?.attributes.eventType, message?.data.length]).toEqual(["OBJECT_DELETE", 0]);
});

test("objects go when a lifecycle rule says so", async () => {
  const [bucket] = await client.createBucket("ageing-bucket", {
    lifecycle: {
      rule: [
        { action: { type: "Delete" }, condition: { age: 30, matchesPrefix: ["tmp/"] } },
        {
          action: { type: "SetStorageClass", storageClass: "COLDLINE" },
          condition: { age: 10, matchesSuffix: [".log"] },
        },
      ],
    },
  });
  await bucket.createNotification("aged", { eventTypes: ["OBJECT_DELETE"] });
  await bucket.file("tmp/old").save("x", simple);
  await bucket.file("kept.log").save("x", simple);
  const before = suite.published.length;
  suite.kernel.clock.advance(31 * 24 * 3600 * 1000);
  await suite.publishedCount(before + 1);
  const [files] = await bucket.getFiles();
  expect(files.map(({ metadata }) => [metadata.name, metadata.storageClass])).toEqual([
    ["kept.log", "COLDLINE"],
  ]);
});

test("faults befall the calls that they name, and calls are counted", async () => {
  const [bucket] = await client.createBucket("faulty-bucket");
  const { faults, meter } = suite.kernel;
  const save = () => bucket.file("f").save("x", simple);
  faults.add({
    service: "storage",
    method: "objects.insert",
    match: "faulty-bucket/objects/f",
    kind: "before",
  });
  await expect(save()).rejects.toMatchObject({ code: 503 });
  expect(await bucket.file("f").exists()).toEqual([false]);
  faults.add({ service: "storage", method: "objects.insert", kind: "after" });
  await expect(save()).rejects.toMatchObject({ code: 503 });
  expect(await bucket.file("f").exists()).toEqual([true]);
  faults.add({ service: "storage", method: "objects.get", kind: "drop" });
  await expect(bucket.file("f").getMetadata()).rejects.toThrow(/socket hang up|ECONNRESET/);
  meter.clear();
  await fetch(`${suite.url}/storage/v1/b/faulty-bucket/o/f`, { headers: { "x-request-id": "r1" } });
  expect(meter.read({ requestId: "r1" }).rpcs).toEqual({ "storage.objects.get": 1 });
  expect(meter.read({ project: "demo" }).rpcs).toEqual({ "storage.objects.get": 1 });
});
