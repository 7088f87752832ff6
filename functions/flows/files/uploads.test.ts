import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { UPLOAD_URL_MS } from "../../../shared/files/limits.ts";
import { RESUMABLE_BYTES_MIN } from "../../../shared/files/contract.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { appHandle } from "../../../shared/identity/app.ts";
import { sumFileUsage } from "../../../shared/files/store.ts";
import { stayAtOneInstance, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/** How bytes get into the bucket: what an address was signed for, and nothing else. */

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@uploads.test", "bob@uploads.test");
const files = "/v1/apps/demo/files";
const bytes = Buffer.from("Twelve bytes");
const draft = { name: "notes.txt", type: "text/plain", size: bytes.length };
const sha256 = (of: Buffer): string => createHash("sha256").update(of).digest("hex");

async function announce(person: Person, change: object = {}) {
  const { status, body } = await person.api.post(files, { ...draft, ...change });
  expect(status).toBe(201);
  return body as { file: { id: string }; upload: Upload };
}

interface Request {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
}
interface Upload extends Request {
  readonly expiresAt: string;
  readonly resumable?: Request;
}

const send = async (
  { url, method, headers }: Request,
  body?: Buffer,
  change: Record<string, string> = {},
) => {
  const reply = await fetch(url, {
    method,
    headers: { ...headers, ...change },
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  });
  return {
    status: reply.status,
    code: /<Code>(\w+)<\/Code>/.exec(await reply.text())?.[1],
    headers: reply.headers,
  };
};

describe("an announced file", () => {
  test("is pending, its owner's alone, and says how to upload it", async () => {
    const { file, upload } = await announce(ada, { sha256: sha256(bytes).toUpperCase() });
    expect(file).toEqual({
      id: expect.any(String),
      ...draft,
      sha256: sha256(bytes),
      status: "pending",
      createdAt: expect.any(String),
    });
    expect(upload).toEqual({
      url: expect.stringContaining(`/uploads/demo/${file.id}?`),
      method: "PUT",
      headers: {
        "content-type": "text/plain",
        "x-goog-if-generation-match": "0",
        "x-goog-content-length-range": "12,12",
        "x-goog-content-sha256": sha256(bytes),
      },
      expiresAt: expect.any(String),
    });
    expect((await ada.api.get(`${files}/${file.id}`)).body).toEqual(file);
    expect((await bob.api.get(`${files}/${file.id}`)).status).toBe(404);
  });

  test("is the same file when it is announced again under its key, and another without", async () => {
    const key = { "idempotency-key": "holiday" };
    const first = await ada.api.post(files, draft, key);
    const again = await ada.api.post(files, draft, key);
    expect(again.body.file).toEqual(first.body.file);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect((await ada.api.post(files, { ...draft, size: 13 }, key)).status).toBe(422);
    expect((await bob.api.post(files, draft, key)).body.file.id).not.toBe(first.body.file.id);
  });

  test("has a type without its parameters", async () => {
    const { upload } = await announce(ada, { type: "Video/WebM; codecs=vp9" });
    expect(upload.headers["content-type"]).toBe("video/webm");
  });

  test.each([
    ["a path", { name: "../../etc/passwd" }],
    ["a path of Windows", { name: "C:\\boot.ini" }],
    ["a folder above", { name: ".." }],
    ["NUL", { name: "a\u0000.png" }],
    ["a turned direction", { name: "annual\u202egpj.exe" }],
    ["a name of 256 bytes", { name: "ü".repeat(128) }],
    ["no name", { name: " " }],
    ["no type", { type: "picture" }],
    ["a type with a line break", { type: "image/png\r\nx-evil: 1" }],
    ["no byte", { size: 0 }],
    ["half a byte", { size: 1.5 }],
    ["more than the app takes", { size: 101 * 1024 * 1024 }],
    ["a checksum that is none", { sha256: "abc" }],
    ["an unknown field", { bucket: "mine" }],
  ])("is refused with %s", async (_, change) => {
    const { status, body } = await ada.api.post(files, { ...draft, ...change });
    expect([status, body.code]).toEqual([400, "invalid_request"]);
  });

  test("may have a name of 255 bytes", async () => {
    const name = `${"ü".repeat(125)}.jpeg`;
    expect((await announce(ada, { name })).file).toMatchObject({ name });
  });
});

describe("the address", () => {
  test("takes what was announced, once", async () => {
    const { upload } = await announce(ada, { sha256: sha256(bytes) });
    expect((await send(upload, bytes)).status).toBe(200);
    expect(await send(upload, bytes)).toMatchObject({ status: 412 });
  });

  test.each([
    ["one byte less", bytes.subarray(1), {}, 400, "EntityTooSmall"],
    ["one byte more", Buffer.concat([bytes, bytes]), {}, 400, "EntityTooLarge"],
    ["another type", bytes, { "content-type": "text/html" }, 403, "SignatureDoesNotMatch"],
    ["another size", bytes, { "x-goog-content-length-range": "1,99" }, 403, "SignatureDoesNotMatch"],
    ["an older object", bytes, { "x-goog-if-generation-match": "7" }, 403, "SignatureDoesNotMatch"],
    ["rights for all", bytes, { "x-goog-acl": "public-read" }, 403, "SignatureDoesNotMatch"],
  ] as const)("does not take %s", async (_, body, change, status, code) => {
    const { upload } = await announce(ada);
    expect(await send(upload, Buffer.from(body), change)).toMatchObject({ status, code });
  });

  test("does not take other bytes than those of the checksum", async () => {
    const { upload } = await announce(ada, { sha256: sha256(bytes) });
    expect((await send(upload, Buffer.from("Other bytes!"))).status).toBe(400);
    expect((await send(upload, bytes)).status).toBe(200);
  });

  test("takes nothing by another method, for another name, or when it has expired", async () => {
    const { upload } = await announce(ada);
    const other = await announce(ada);
    expect((await send({ ...upload, method: "POST" }, bytes)).status).toBe(403);
    expect((await send({ ...upload, method: "GET" })).status).toBe(403);
    const url = upload.url.replace(/demo\/\w+/, `demo/${other.file.id}`);
    expect((await send({ ...upload, url }, bytes)).status).toBe(403);
    system.suite.kernel.clock.advance(UPLOAD_URL_MS);
    expect(await send(upload, bytes)).toMatchObject({ status: 400, code: "ExpiredToken" });
    system.suite.kernel.clock.advance(-UPLOAD_URL_MS);
  });

  test("begins a session for what is large, which takes exactly that and goes on where it broke off", async () => {
    const large = Buffer.alloc(RESUMABLE_BYTES_MIN + 1, "x");
    const { upload } = await announce(ada, { size: large.length });
    expect((await announce(ada, { size: RESUMABLE_BYTES_MIN })).upload.resumable).toBeUndefined();
    const begun = await send(upload.resumable as Request);
    expect(begun.status).toBe(201);
    const session = { url: begun.headers.get("location") as string, method: "PUT", headers: {} };
    const part = 4 * 1024 * 1024;
    const range = (from: number, to: number): Record<string, string> => ({
      "content-range": `bytes ${from}-${to - 1}/${large.length}`,
    });
    expect((await send(session, large.subarray(0, part), range(0, part))).status).toBe(308);
    const asked = await send(session, undefined, { "content-range": `bytes */${large.length}` });
    expect([asked.status, asked.headers.get("range")]).toEqual([308, `bytes=0-${part - 1}`]);
    expect((await send(session, large.subarray(part), range(part, large.length))).status).toBe(200);
    expect((await send(upload, large)).status).toBe(412);
  });

  test("begins no session for more bytes than were announced", async () => {
    const { upload } = await announce(ada, { size: RESUMABLE_BYTES_MIN + 1 });
    const begun = await send(upload.resumable as Request);
    const session = { url: begun.headers.get("location") as string, method: "PUT", headers: {} };
    expect(await send(session, Buffer.alloc(RESUMABLE_BYTES_MIN + 2))).toMatchObject({ status: 400 });
  });
});

describe("quotas", () => {
  const set = (change: object) => system.operator.patch("/v1/apps/demo", { settings: { files: change } });

  test.each([
    ["bytes of a person", { personBytesPerDay: 30 }],
    ["files of a person", { personFilesPerDay: 2 }],
  ])("count the %s by the day", async (_, change) => {
    const carol = await system.signIn(`carol@${Object.keys(change)[0]?.toLowerCase()}.test`);
    await set(change);
    await announce(carol);
    await announce(carol);
    const refused = await carol.api.post(files, draft);
    expect([refused.status, refused.body.code]).toEqual([429, "quota_exceeded"]);
    expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(24 * 3600);
    await announce(await system.signIn(`dora@${Object.keys(change)[0]?.toLowerCase()}.test`));
    system.suite.kernel.clock.advance(24 * 3600 * 1000);
    const later = await system.signIn(carol.email);
    await announce(later);
    system.suite.kernel.clock.advance(-24 * 3600 * 1000);
    await set({ personBytesPerDay: 1_000_000_000, personFilesPerDay: 500 });
  });

  test.each([
    ["bytes", "appBytesPerDay"],
    ["files", "appFilesPerDay"],
  ] as const)("count the %s of everybody", async (what, name) => {
    stayAtOneInstance(system);
    const day = new Date(system.suite.kernel.clock.now()).toISOString().slice(0, 10);
    const begun = await sumFileUsage(appHandle(system.deps.firestore, "demo"), day);
    await set({ [name]: begun[what] + (what === "bytes" ? 20 : 1) });
    await announce(ada);
    expect((await bob.api.post(files, draft)).status).toBe(429);
    await set({ appBytesPerDay: 1_000_000_000_000, appFilesPerDay: 50_000 });
  });
});

test("announcing costs what the day's people come to, and a file and a count", async () => {
  stayAtOneInstance(system);
  await announce(ada);
  const cost = await system.meterRequest(() => announce(ada));
  expect(cost.billed).toEqual({ reads: 2, writes: 2, deletes: 0 });
  expect(Object.keys(cost.rpcs).filter((name) => name.startsWith("storage"))).toEqual([]);
});
