import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openServiceAccount, trustedAccount, trustedKeyFile } from "./server.ts";
import { startStorage } from "./testing.ts";

const suite = await startStorage();
afterAll(() => suite[Symbol.asyncDispose]());
const client = suite.client();
const [bucket] = await client.createBucket("signed-bucket");
const file = bucket.file("special/azAZ!*'()*%/ü.jpg");
await file.save("signed bytes", { resumable: false });

const soon = () => Date.now() + 60_000;
const codeOf = async (answer: Response): Promise<[number, string | undefined]> => [
  answer.status,
  /<Code>(\w+)<\/Code>/.exec(await answer.text())?.[1],
];

test.each(["v2", "v4"] as const)("a %s URL reads, and only what it was signed for", async (version) => {
  const [url] = await file.getSignedUrl({ version, action: "read", expires: soon() });
  expect(await (await fetch(url)).text()).toBe("signed bytes");
  const tampered = [
    fetch(url.replace("signed-bucket", "other-bucket")),
    fetch(url, { method: "PUT", body: "x" }),
    fetch(url, { method: "DELETE" }),
    fetch(url, { headers: { "x-goog-acl": "public-read" } }),
    fetch(`${url}0`),
    fetch(`${url}!`),
    fetch(url.replace(/(Expires=)(\d+)/, (_, name: string, value: string) => `${name}${Number(value) + 1}`)),
  ];
  const refused = [403, "SignatureDoesNotMatch"];
  expect(await Promise.all(tampered.map(async (answer) => codeOf(await answer)))).toEqual(
    tampered.map(() => refused),
  );
});

test("a V4 URL can't be given other parameters, another host or another signature", async () => {
  const [url] = await file.getSignedUrl({ version: "v4", action: "read", expires: soon() });
  const refused = [403, "SignatureDoesNotMatch"];
  expect(await codeOf(await fetch(`${url}&generation=1`))).toEqual(refused);
  expect(await codeOf(await fetch(url.replace("127.0.0.1", "localhost")))).toEqual(refused);
  expect(await codeOf(await fetch(url.replace(/..$/, "00")))).toEqual(refused);
});

test("a URL ends when it expires, and one for later isn't valid yet", async () => {
  const [url] = await file.getSignedUrl({ version: "v4", action: "read", expires: soon() });
  const accessibleAt = Date.now() + 3600_000;
  const [later] = await file.getSignedUrl({
    version: "v4",
    action: "read",
    accessibleAt,
    expires: accessibleAt + 1000,
  });
  expect(await codeOf(await fetch(later))).toEqual([403, "AccessDenied"]);
  suite.kernel.clock.advance(61_000);
  expect(await codeOf(await fetch(url))).toEqual([400, "ExpiredToken"]);
});

test("a write takes exactly the type and the headers that were signed", async () => {
  const expires = Date.now() + 3600_000;
  const extensionHeaders = { "x-goog-meta-by": "ada", "x-goog-content-length-range": "0,10" };
  const [url] = await bucket
    .file("written")
    .getSignedUrl({ version: "v4", action: "write", contentType: "text/plain", expires, extensionHeaders });
  const write = (headers: Record<string, string>, body = "abc") =>
    fetch(url, { method: "PUT", body, headers });
  const right = { "content-type": "text/plain", ...extensionHeaders };
  expect((await write({ ...right, "content-type": "text/html" })).status).toBe(403);
  expect(await codeOf(await write({ "content-type": "text/plain" }))).toEqual([
    400,
    "MalformedSecurityHeader",
  ]);
  expect(await codeOf(await write(right, "more than ten bytes"))).toEqual([400, "EntityTooLarge"]);
  expect((await write(right)).status).toBe(200);
  expect((await bucket.file("written").getMetadata())[0]).toMatchObject({
    contentType: "text/plain",
    metadata: { by: "ada" },
  });
});

test("a signed resumable upload starts with the URL and goes on without it", async () => {
  const expires = Date.now() + 3600_000;
  const [url] = await bucket.file("resumed").getSignedUrl({ version: "v4", action: "resumable", expires });
  const started = await fetch(url, { method: "POST", headers: { "x-goog-resumable": "start" } });
  expect(started.status).toBe(201);
  const done = await fetch(started.headers.get("location") as string, { method: "PUT", body: "abc" });
  expect([done.status, done.headers.get("x-goog-stored-content-length")]).toEqual([200, "3"]);
});

test("signatures of accounts that nobody trusts are refused until they are", async () => {
  const stranger = await openServiceAccount(undefined, "stranger@demo.iam.gserviceaccount.com");
  const { Storage } = await import("@google-cloud/storage");
  const foreign = new Storage({ projectId: "demo", apiEndpoint: suite.url, credentials: stranger });
  const options = { version: "v4", action: "read", expires: Date.now() + 3600_000 } as const;
  const [url] = await foreign.bucket("signed-bucket").file(file.name).getSignedUrl(options);
  expect(await codeOf(await fetch(url))).toEqual([403, "InvalidAccessKeyId"]);
  suite.storage.trust(trustedAccount(stranger));
  expect((await fetch(url)).status).toBe(200);
});

test("the account of a key file is trusted, other files of credentials are none", async () => {
  const folder = mkdtempSync(join(tmpdir(), "keys-"));
  const path = join(folder, "key.json");
  const account = await openServiceAccount(undefined, "file@demo.iam.gserviceaccount.com");
  writeFileSync(path, JSON.stringify({ type: "service_account", ...account }));
  expect(trustedKeyFile(path)).toEqual(trustedAccount(account));
  writeFileSync(path, JSON.stringify({ type: "authorized_user", refresh_token: "x" }));
  expect(trustedKeyFile(path)).toBeUndefined();
  rmSync(folder, { recursive: true });
});

test("a form with a signed policy uploads what the policy allows", async () => {
  process.env.STORAGE_EMULATOR_HOST = suite.url;
  const post = async (
    change: (fields: Record<string, string>) => void,
    content = "my-content",
  ): Promise<Response> => {
    const [policy] = await bucket.file("formed").generateSignedPostPolicyV4({
      expires: Date.now() + 3600_000,
      conditions: [["content-length-range", 0, 20]],
      fields: { "x-goog-meta-test": "data" },
    });
    const fields = { ...policy.fields } as Record<string, string>;
    change(fields);
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", new Blob([content]));
    return fetch(policy.url, { method: "POST", body: form });
  };
  expect((await post(() => undefined)).status).toBe(204);
  expect((await bucket.file("formed").download())[0].toString()).toBe("my-content");
  expect((await bucket.file("formed").getMetadata())[0].metadata).toEqual({ test: "data" });
  const refused = [400, "InvalidPolicyDocument"];
  expect(await codeOf(await post((fields) => void (fields.key = "elsewhere")))).toEqual(refused);
  expect(await codeOf(await post((fields) => void (fields["x-goog-meta-more"] = "x")))).toEqual(refused);
  expect(await codeOf(await post(() => undefined, "far more than twenty bytes"))).toEqual([
    400,
    "EntityTooLarge",
  ]);
  const forged = (fields: Record<string, string>) =>
    void (fields.policy = Buffer.from('{"expiration":"2099-01-01T00:00:00Z","conditions":[]}').toString(
      "base64",
    ));
  expect(await codeOf(await post(forged))).toEqual([403, "SignatureDoesNotMatch"]);
  delete process.env.STORAGE_EMULATOR_HOST;
});

test("a form posted to the emulator's own address goes to the bucket that the policy names", async () => {
  const [policy] = await bucket
    .file("by-policy")
    .generateSignedPostPolicyV4({ expires: Date.now() + 3600_000 });
  expect(new URL(policy.url).pathname).toBe("/");
  const post = (fields: Record<string, string>): Promise<Response> => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", new Blob(["bytes"]));
    return fetch(policy.url, { method: "POST", body: form });
  };
  const fields = policy.fields as unknown as Record<string, string>;
  expect((await post(fields)).status).toBe(204);
  expect((await bucket.file("by-policy").download())[0].toString()).toBe("bytes");
  const other = { expiration: "2099-01-01T00:00:00Z", conditions: [{ bucket: "written-bucket" }] };
  const forged = { ...fields, policy: Buffer.from(JSON.stringify(other)).toString("base64") };
  expect(await codeOf(await post(forged))).toEqual([404, "NoSuchBucket"]);
  const { policy: _, ...bare } = fields;
  expect(await codeOf(await post(bare))).toEqual([400, "InvalidPolicyDocument"]);
});

test("a form with a policy of the second version uploads what the policy allows, until it expires", async () => {
  const formed = bucket.file("formed-v2");
  const [policy] = await formed.generateSignedPostPolicyV2({
    expires: suite.kernel.clock.now() + 60_000,
    equals: ["$Content-Type", "image/jpeg"],
    contentLengthRange: { min: 0, max: 20 },
  });
  const post = (type: string, content = "bytes", signature = policy.signature): Promise<Response> => {
    const form = new FormData();
    const fields = { key: formed.name, bucket: bucket.name, GoogleAccessId: suite.signer.client_email };
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("policy", policy.base64);
    form.append("signature", signature);
    form.append("Content-Type", type);
    form.append("file", new Blob([content]));
    return fetch(`${suite.url}/${bucket.name}`, { method: "POST", body: form });
  };
  expect((await post("image/jpeg")).status).toBe(204);
  expect((await formed.download())[0].toString()).toBe("bytes");
  expect(await codeOf(await post("image/png"))).toEqual([400, "InvalidPolicyDocument"]);
  expect(await codeOf(await post("image/jpeg", "x".repeat(21)))).toEqual([400, "EntityTooLarge"]);
  const other = `${policy.signature.startsWith("A") ? "B" : "A"}${policy.signature.slice(1)}`;
  expect(await codeOf(await post("image/jpeg", "bytes", other))).toEqual([403, "SignatureDoesNotMatch"]);
  suite.kernel.clock.advance(60_000);
  expect(await codeOf(await post("image/jpeg"))).toEqual([400, "ExpiredToken"]);
});
