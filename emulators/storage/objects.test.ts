import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { startStorage } from "./testing.ts";

const suite = await startStorage();
afterAll(() => suite[Symbol.asyncDispose]());
const client = suite.client();
const [bucket] = await client.createBucket("objects-bucket");
const simple = { resumable: false };

const rejection = (
  promise: Promise<unknown>,
): Promise<Error & { code: number; errors: { reason: string }[] }> =>
  promise.then(
    () => Promise.reject(new Error("It was not refused.")),
    (cause) => cause,
  );

test("an object comes back with its bytes, hashes and metadata", async () => {
  const file = bucket.file("folder/Café 1.txt");
  await file.save("data", { ...simple, metadata: { contentType: "text/plain", metadata: { a: "b" } } });
  expect((await file.download())[0].toString()).toBe("data");
  const [metadata] = await file.getMetadata();
  expect(metadata).toMatchObject({
    name: "folder/Café 1.txt",
    size: "4",
    crc32c: "rth90Q==",
    md5Hash: "jXd/OF09/siBXSD3SWAm3A==",
    contentType: "text/plain",
    metadata: { a: "b" },
    metageneration: "1",
  });
  await file.setMetadata({ metadata: { a: null, c: "d" }, cacheControl: "no-store" });
  expect((await file.getMetadata())[0]).toMatchObject({ metadata: { c: "d" }, metageneration: "2" });
});

test("parts of the metadata are given where only they are asked for", async () => {
  await bucket.file("fields").save("1234", simple);
  const answer = await fetch(
    `${suite.url}/storage/v1/b/objects-bucket/o?prefix=fields&fields=items(name,size),kind`,
  );
  expect(await answer.json()).toEqual({ kind: "storage#objects", items: [{ name: "fields", size: "4" }] });
});

test("an absent object, bucket or generation is 404 in Google's words", async () => {
  expect(await rejection(bucket.file("absent").getMetadata())).toMatchObject({
    code: 404,
    message: "No such object: objects-bucket/absent",
    errors: [{ domain: "global", reason: "notFound" }],
  });
  expect(await rejection(client.bucket("absent-bucket").file("x").save("x", simple))).toMatchObject({
    code: 404,
  });
  expect(await rejection(bucket.file("absent").download())).toMatchObject({ code: 404 });
});

test("conditions guard every change, and save reads what the reader has", async () => {
  const file = bucket.file("guarded");
  const ifNew = { ...simple, preconditionOpts: { ifGenerationMatch: 0 } };
  await file.save("first", ifNew);
  expect(await rejection(file.save("second", ifNew))).toMatchObject({
    code: 412,
    errors: [{ reason: "conditionNotMet" }],
  });
  expect(await rejection(file.delete({ ifGenerationMatch: 1 }))).toMatchObject({ code: 412 });
  const { generation, etag } = (await file.getMetadata())[0];
  const url = `${suite.url}/storage/v1/b/objects-bucket/o/guarded`;
  expect((await fetch(`${url}?ifGenerationNotMatch=${generation}`)).status).toBe(304);
  expect((await fetch(`${url}?ifMetagenerationMatch=9`)).status).toBe(412);
  expect((await fetch(url, { headers: { "if-none-match": etag as string } })).status).toBe(304);
  await file.save("third", { ...simple, preconditionOpts: { ifGenerationMatch: Number(generation) } });
  expect((await file.download())[0].toString()).toBe("third");
});

test("a range gives its bytes, and one behind the end is refused", async () => {
  await bucket.file("ranged").save("0123456789", simple);
  const url = `${suite.url}/download/storage/v1/b/objects-bucket/o/ranged?alt=media`;
  const get = (range: string) => fetch(url, { headers: { range } });
  const middle = await get("bytes=2-4");
  expect([middle.status, await middle.text(), middle.headers.get("content-range")]).toEqual([
    206,
    "234",
    "bytes 2-4/10",
  ]);
  expect(await (await get("bytes=-3")).text()).toBe("789");
  expect(await (await get("bytes=7-")).text()).toBe("789");
  const behind = await get("bytes=10-");
  expect([behind.status, behind.headers.get("content-range")]).toEqual([416, "bytes */10"]);
});

test("gzip is unpacked for whoever doesn't accept it, unless that is forbidden", async () => {
  const url = (name: string) => `${suite.url}/storage/v1/b/objects-bucket/o/${name}?alt=media`;
  const zipped = gzipSync("unpacked");
  const metadata = { contentEncoding: "gzip" };
  await bucket.file("zip").save(zipped, { ...simple, metadata });
  await bucket
    .file("kept")
    .save(zipped, { ...simple, metadata: { ...metadata, cacheControl: "no-transform" } });
  const plain = await fetch(url("zip"), { headers: { "accept-encoding": "identity" } });
  expect([await plain.text(), plain.headers.get("content-encoding")]).toEqual(["unpacked", null]);
  expect(plain.headers.get("x-goog-stored-content-encoding")).toBe("gzip");
  const kept = await fetch(url("kept"), { headers: { "accept-encoding": "identity" } });
  expect(kept.headers.get("content-encoding")).toBe("gzip");
  expect((await bucket.file("zip").download())[0].toString()).toBe("unpacked");
});

test("versions are kept, listed, read and deleted one by one", async () => {
  const [versioned] = await client.createBucket("versioned-bucket", { versioning: { enabled: true } });
  const file = versioned.file("doc");
  await file.save("one", simple);
  const first = Number((await file.getMetadata())[0].generation);
  await file.save("two", simple);
  expect((await versioned.file("doc", { generation: first }).download())[0].toString()).toBe("one");
  await file.delete();
  expect((await versioned.getFiles())[0]).toEqual([]);
  const [versions] = await versioned.getFiles({ versions: true });
  expect(versions.map(({ metadata }) => [metadata.name, metadata.timeDeleted !== undefined])).toEqual([
    ["doc", true],
    ["doc", true],
  ]);
  expect(await rejection(versioned.delete())).toMatchObject({ code: 409 });
  await versioned.deleteFiles({ versions: true });
  await versioned.delete();
});

test("a soft-deleted object is found as such, and restored", async () => {
  const [soft] = await client.createBucket("soft-bucket", {
    softDeletePolicy: { retentionDurationSeconds: 7 * 86_400 },
  });
  const file = soft.file("lost");
  await file.save("and found", simple);
  const generation = Number((await file.getMetadata())[0].generation);
  await file.delete();
  expect((await soft.getFiles())[0]).toHaveLength(0);
  expect((await soft.getFiles({ softDeleted: true }))[0]).toHaveLength(1);
  await file.restore({ generation });
  expect((await file.download())[0].toString()).toBe("and found");
});

test("copies, moves and composed objects have the bytes of their sources", async () => {
  await bucket
    .file("src")
    .save("abc", { ...simple, metadata: { contentType: "text/x", metadata: { k: "v" } } });
  const [copy] = await bucket.file("src").copy("copy");
  expect((await copy.getMetadata())[0]).toMatchObject({ contentType: "text/x", metadata: { k: "v" } });
  await bucket.file("src").copy("replaced", { metadata: { n: "w" } });
  expect((await bucket.file("replaced").getMetadata())[0].metadata).toEqual({ n: "w" });
  await copy.moveFileAtomic("moved");
  expect(await copy.exists()).toEqual([false]);
  expect((await bucket.file("moved").download())[0].toString()).toBe("abc");
  const [joined] = await bucket.combine(["src", "moved"], "joined");
  expect((await joined.download())[0].toString()).toBe("abcabc");
  expect((await joined.getMetadata())[0]).toMatchObject({ componentCount: 2, contentType: "text/x" });
  expect((await joined.getMetadata())[0].md5Hash).toBeUndefined();
  // Copies share bytes on disk: what one of them goes through must not touch the others.
  await bucket.file("src").delete();
  expect((await bucket.file("moved").download())[0].toString()).toBe("abc");
});

test("a rewrite to another storage class goes in steps", async () => {
  await bucket.file("large").save(Buffer.alloc(2.5 * 1024 * 1024, 1), simple);
  const step = async (
    token?: string,
  ): Promise<{ done: boolean; rewriteToken?: string; totalBytesRewritten: string }> => {
    const query = new URLSearchParams({
      maxBytesRewrittenPerCall: "1048576",
      ...(token && { rewriteToken: token }),
    });
    const url = `${suite.url}/storage/v1/b/objects-bucket/o/large/rewriteTo/b/objects-bucket/o/cold?${query.toString()}`;
    const body = JSON.stringify({ storageClass: "COLDLINE" });
    const answer = await fetch(url, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    return answer.json() as never;
  };
  const first = await step();
  expect(first).toMatchObject({ done: false, totalBytesRewritten: "1048576" });
  const second = await step(first.rewriteToken);
  const third = await step(second.rewriteToken);
  expect([second.done, third.done, third.totalBytesRewritten]).toEqual([false, true, "2621440"]);
  expect((await bucket.file("cold").getMetadata())[0].storageClass).toBe("COLDLINE");
});

test("a customer's key is needed to read what was written with it", async () => {
  const key = Buffer.alloc(32, 7);
  const sealed = bucket.file("sealed", { encryptionKey: key });
  await sealed.save("secret", simple);
  expect((await sealed.download())[0].toString()).toBe("secret");
  expect((await sealed.getMetadata())[0].crc32c).toBeDefined();
  const open = bucket.file("sealed");
  expect((await open.getMetadata())[0].crc32c).toBeUndefined();
  expect((await rejection(open.download())).message).toContain("customer-supplied encryption key");
  await sealed.rotateEncryptionKey(Buffer.alloc(32, 8));
  expect(await rejection(bucket.file("sealed", { encryptionKey: key }).download())).toMatchObject({
    code: 400,
  });
});

test("holds and retentions of single objects are respected", async () => {
  const file = bucket.file("held");
  await file.save("held", simple);
  await file.setMetadata({ temporaryHold: true });
  expect(await rejection(file.delete())).toMatchObject({ code: 403 });
  await file.setMetadata({ temporaryHold: false });
  await file.delete();
  const [retaining] = await client.createBucket("object-retention", { enableObjectRetention: true });
  const until = new Date(suite.kernel.clock.now() + 60_000).toISOString();
  await retaining
    .file("r")
    .save("r", { ...simple, metadata: { retention: { mode: "Unlocked", retainUntilTime: until } } });
  expect(await rejection(retaining.file("r").delete())).toMatchObject({ code: 403 });
  expect(await rejection(retaining.file("r").setMetadata({ retention: null }))).toMatchObject({ code: 403 });
  await retaining.file("r").setMetadata({ retention: null }, { overrideUnlockedRetention: true });
  await retaining.file("r").delete();
});

test("lists go by prefix, delimiter, offsets, globs and pages", async () => {
  const [shelf] = await client.createBucket("shelf-bucket");
  const names = ["a", "b/1", "b/2", "b/c/3", "d/", "d/4", "e"];
  await Promise.all(names.map((name) => shelf.file(name).save("", simple)));
  const list = async (options: object) => {
    const [files, , answer] = await shelf.getFiles({ autoPaginate: false, ...options });
    return [files.map(({ name }) => name), (answer as { prefixes?: string[] }).prefixes ?? []];
  };
  expect(await list({})).toEqual([names, []]);
  expect(await list({ delimiter: "/" })).toEqual([
    ["a", "e"],
    ["b/", "d/"],
  ]);
  expect(await list({ delimiter: "/", prefix: "b/" })).toEqual([["b/1", "b/2"], ["b/c/"]]);
  expect(await list({ delimiter: "/", includeTrailingDelimiter: true })).toEqual([
    ["a", "d/", "e"],
    ["b/", "d/"],
  ]);
  expect(await list({ startOffset: "b/2", endOffset: "e" })).toEqual([["b/2", "b/c/3", "d/", "d/4"], []]);
  expect(await list({ matchGlob: "b/**" })).toEqual([["b/1", "b/2", "b/c/3"], []]);
  expect(await list({ matchGlob: "{a,b/[12]}" })).toEqual([["a", "b/1", "b/2"], []]);
  const contexts = { custom: { dept: { value: "eng" } } };
  await shelf.file("b/2").setMetadata({ contexts });
  expect(await list({ filter: 'contexts."dept"="eng"' })).toEqual([["b/2"], []]);
  expect(await list({ filter: '-contexts."dept":*', prefix: "b/" })).toEqual([["b/1", "b/c/3"], []]);
  expect(await rejection(list({ filter: "anything else" }))).toMatchObject({ code: 400 });
  const [all] = await shelf.getFiles();
  expect(all.map(({ name }) => name)).toEqual(names);
  const folders: string[] = [];
  let query: object | null = { delimiter: "/", maxResults: 1, autoPaginate: false };
  while (query !== null) {
    const [files, next, answer]: [{ name: string }[], object | null, { prefixes?: string[] }] =
      (await shelf.getFiles(query)) as never;
    folders.push(...files.map(({ name }) => name), ...(answer.prefixes ?? []));
    query = next;
  }
  expect(folders).toEqual(["a", "b/", "d/", "e"]);
});

test("names are limited in bytes, and what a name holds is not interpreted", async () => {
  expect(await rejection(bucket.file("é".repeat(513)).save("", simple))).toMatchObject({ code: 400 });
  expect(await rejection(bucket.file("a\nb").save("", simple))).toMatchObject({ code: 400 });
  for (const name of ["../up", "a//b", "%2F", "q?x=1#y", "日本語"]) {
    await bucket.file(name).save(name, simple);
    expect((await bucket.file(name).download())[0].toString()).toBe(name);
  }
});
