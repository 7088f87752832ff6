import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import sharp from "sharp";
import { afterEach, describe, expect, test } from "vitest";
import {
  CHECK_LEASE_MS,
  CHECKS_MAX,
  UNSENT_MS,
  UPLOAD_LOOK_MS,
  UPLOAD_MS_MAX,
} from "../../../shared/files/limits.ts";
import type { File } from "../../../shared/files/contract.ts";
import { type FileDraft, sendBytes, uploadFile } from "../../../shared/testing/upload-file.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/** What becomes of a file once its bytes are there, whatever happens meanwhile. */

const system = useSystem();
const [ada] = usePeople(system, "ada@checks.test");
afterEach(() => system.clearFaults());

const files = "/v1/apps/demo/files";
const text: FileDraft = { name: "notes.txt", type: "text/plain", bytes: Buffer.from("Twelve bytes") };
const photo = (width = 2000, height = 1000) =>
  sharp({ create: { width, height, channels: 3, background: "teal" } });
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const stateOf = async (id: string): Promise<File> => (await ada.api.get(`${files}/${id}`)).body as File;

async function check(draft: FileDraft): Promise<File> {
  const { id } = await uploadFile(ada.api, draft);
  await system.settle();
  return stateOf(id);
}

/** The names of what the bucket holds of a file, without what all have in common. */
async function objectsOf(id: string): Promise<string[]> {
  const found: string[] = [];
  for (const prefix of [`uploads/demo/${id}`, `files/demo/${id}/`]) {
    const objects = await system.deps.bucket.list(prefix, { limit: 100 });
    found.push(...objects.map(({ name }) => name.replace(/^files\/.*\//, "").replace(/demo\/.*$/, "")));
  }
  return found;
}

async function bytesOf(id: string, name: string): Promise<Buffer> {
  const objects = await system.deps.bucket.list(`files/demo/${id}/`, { limit: 100 });
  const found = objects.find((each) => each.name.endsWith(`/${name}`));
  if (found === undefined) throw new Error(`There is no ${name}.`);
  return buffer(await system.deps.bucket.read(found.name, { generation: found.generation }));
}

describe("what is uploaded is ready", () => {
  test("as it is, if it is no image", async () => {
    const { id, ...file } = await check({ ...text, sha256: sha256(text.bytes) });
    expect(file).toMatchObject({ status: "ready", type: "text/plain", size: 12, sha256: sha256(text.bytes) });
    expect(await objectsOf(id)).toEqual(["content"]);
    expect(await bytesOf(id, "content")).toEqual(text.bytes);
  });

  test("an image turned upright, without what it told of its maker, and in three sizes", async () => {
    const bytes = await photo()
      .withExif({ IFD0: { Copyright: "Ada" }, IFD3: { GPSLatitudeRef: "N", GPSLatitude: "52/1 30/1 0/1" } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    expect((await sharp(bytes).metadata()).exif).toBeDefined();
    const file = await check({ name: "holiday.jpg", type: "image/jpeg", bytes, sha256: sha256(bytes) });
    expect(file).toMatchObject({
      status: "ready",
      type: "image/jpeg",
      image: {
        width: 1000,
        height: 2000,
        thumbnails: [
          { width: 80, height: 160 },
          { width: 240, height: 480 },
          { width: 640, height: 1280 },
        ],
      },
    });
    expect((await objectsOf(file.id)).sort()).toEqual([
      "240.webp",
      "640.webp",
      "80.webp",
      "content",
      "model.jpg",
    ]);
    const kept = await bytesOf(file.id, "content");
    expect([kept.length, sha256(kept)]).toEqual([file.size, file.sha256]);
    const { exif, icc, xmp, orientation } = await sharp(kept).metadata();
    expect({ exif, icc, xmp, orientation }).toEqual({});
    expect(kept.includes("Ada")).toBe(false);
    expect(await sharp(await bytesOf(file.id, "240.webp")).metadata()).toMatchObject({
      format: "webp",
      width: 240,
    });
  });

  test("a small image with one size", async () => {
    const file = await check({
      name: "dot.png",
      type: "image/png",
      bytes: await photo(3, 2).png().toBuffer(),
    });
    expect(file.image).toEqual({ width: 3, height: 2, thumbnails: [{ width: 3, height: 2 }] });
  });

  test("a moving image with all its frames", async () => {
    const frames = await Promise.all(
      ["red", "blue"].map((background) =>
        sharp({ create: { width: 8, height: 8, channels: 3, background } })
          .png()
          .toBuffer(),
      ),
    );
    const bytes = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    const file = await check({ name: "wave.gif", type: "image/gif", bytes });
    expect(file).toMatchObject({ status: "ready", type: "image/gif", image: { width: 8, height: 8 } });
    expect((await sharp(await bytesOf(file.id, "content")).metadata()).pages).toBe(2);
  });

  test.each([
    ["a PNG that calls itself JPEG", "image/jpeg", () => photo(4, 4).png().toBuffer(), "image/png"],
    ["TIFF, which browsers do not show", "image/tiff", () => photo(4, 4).tiff().toBuffer(), "image/webp"],
    ["AVIF", "image/avif", () => photo(4, 4).avif().toBuffer(), "image/webp"],
    [
      "an image that nobody has named",
      "application/octet-stream",
      () => photo(4, 4).webp().toBuffer(),
      "image/webp",
    ],
    ["a PDF", "application/pdf", () => Buffer.from("%PDF-1.7\n%âãÏÓ\n1 0 obj\n"), "application/pdf"],
    ["JSON", "application/json", () => Buffer.from('{"a":1}'), "application/json"],
    [
      "a drawing",
      "image/svg+xml",
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      "image/svg+xml",
    ],
    ["a page", "text/html", () => Buffer.from("<!doctype html><script>alert(1)</script>"), "text/html"],
    ["text that nobody has named", "application/octet-stream", () => Buffer.from("Grüße"), "text/plain"],
    ["text in UTF-16", "text/csv", () => Buffer.from("\ufeffa;b", "utf16le"), "text/csv"],
    [
      "bytes that nobody knows",
      "application/x-own",
      () => Buffer.from([0, 1, 2, 3]),
      "application/octet-stream",
    ],
    [
      "an old document of Office",
      "application/msword",
      () => Buffer.from("d0cf11e0a1b11ae1", "hex"),
      "application/msword",
    ],
    [
      "an archive",
      "application/zip",
      () => Buffer.from("504b0506000000000000000000000000000000000000", "hex"),
      "application/zip",
    ],
    ["a sound in a film's container", "audio/webm", () => webm(), "audio/webm"],
  ] as const)("%s", async (_, type, make, expected) => {
    expect(await check({ name: "file", type, bytes: await make() })).toMatchObject({
      status: "ready",
      type: expected,
    });
  });

  const webm = (): Buffer =>
    Buffer.concat([
      Buffer.from(
        "1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104428581021853806701ffffffffffffff",
        "hex",
      ),
      Buffer.alloc(64),
    ]);
});

describe("what is refused says why", () => {
  test.each([
    ["a page that calls itself PNG", "image/png", () => Buffer.from("<html><script>"), "type_differs"],
    [
      "a program that calls itself PDF",
      "application/pdf",
      () => Buffer.from("7f454c460201", "hex"),
      "type_differs",
    ],
    [
      "an image that calls itself a document",
      "application/msword",
      () => photo(2, 2).png().toBuffer(),
      "type_differs",
    ],
    ["an image that calls itself text", "text/plain", () => photo(2, 2).png().toBuffer(), "type_differs"],
    ["bytes that call themselves text", "text/plain", () => Buffer.from([65, 0, 66]), "type_differs"],
    [
      "half a JPEG",
      "image/jpeg",
      async () => (await photo().jpeg().toBuffer()).subarray(0, 3000),
      "image_unreadable",
    ],
    ["the beginning of a PNG", "image/png", () => Buffer.from("89504e470d0a1a0a", "hex"), "type_differs"],
    ["a photograph that can't be cleaned", "image/heic", () => heic(), "image_unsupported"],
  ] as const)("%s", async (_, type, make, refusal) => {
    const file = await check({ name: "file", type, bytes: await make() });
    expect(file).toMatchObject({ status: "refused", refusal });
    expect(file.image).toBeUndefined();
    expect(await objectsOf(file.id)).toEqual([]);
  });

  const heic = (): Buffer =>
    Buffer.concat([Buffer.from("000000186674797068656963000000006d69663168656963", "hex"), Buffer.alloc(32)]);

  test("bytes that are not those of the checksum, where a session has let them in", async () => {
    const bytes = Buffer.alloc(9 * 1024 * 1024, "x");
    const draft = { name: "x.txt", type: "text/plain", size: bytes.length, sha256: sha256(Buffer.from("y")) };
    const { body } = await ada.api.post(files, draft);
    const begun = await fetch(body.upload.resumable.url, {
      method: "POST",
      headers: body.upload.resumable.headers,
    });
    await fetch(begun.headers.get("location") as string, { method: "PUT", body: new Uint8Array(bytes) });
    await system.settle();
    expect(await stateOf(body.file.id)).toMatchObject({ status: "refused", refusal: "checksum_differs" });
  });
});

/** Longer than any subscription waits before it delivers again. */
const BACKOFF_MS_MAX = 301_000;

describe("whatever happens meanwhile", () => {
  const deliver = async (id: string): Promise<void> => {
    const name = `uploads/demo/${id}`;
    const { generation = "1" } = (await system.deps.bucket.stat(name)) ?? {};
    await system.deps.publisher.publish("file-uploads", { name, generation });
    await system.settle();
  };

  test("an upload that is told of twice is checked once", async () => {
    system.fault({ service: "pubsub", method: "Push", kind: "twice" });
    const file = await check(text);
    expect(file.status).toBe("ready");
    await deliver(file.id);
    expect(await stateOf(file.id)).toEqual(file);
    expect(await objectsOf(file.id)).toEqual(["content"]);
  });

  test("an upload that nobody has told of is found", async () => {
    system.fault({
      service: "pubsub",
      method: "Push",
      kind: "before",
      count: 1_000,
      code: "INVALID_ARGUMENT",
    });
    const { body } = await ada.api.post(files, { name: text.name, type: text.type, size: text.bytes.length });
    await sendBytes(body.upload, text.bytes);
    await system.deps.firestore.doc(`apps/demo/files/${body.file.id}`).get();
    system.clearFaults();
    system.suite.kernel.clock.advance(UPLOAD_LOOK_MS + 1);
    await system.runSchedule("tend-files");
    await system.settle();
    expect((await stateOf(body.file.id)).status).toBe("ready");
    system.suite.kernel.clock.advance(-UPLOAD_LOOK_MS - 1);
  });

  test("an address used again after the check adds nothing", async () => {
    const { id, upload } = await uploadFile(ada.api, text);
    await system.settle();
    const before = await stateOf(id);
    expect((await sendBytes(upload, Buffer.from("Other bytes!"))).status).toBe(200);
    await system.settle();
    expect(await stateOf(id)).toEqual(before);
    expect(await objectsOf(id)).toEqual(["content"]);
    expect(await bytesOf(id, "content")).toEqual(text.bytes);
  });

  test("an upload without a file is removed", async () => {
    const { id } = await uploadFile(ada.api, text);
    await system.settle();
    await system.deps.firestore.doc(`apps/demo/files/${id}`).delete();
    await system.deps.bucket.write(`uploads/demo/${id}`, text.bytes, "text/plain");
    await system.settle();
    expect(await objectsOf(id)).toEqual(["content"]);
  });

  test("what never comes is given up after a day", async () => {
    const { body } = await ada.api.post(files, { name: text.name, type: text.type, size: 12 });
    const path = `apps/demo/files/${body.file.id}`;
    const { clock } = system.suite.kernel;
    clock.advance(UPLOAD_LOOK_MS);
    await system.runSchedule("tend-files");
    expect((await system.deps.firestore.doc(path).get()).get("status")).toBe("pending");
    clock.advance(UPLOAD_MS_MAX);
    await system.runSchedule("tend-files");
    expect((await system.deps.firestore.doc(path).get()).exists).toBe(false);
    clock.advance(-UPLOAD_LOOK_MS - UPLOAD_MS_MAX);
  });

  test("what is never sent is removed after a day, with all its sizes", async () => {
    const bytes = await photo(300, 300).png().toBuffer();
    const { id } = await check({ name: "photo.png", type: "image/png", bytes });
    expect((await objectsOf(id)).length).toBe(4);
    system.suite.kernel.clock.advance(UNSENT_MS + 1);
    await system.runSchedule("tend-files");
    expect(await objectsOf(id)).toEqual([]);
    expect((await system.deps.firestore.doc(`apps/demo/files/${id}`).get()).exists).toBe(false);
    system.suite.kernel.clock.advance(-UNSENT_MS - 1);
  });

  test("a check that dies is made again once its lease is over, and a file at which all die is refused", async () => {
    const { id } = await uploadFile(ada.api, text);
    await system.settle();
    const ref = system.deps.firestore.doc(`apps/demo/files/${id}`);
    // As a check has left it that has died.
    const generation = await revive(id);
    const { clock } = system.suite.kernel;
    await system.deps.publisher.publish("file-uploads", { name: `uploads/demo/${id}`, generation });
    await system.settle();
    expect((await ref.get()).get("status")).toBe("checking");
    clock.advance(CHECK_LEASE_MS + BACKOFF_MS_MAX);
    await system.settle();
    expect((await ref.get()).get("status")).toBe("ready");
    await revive(id, CHECKS_MAX);
    clock.advance(CHECK_LEASE_MS + 1);
    await system.runSchedule("tend-files");
    await system.settle();
    expect(await stateOf(id)).toMatchObject({ status: "refused", refusal: "uncheckable" });
    clock.advance(-2 * CHECK_LEASE_MS - BACKOFF_MS_MAX - 1);
  });

  /** The state of a file while a check is at it. */
  async function revive(id: string, checks = 1): Promise<string> {
    const name = `uploads/demo/${id}`;
    const ref = system.deps.firestore.doc(`apps/demo/files/${id}`);
    await ref.update({ status: "deleted" });
    system.fault({ service: "pubsub", method: "Push", kind: "before", count: 1 });
    await system.deps.bucket.write(name, text.bytes, "text/plain");
    const { generation = "" } = (await system.deps.bucket.stat(name)) ?? {};
    const leaseUntil = new Date(system.suite.kernel.clock.now() + CHECK_LEASE_MS);
    await ref.update({
      status: "checking",
      generation,
      leaseUntil,
      dueAt: leaseUntil,
      check: "dead",
      checks,
    });
    return generation;
  }
});
