import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startStorage } from "./testing.ts";

test("objects acknowledged before kill -9 are whole, sessions go on, and half-written bytes are removed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "storage-"));
  const child = fork(join(import.meta.dirname, "durability.child.ts"), [folder], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const [{ acknowledged, session }] = (await once(child, "message")) as [
    { acknowledged: string[]; session: string },
  ];
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(acknowledged.length).toBe(64);

  const suite = await startStorage({ path: folder });
  const bucket = suite.client("crash").bucket("crash-bucket");
  const [files] = await bucket.getFiles();
  const kept = new Set(files.map(({ name }) => name));
  expect(acknowledged.filter((name) => !kept.has(name))).toEqual([]);
  const contents = await Promise.all(acknowledged.map((name) => bucket.file(name).download()));
  expect(contents.map(([bytes]) => bytes.toString())).toEqual(acknowledged);

  const url = `${suite.url}/upload/storage/v1/b/crash-bucket/o${session}`;
  const asked = await fetch(url, { method: "PUT", headers: { "content-range": "bytes */*" } });
  expect([asked.status, asked.headers.get("range")]).toEqual([308, "bytes=0-262143"]);
  const last = await fetch(url, {
    method: "PUT",
    body: "b",
    headers: { "content-range": "bytes 262144-262144/262145" },
  });
  expect(await last.json()).toMatchObject({ name: "resumed", size: "262145" });
  const blobs = readdirSync(join(folder, "blobs"), { recursive: true, withFileTypes: true });
  expect(blobs.filter((entry) => entry.isFile())).toHaveLength(files.length + 1);
  await suite[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
