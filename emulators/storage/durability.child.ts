import { startStorage } from "./testing.ts";

// Writes objects until it is killed, and tells its parent which have been acknowledged.
const suite = await startStorage({ path: process.argv[2] });
const [bucket] = await suite.client("crash").createBucket("crash-bucket");
const url = `${suite.url}/upload/storage/v1/b/crash-bucket/o`;
const started = await fetch(`${url}?uploadType=resumable&name=resumed`, { method: "POST" });
const session = started.headers.get("location") ?? "";
const chunk = Buffer.alloc(256 * 1024, "a");
const range = { "content-range": `bytes 0-${chunk.length - 1}/*` };
await fetch(session, { method: "PUT", body: chunk, headers: range });
const acknowledged: string[] = [];
for (let round = 0; ; round += 1) {
  const names = Array.from({ length: 8 }, (_, index) => `${round}-${index}`);
  await Promise.all(names.map((name) => bucket.file(name).save(name, { resumable: false })));
  acknowledged.push(...names);
  if (acknowledged.length === 64) process.send?.({ acknowledged, session: new URL(session).search });
}
