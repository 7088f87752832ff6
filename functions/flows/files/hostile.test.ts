import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { THUMBNAIL_SIDES } from "../../../shared/files/check/images.ts";
import { FILE_NAME_BYTES_MAX, Refusal } from "../../../shared/files/contract.ts";
import { UPLOAD_URL_MS } from "../../../shared/files/limits.ts";
import { sendBytes, uploadFile } from "../../../shared/testing/upload-file.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { HOSTILE_FILES, type HostileFile } from "./hostile-files.ts";

/** Files that are made to do harm are refused or harmless, and whoever looks at them goes on living. */

const system = useSystem();
const [ada] = usePeople(system, "ada@hostile.test");
const files = "/v1/apps/demo/files";
const isRefusal = (word: string): boolean => Refusal.safeParse(word).success;

async function addressOf(id: string): Promise<string> {
  const headers = { authorization: `Bearer ${ada.session.accessToken}` };
  const reply = await fetch(`${system.url}${files}/${id}/content`, { headers, redirect: "manual" });
  return reply.headers.get("location") ?? "";
}

async function keptOf(id: string): Promise<Buffer[]> {
  const objects = await system.deps.bucket.list(`files/demo/${id}/`, { limit: 10 });
  return Promise.all(
    objects.map(async ({ name, generation }) => buffer(await system.deps.bucket.read(name, { generation }))),
  );
}

/** What a browser shows by itself. */
const SHOWN = /^(?:image\/(?:jpeg|png|webp|gif)|video\/\S+|audio\/\S+|application\/pdf)$/;

describe("of the files that are made to do harm", { timeout: 120_000 }, () => {
  test("there are enough", () => {
    expect(HOSTILE_FILES.length).toBeGreaterThanOrEqual(40);
    expect(new Set(HOSTILE_FILES.map(({ name }) => name)).size).toBe(HOSTILE_FILES.length);
  });

  const rowsOf = (isRefused: boolean) =>
    HOSTILE_FILES.filter(({ becomes }) => isRefusal(becomes) === isRefused).map(
      (file) => [file.name, file] as const,
    );
  const check = async ({ type, bytes }: HostileFile) => {
    const { id } = await uploadFile(ada.api, { name: "file", type, bytes: await bytes() });
    await system.settle();
    return (await ada.api.get(`${files}/${id}`)).body;
  };

  test.each(rowsOf(true))("%s is refused, and nothing of it is kept", async (_, hostile) => {
    const { id, status, refusal } = await check(hostile);
    expect([status, refusal]).toEqual(["refused", hostile.becomes]);
    expect(await keptOf(id)).toEqual([]);
  });

  test.each(rowsOf(false))("%s is harmless", async (_, hostile) => {
    const { becomes, without = "<none of it>" } = hostile;
    const { id, status, type } = await check(hostile);
    expect([status, type]).toEqual(["ready", becomes]);
    const kept = await keptOf(id);
    expect(kept.filter((each) => each.includes(without))).toEqual([]);
    expect(kept.length).toBeLessThanOrEqual(1 + THUMBNAIL_SIDES.length);
    const reply = await fetch(await addressOf(id));
    await reply.body?.cancel();
    const [disposition] = reply.headers.get("content-disposition")?.split(";") ?? [];
    const isShown = SHOWN.test(becomes);
    expect([reply.headers.get("content-type"), disposition]).toEqual([
      isShown ? becomes : "application/octet-stream",
      isShown ? "inline" : "attachment",
    ]);
  });
});

describe("a name", () => {
  test.each([
    ["of quotes and breaks", `a"; filename="evil.exe`],
    ["of signs of every kind", "Grüße 你好 🎉 (1).pdf"],
    ["as long as it may be", `${"x".repeat(FILE_NAME_BYTES_MAX - 4)}.txt`],
    ["that begins with a point", ".htaccess"],
    ["of percent signs", "%2e%2e%2fetc%2fpasswd"],
  ])("%s says only what the file is called", async (_, name) => {
    const { id } = await uploadFile(ada.api, { name, type: "text/plain", bytes: Buffer.from("text") });
    await system.settle();
    const reply = await fetch(await addressOf(id));
    const disposition = reply.headers.get("content-disposition") ?? "";
    const [, plain = "", whole = ""] =
      /^attachment; filename="([^"]*)"; filename\*=UTF-8''(\S*)$/.exec(disposition) ?? [];
    expect(decodeURIComponent(whole)).toBe(name);
    expect(plain).toMatch(/^[\w .()-]+$/);
  });
});

describe("an address", () => {
  const draft = { name: "a.txt", type: "text/plain", bytes: Buffer.from("text") };

  test("used again, later, for another size or another object adds nothing", async () => {
    const { id, upload } = await uploadFile(ada.api, draft);
    expect((await sendBytes(upload, draft.bytes)).status).toBe(412);
    await system.settle();
    const before = await keptOf(id);
    expect((await sendBytes(upload, Buffer.from("longer than that"))).status).toBe(400);
    for (const kept of [
      `files/demo/${id}/content`,
      `uploads/other/${id}`,
      `uploads/demo/${"a".repeat(26)}`,
    ]) {
      const url = upload.url.replace(/uploads\/demo\/\w+/, kept);
      expect((await sendBytes({ ...upload, url }, draft.bytes)).status).toBe(403);
    }
    system.suite.kernel.clock.advance(UPLOAD_URL_MS);
    expect((await sendBytes(upload, draft.bytes)).status).toBe(400);
    system.suite.kernel.clock.advance(-UPLOAD_URL_MS);
    expect(await keptOf(id)).toEqual(before);
  });

  test("takes nothing that is packed: it would be unpacked for whoever loads it", async () => {
    const bytes = gzipSync(Buffer.alloc(10_000_000));
    const { body } = await ada.api.post(files, {
      name: "a.txt",
      type: "application/gzip",
      size: bytes.length,
    });
    const headers = { ...body.upload.headers, "content-encoding": "gzip" };
    expect((await sendBytes({ ...body.upload, headers }, bytes)).status).toBe(200);
    await system.settle();
    expect((await ada.api.get(`${files}/${body.file.id}`)).body).toMatchObject({ status: "refused" });
  });

  test("for loading gives nothing else, to nobody else's liking", async () => {
    const [one, two] = [await uploadFile(ada.api, draft), await uploadFile(ada.api, draft)];
    await system.settle();
    const url = await addressOf(one.id);
    expect((await fetch(url)).status).toBe(200);
    for (const changed of [
      url.replace(one.id, two.id),
      url.replace("attachment", "inline"),
      url.replace("octet-stream", "xhtml"),
      `${url}&response-cache-control=public`,
    ]) {
      expect((await fetch(changed)).status).toBe(403);
    }
    expect((await fetch(url, { method: "PUT", body: "x" })).status).toBe(403);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(403);
  });
});
