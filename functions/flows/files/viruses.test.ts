import { once } from "node:events";
import { createServer, type Server } from "node:net";
import type { AddressInfo } from "node:net";
import { afterAll, beforeEach, expect, test } from "vitest";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

/** With a scanner every file goes through it, and none is ready while it does not answer. */

let answers = true;
let daemon: Server;
beforeEach(() => {
  answers = true;
});
afterAll(() => daemon.close());

const system = useSystem(async () => {
  daemon = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("data", (piece) => {
      received = Buffer.concat([received, piece]);
      // An empty piece ends the file.
      if (received.subarray(-4).readUInt32BE() !== 0) return;
      if (!answers) socket.destroy();
      else socket.end(received.includes("harmful") ? "stream: Own.Test FOUND\0" : "stream: OK\0");
    });
  });
  daemon.listen(0, "127.0.0.1");
  await once(daemon, "listening");
  return { env: { CLAMD_ADDRESS: `127.0.0.1:${(daemon.address() as AddressInfo).port}` } };
});

async function upload(content: string): Promise<string> {
  const bytes = Buffer.from(content);
  const { id } = await uploadFile(system.operator, { name: "a.txt", type: "text/plain", bytes });
  await system.settle();
  return id;
}
const stateOf = async (id: string) => (await system.operator.get(`/v1/apps/demo/files/${id}`)).body;

test("a file in which nothing is found is ready, another is refused and nothing of it kept", async () => {
  expect(await stateOf(await upload("harmless"))).toMatchObject({ status: "ready" });
  const id = await upload("this is harmful");
  expect(await stateOf(id)).toMatchObject({ status: "refused", refusal: "infected" });
  expect(await system.deps.bucket.list(`files/demo/${id}/`, { limit: 1 })).toEqual([]);
});

test("a file waits while the scanner does not answer", async () => {
  answers = false;
  const id = await upload("harmless");
  expect((await stateOf(id)).status).toBe("checking");
  answers = true;
  system.suite.kernel.clock.advance(301_000);
  await system.settle();
  expect((await stateOf(id)).status).toBe("ready");
  system.suite.kernel.clock.advance(-301_000);
});
