import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startStorage } from "./testing.ts";

const folder = mkdtempSync(join(tmpdir(), "storage-"));
const suite = await startStorage({ path: folder });
afterAll(async () => {
  await suite[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
const client = suite.client();
const [bucket] = await client.createBucket("uploads-bucket");
const CHUNK = 256 * 1024;

const start = async (name: string, headers: Record<string, string> = {}, query = ""): Promise<string> => {
  const url = `${suite.url}/upload/storage/v1/b/uploads-bucket/o?uploadType=resumable&name=${name}${query}`;
  const answer = await fetch(url, { method: "POST", headers });
  expect(answer.status).toBe(200);
  return answer.headers.get("location") as string;
};
const put = (session: string, body: Buffer, range?: string, headers: Record<string, string> = {}) =>
  fetch(session, {
    method: "PUT",
    body: new Uint8Array(body),
    headers: { ...(range && { "content-range": range }), ...headers },
  });

test("chunks are acknowledged up to a multiple of 256 KiB, and the last makes the object", async () => {
  const bytes = randomBytes(2 * CHUNK + 10);
  const session = await start("chunked");
  const asked = await put(session, Buffer.alloc(0), "bytes */*");
  expect([asked.status, asked.headers.get("range")]).toEqual([308, null]);
  const first = await put(session, bytes.subarray(0, CHUNK + 100), `bytes 0-${CHUNK + 99}/*`);
  expect([first.status, first.headers.get("range")]).toEqual([308, `bytes=0-${CHUNK - 1}`]);
  const last = await put(
    session,
    bytes.subarray(CHUNK),
    `bytes ${CHUNK}-${bytes.length - 1}/${bytes.length}`,
  );
  expect(last.status).toBe(200);
  const object = await last.json();
  expect(object).toMatchObject({ name: "chunked", size: String(bytes.length) });
  const again = await put(session, Buffer.alloc(0), "bytes */*");
  expect([again.status, await again.json()]).toEqual([200, object]);
  expect((await bucket.file("chunked").download())[0].equals(bytes)).toBe(true);
});

test("bytes that were sent before are passed over, and a gap is refused", async () => {
  const bytes = randomBytes(2 * CHUNK);
  const session = await start("overlap");
  await put(session, bytes.subarray(0, CHUNK), `bytes 0-${CHUNK - 1}/${bytes.length}`);
  expect((await put(session, bytes.subarray(CHUNK), `bytes ${CHUNK + 5}-${bytes.length + 4}/*`)).status).toBe(
    416,
  );
  const whole = await put(session, bytes, `bytes 0-${bytes.length - 1}/${bytes.length}`);
  expect(whole.status).toBe(200);
  expect((await bucket.file("overlap").download())[0].equals(bytes)).toBe(true);
});

test("a broken connection keeps whole chunks, and the upload goes on behind them", async () => {
  const bytes = randomBytes(3 * CHUNK);
  const session = await start("broken");
  await new Promise<void>((resolve) => {
    const half = request(session, { method: "PUT", headers: { "content-length": bytes.length } });
    half.on("error", () => resolve());
    half.write(bytes.subarray(0, CHUNK + CHUNK / 2), () => half.destroy());
    half.on("close", () => resolve());
  });
  const asked = await put(session, Buffer.alloc(0), `bytes */${bytes.length}`);
  expect(asked.status).toBe(308);
  const received = Number(asked.headers.get("range")?.split("-")[1] ?? -1) + 1;
  expect(received % CHUNK).toBe(0);
  const rest = await put(
    session,
    bytes.subarray(received),
    `bytes ${received}-${bytes.length - 1}/${bytes.length}`,
  );
  expect(rest.status).toBe(200);
  expect((await bucket.file("broken").download())[0].equals(bytes)).toBe(true);
});

test("a cancelled or expired session is gone with its bytes", async () => {
  const session = await start("cancelled");
  await put(session, Buffer.alloc(CHUNK), `bytes 0-${CHUNK - 1}/*`);
  expect((await fetch(session, { method: "DELETE" })).status).toBe(499);
  expect((await put(session, Buffer.alloc(0), "bytes */*")).status).toBe(404);
  const late = await start("late");
  suite.kernel.clock.advance(7 * 24 * 3600 * 1000);
  expect((await put(late, Buffer.from("x"))).status).toBe(410);
});

test("a session keeps the conditions it was started with", async () => {
  const session = await start("guarded", {}, "&ifGenerationMatch=0");
  await bucket.file("guarded").save("was faster", { resumable: false });
  expect((await put(session, Buffer.from("x"))).status).toBe(412);
  expect((await bucket.file("guarded").download())[0].toString()).toBe("was faster");
});

test("wrong hashes are refused in every kind of upload, and leave nothing", async () => {
  const before = blobCount();
  const md5 = createHash("md5").update("other").digest("base64");
  const media = `${suite.url}/upload/storage/v1/b/uploads-bucket/o?uploadType=media&name=wrong`;
  const simple = await fetch(media, {
    method: "POST",
    body: "bytes",
    headers: { "x-goog-hash": `md5=${md5}` },
  });
  expect([
    simple.status,
    ((await simple.json()) as { error: { message: string } }).error.message,
  ]).toMatchObject([400, expect.stringContaining("doesn't match calculated MD5 hash")]);
  const session = await start("wrong");
  expect(
    (await put(session, Buffer.from("bytes"), undefined, { "x-goog-hash": "crc32c=AAAAAA==" })).status,
  ).toBe(400);
  const claimed = bucket.file("wrong").save("bytes", { resumable: false, metadata: { md5Hash: md5 } });
  await expect(claimed).rejects.toThrow("doesn't match calculated MD5 hash");
  expect(await bucket.file("wrong").exists()).toEqual([false]);
  expect(blobCount()).toBe(before);
});

test("replaced and deleted objects leave no bytes", async () => {
  const before = blobCount();
  const file = bucket.file("short-lived");
  for (const text of ["1", "2", "3"]) await file.save(text, { resumable: false });
  expect(blobCount()).toBe(before + 1);
  await file.delete();
  expect(blobCount()).toBe(before);
});

test("Google's client uploads in chunks, with hashes, from a stream", async () => {
  const bytes = randomBytes(5 * CHUNK + 123);
  await bucket.file("stream").save(bytes, { resumable: true, chunkSize: CHUNK, validation: "md5" });
  const [metadata] = await bucket.file("stream").getMetadata();
  expect(metadata.md5Hash).toBe(createHash("md5").update(bytes).digest("base64"));
});

function blobCount(): number {
  return readdirSync(join(folder, "blobs"), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  ).length;
}
