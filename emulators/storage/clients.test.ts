import { Storage } from "@google-cloud/storage";
import { afterAll, afterEach, expect, test } from "vitest";
import { startStorage } from "./testing.ts";

const suite = await startStorage();
afterAll(() => suite[Symbol.asyncDispose]());
afterEach(() => void delete process.env.STORAGE_EMULATOR_HOST);

const connections: [string, (name: string) => Storage][] = [
  [
    "the variable",
    (projectId) => {
      process.env.STORAGE_EMULATOR_HOST = suite.url;
      return new Storage({ projectId });
    },
  ],
  ["apiEndpoint", (projectId) => new Storage({ projectId, apiEndpoint: suite.url })],
  [
    "apiEndpoint with credentials",
    (projectId) => new Storage({ projectId, apiEndpoint: suite.url, credentials: suite.signer }),
  ],
];

test.each(connections)("Google's client connects by %s, in whatever project", async (how, connect) => {
  const project = `Any_${how.length}`;
  const storage = connect(project);
  const [bucket] = await storage.createBucket(`connected-${how.length}`);
  for (const resumable of [true, false]) {
    const file = bucket.file(`folder/${String(resumable)} é.txt`);
    await file.save("bytes", { resumable, metadata: { metadata: { kept: "yes" } } });
    expect((await file.download())[0].toString()).toBe("bytes");
    expect((await file.getMetadata())[0].metadata).toEqual({ kept: "yes" });
  }
  expect((await bucket.getFiles({ prefix: "folder/" }))[0]).toHaveLength(2);
  expect((await storage.getBuckets())[0].map(({ name }) => name)).toEqual([bucket.name]);
  await bucket.deleteFiles();
  await bucket.delete();
});

test("bytes are read and written by every path that clients use", async () => {
  const [bucket] = await suite.client().createBucket("paths-bucket");
  const authorization = "Bearer any";
  const content = { method: "POST", body: "bytes", headers: { "content-type": "text/plain" } };
  for (const prefix of ["/upload/storage/v1", "/resumable/upload/storage/v1"]) {
    const query = "uploadType=media&name=a%2Fb";
    const written = await fetch(`${suite.url}${prefix}/b/${bucket.name}/o?${query}`, content);
    expect(((await written.json()) as { name: string }).name).toBe("a/b");
  }
  const paths = [
    `/storage/v1/b/${bucket.name}/o/a%2Fb?alt=media`,
    `/b/${bucket.name}/o/a%2Fb?alt=media`,
    `/download/storage/v1/b/${bucket.name}/o/a%2Fb?alt=media`,
    `/${bucket.name}/a/b`,
    `/${bucket.name}/a%2Fb`,
  ];
  for (const path of paths) {
    const read = await fetch(`${suite.url}${path}`, { headers: { authorization } });
    expect([path, read.status, await read.text()]).toEqual([path, 200, "bytes"]);
  }
});
