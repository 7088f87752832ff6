import { afterAll, expect, test } from "vitest";
import { startStorage } from "./testing.ts";

const suite = await startStorage();
afterAll(() => suite[Symbol.asyncDispose]());
const client = suite.client();

const rejection = (
  promise: Promise<unknown>,
): Promise<Error & { code: number; errors: { reason: string }[] }> =>
  promise.then(
    () => Promise.reject(new Error("It was not refused.")),
    (cause) => cause,
  );

test("a bucket is made once, found, listed by prefix and deleted when it is empty", async () => {
  const bucket = client.bucket("life-of-a-bucket");
  await bucket.create({ location: "europe-west1", storageClass: "nearline" });
  const [metadata] = await bucket.getMetadata();
  expect(metadata).toMatchObject({
    kind: "storage#bucket",
    location: "EUROPE-WEST1",
    locationType: "region",
    storageClass: "NEARLINE",
    metageneration: "1",
  });
  expect(await rejection(bucket.create())).toMatchObject({ code: 409, errors: [{ reason: "conflict" }] });
  const [listed] = await client.getBuckets({ prefix: "life-of" });
  expect(listed.map(({ name }) => name)).toEqual(["life-of-a-bucket"]);
  expect((await suite.client("other").getBuckets())[0]).toEqual([]);
  await bucket.file("x").save("x");
  expect(await rejection(bucket.delete())).toMatchObject({ code: 409 });
  await bucket.file("x").delete();
  await bucket.delete();
  expect(await bucket.exists()).toEqual([false]);
});

test.each(["ab", "UPPER-CASE", "-dash", "goog-bucket", "my-google-bucket", "192.168.5.4", "a..b"])(
  "a bucket can't be named %s",
  async (name) => {
    expect(await rejection(client.createBucket(name))).toMatchObject({ code: 400 });
  },
);

test("a patch merges labels, removes what is null, and counts metagenerations", async () => {
  const [bucket] = await client.createBucket("patched-bucket");
  await bucket.setMetadata({ labels: { a: "1", b: "2" } });
  await bucket.setMetadata({ labels: { a: null, c: "3" }, website: { mainPageSuffix: "index.html" } });
  const [metadata] = await bucket.getMetadata();
  expect(metadata).toMatchObject({ labels: { b: "2", c: "3" }, metageneration: "3" });
  await bucket.setMetadata({ labels: { b: null, c: null } });
  expect((await bucket.getMetadata())[0].labels).toBeUndefined();
  const stale = bucket.setMetadata({ labels: { x: "y" } }, { ifMetagenerationMatch: 1 });
  expect(await rejection(stale)).toMatchObject({ code: 412, errors: [{ reason: "conditionNotMet" }] });
});

test("a locked retention policy can be lengthened, not shortened or removed", async () => {
  const [bucket] = await client.createBucket("retaining-bucket");
  await bucket.setRetentionPeriod(100);
  const [metadata] = await bucket.getMetadata();
  expect(metadata.retentionPolicy).toMatchObject({ retentionPeriod: "100" });
  await bucket.lock(metadata.metageneration as string);
  expect(await rejection(bucket.setRetentionPeriod(50))).toMatchObject({ code: 403 });
  expect(await rejection(bucket.removeRetentionPeriod())).toMatchObject({ code: 403 });
  await bucket.setRetentionPeriod(200);
  await bucket.file("kept").save("kept", { resumable: false });
  expect(await rejection(bucket.file("kept").delete())).toMatchObject({ code: 403 });
  expect(await rejection(bucket.file("kept").save("new", { resumable: false }))).toMatchObject({ code: 403 });
  suite.kernel.clock.advance(201_000);
  await bucket.file("kept").delete();
});

test("a policy is kept, guarded by its etag, and counts for readers without identity", async () => {
  const [bucket] = await client.createBucket("policy-bucket");
  await bucket.file("open").save("for everybody");
  const link = `${suite.url}/policy-bucket/open`;
  expect((await fetch(link)).status).toBe(403);
  const [policy] = await bucket.iam.getPolicy();
  policy.bindings.push({ role: "roles/storage.objectViewer", members: ["allUsers"] });
  const [changed] = await bucket.iam.setPolicy(policy);
  expect(changed.bindings).toHaveLength(3);
  expect(await (await fetch(link)).text()).toBe("for everybody");
  expect(await rejection(bucket.iam.setPolicy(policy))).toMatchObject({ code: 409 });
  expect((await bucket.iam.testPermissions(["storage.buckets.get"]))[0]).toEqual({
    "storage.buckets.get": true,
  });
});

const kmsKeyName = "projects/p/locations/us/keyRings/r/cryptoKeys/k";
test.each([
  { website: { mainPageSuffix: "index.html", notFoundPage: "404.html" } },
  { logging: { logBucket: "logs", logObjectPrefix: "kept" } },
  { cors: [{ origin: ["*"], method: ["GET"], responseHeader: ["Content-Type"], maxAgeSeconds: 60 }] },
  { lifecycle: { rule: [{ action: { type: "Delete" }, condition: { age: 3, matchesPrefix: ["tmp/"] } }] } },
  { versioning: { enabled: true } },
  { billing: { requesterPays: true } },
  { encryption: { defaultKmsKeyName: kmsKeyName } },
  { labels: { team: "a" } },
  { storageClass: "COLDLINE" },
  { location: "EUROPE-WEST1" },
  { defaultEventBasedHold: true },
  { autoclass: { enabled: true, terminalStorageClass: "ARCHIVE" } },
  { rpo: "ASYNC_TURBO", location: "NAM4" },
  { customPlacementConfig: { dataLocations: ["US-EAST1", "US-WEST1"] }, location: "US" },
  {
    hierarchicalNamespace: { enabled: true },
    iamConfiguration: { uniformBucketLevelAccess: { enabled: true } },
  },
])("a bucket keeps and shows %j", async (settings) => {
  const name = `keeping-${Object.keys(settings).join("-").toLowerCase()}`;
  const bucket = client.bucket(name);
  await bucket.create(settings);
  expect((await bucket.getMetadata())[0]).toMatchObject(settings);
});

test("an object names the version of its key: its own, or the bucket's", async () => {
  const bucket = client.bucket("keyed-bucket");
  await bucket.create({ encryption: { defaultKmsKeyName: kmsKeyName } });
  const keyOf = async (file: ReturnType<typeof bucket.file>) => {
    await file.save("x", { resumable: false });
    return (await file.getMetadata())[0].kmsKeyName;
  };
  expect(await keyOf(bucket.file("a"))).toBe(`${kmsKeyName}/cryptoKeyVersions/1`);
  const own = `${kmsKeyName}-own`;
  expect(await keyOf(bucket.file("b", { kmsKeyName: own }))).toBe(`${own}/cryptoKeyVersions/1`);
});

test("bindings of one role are kept as one", async () => {
  const [bucket] = await client.createBucket("merging-bucket");
  const [policy] = await bucket.iam.getPolicy();
  const readers = "roles/storage.legacyBucketReader";
  policy.bindings.push({ role: readers, members: ["allUsers", "user:ada@example.com"] });
  const [kept] = await bucket.iam.setPolicy(policy);
  const members = kept.bindings.filter(({ role }) => role === readers).map((binding) => binding.members);
  expect(members).toEqual([["projectViewer:demo", "allUsers", "user:ada@example.com"]]);
});

test("a channel to stop is always unknown", async () => {
  const stopped = client.channel("my-channel", "my-resource").stop();
  expect(await rejection(stopped)).toMatchObject({
    code: 404,
    message: expect.stringMatching(/^Channel 'my-channel' not found/) as unknown,
  });
});

test("access lists are kept until access is uniform, and public access can be prevented", async () => {
  const [bucket] = await client.createBucket("acl-bucket");
  const entity = "user-ada@example.com";
  await bucket.acl.add({ entity, role: "OWNER" });
  await bucket.acl.update({ entity, role: "WRITER" });
  expect((await bucket.acl.get({ entity }))[0]).toEqual({ entity, role: "WRITER" });
  await bucket.acl.delete({ entity });
  expect(await rejection(bucket.acl.get({ entity }))).toMatchObject({ code: 404 });
  await bucket.file("f").save("f");
  await bucket.file("f").makePublic();
  expect(await bucket.file("f").isPublic()).toEqual([true]);
  await bucket.setMetadata({ iamConfiguration: { uniformBucketLevelAccess: { enabled: true } } });
  expect(await rejection(bucket.file("f").acl.get())).toMatchObject({ code: 400 });
  expect(await bucket.file("f").isPublic()).toEqual([false]);
  await bucket.setMetadata({ iamConfiguration: { uniformBucketLevelAccess: { enabled: false } } });
  await bucket.setMetadata({ iamConfiguration: { publicAccessPrevention: "enforced" } });
  expect(await rejection(bucket.makePublic())).toMatchObject({ code: 412 });
});

test("what is not served says so", async () => {
  expect((await fetch(`${suite.url}/storage/v1/b/acl-bucket/folders`)).status).toBe(501);
  const watch = await fetch(`${suite.url}/storage/v1/b/acl-bucket/o/watch`, { method: "POST" });
  expect(watch.status).toBe(501);
  expect(
    (await fetch(`${suite.url}/acl-bucket?cors`, { headers: { authorization: "Bearer x" } })).status,
  ).toBe(501);
});
