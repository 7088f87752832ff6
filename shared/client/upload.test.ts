import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { RESUMABLE_BYTES_MIN } from "../files/contract.ts";
import { clientOf, createNetwork } from "../testing/live-clients.ts";
import { usePeople, useSystem } from "../testing/use-system.ts";
import { ApiError } from "./api-error.ts";
import { platformEnvironment } from "./environment.ts";
import { UPLOAD_PART_BYTES, uploadFile } from "./upload.ts";

const system = useSystem();
const [ada] = usePeople(system, "ada@upload.test");

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const bytesOf = (count: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: count }, (_, at) => (at * 31) % 251);

/** What is stored of a file, once it has been checked. */
async function stored(id: string): Promise<Uint8Array> {
  await system.settle();
  const path = `/v1/apps/demo/files/${id}`;
  await expect.poll(async () => (await ada.api.get(path)).body.status).toBe("ready");
  const { body } = await ada.api.get(`${path}/content`, { accept: "application/json" });
  return new Uint8Array(await (await fetch(body.url)).arrayBuffer());
}

test("a small file goes whole, and once more when the way has failed", async () => {
  const network = createNetwork();
  const env = { ...platformEnvironment, ...network };
  const { api } = clientOf(system, ada, { environment: env });
  network.fail(/PUT /, "before");
  network.fail(/PUT /, "after");
  const bytes = bytesOf(1_000);
  const file = await uploadFile({ api, env }, new Blob([bytes]), { name: "small.bin" });
  expect(sha256(await stored(file.id))).toBe(sha256(bytes));
});

test("a large file goes in parts, and goes on where it was cut", { timeout: 60_000 }, async () => {
  const network = createNetwork();
  const env = { ...platformEnvironment, ...network };
  const { api } = clientOf(system, ada, { environment: env });
  const bytes = bytesOf(RESUMABLE_BYTES_MIN + UPLOAD_PART_BYTES + 5);
  const told: number[] = [];
  const file = await uploadFile({ api, env }, new Blob([bytes]), {
    name: "large.bin",
    onProgress(sent) {
      told.push(sent);
      // Of the next part nothing arrives; of the one after it, all does, without a word of it.
      if (told.length === 2) network.fail(/PUT /, "before");
      if (told.length === 3) network.fail(/PUT /, "after");
    },
  });
  expect(told.at(-1)).toBe(bytes.length);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  expect(sha256(await stored(file.id))).toBe(sha256(bytes));
});

test("one that is ended, or refused, says so", async () => {
  const { api } = clientOf(system, ada);
  const env = platformEnvironment;
  const ending = new AbortController();
  const content = new Blob([bytesOf(RESUMABLE_BYTES_MIN + 1)]);
  const uploading = uploadFile({ api, env }, content, {
    name: "ended.bin",
    signal: ending.signal,
    onProgress: () => ending.abort(),
  });
  await expect(uploading).rejects.toThrow(ApiError);
  await expect(uploadFile({ api, env }, new Blob([]), { name: "empty.txt" })).rejects.toMatchObject({
    status: 400,
  });
});
