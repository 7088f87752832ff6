import sharp from "sharp";
import { afterEach, expect, test } from "vitest";
import type { FaultKind } from "../../../emulators/kernel/faults.ts";
import { CHECK_LEASE_MS } from "../../../shared/files/limits.ts";
import type { ApiReply } from "../../../shared/testing/api-client.ts";
import { sweep } from "../../../shared/testing/sweep.ts";
import { sendBytes } from "../../../shared/testing/upload-file.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

/**
 * The fault sweep of files: for each call that is made from the announcement until a message shows the file,
 * each way in which it can fail. Clients, subscriptions and schedules repeat what they repeat anyway;
 * afterwards all is as it would have been.
 */
const system = useSystem();
afterEach(() => system.clearFaults());

const CALLS: readonly (readonly [service: string, method: string, calls: number])[] = [
  ["firestore", "BatchGetDocuments", 7],
  ["firestore", "BeginTransaction", 4],
  ["firestore", "Commit", 6],
  ["firestore", "RunQuery", 2],
  ["firestore", "RunAggregationQuery", 1],
  ["storage", "objects.get", 5],
  ["storage", "objects.insert", 6],
  ["storage", "objects.delete", 1],
  ["pubsub", "Publish", 3],
  ["pubsub", "Push", 3],
];
const KINDS: readonly FaultKind[] = ["before", "after", "drop"];
const TRIES_MAX = 6;
const LOCKS_MS_MAX = 61_000;
/** Longer than any subscription waits before it delivers again. */
const BACKOFF_MS_MAX = 301_000;

const cases = CALLS.flatMap(([service, method, calls]) =>
  KINDS.flatMap((kind) => Array.from({ length: calls }, (_, skip) => [service, method, kind, skip] as const)),
);

/** As clients do: again, with the same key. */
async function insist(path: string, body: object, key: string): Promise<ApiReply> {
  for (let tries = 1; ; tries += 1) {
    const reply = await system.operator.post(path, body, { "idempotency-key": key }).catch(() => undefined);
    if (reply !== undefined && reply.status < 300) return reply;
    if (tries === TRIES_MAX) throw new Error(`${path} was answered with ${reply?.status}.`);
    // A transaction whose beginning was lost on the way keeps its locks for a minute.
    system.suite.kernel.clock.advance(LOCKS_MS_MAX);
  }
}

const chats = "/v1/apps/demo/chats";

test.each(sweep(cases))(
  "%s %s, %s, call %i: a message shows its file, and nothing is left over",
  { timeout: 60_000 },
  async (service, method, kind, skip) => {
    const key = `${method}-${kind}-${skip}`;
    const { body: chat } = await system.operator.post(chats, { kind: "group" });
    await system.settle();
    const bytes = await sharp({ create: { width: 20, height: 10, channels: 3, background: "teal" } })
      .png()
      .toBuffer();
    system.fault({ service, method, kind, skip, code: "UNAVAILABLE", ms: 10 });
    const draft = { name: "teal.png", type: "image/png", size: bytes.length };
    const { body: begun } = await insist("/v1/apps/demo/files", draft, key);
    let put: Response | undefined;
    for (let tries = 0; tries < TRIES_MAX && put?.status !== 200 && put?.status !== 412; tries += 1) {
      put = await sendBytes(begun.upload, bytes).catch(() => undefined);
    }
    // It may be checked before, at the same time, or after.
    const { body: message } = await insist(
      `${chats}/${chat.number}/messages`,
      { files: [begun.file.id] },
      key,
    );
    await system.settle();
    system.clearFaults();
    const { clock } = system.suite.kernel;
    for (let round = 0; round < 2; round += 1) {
      clock.advance(Math.max(BACKOFF_MS_MAX, CHECK_LEASE_MS));
      await system.settle();
      await system.runSchedule("tend-files");
      await system.settle();
    }
    const { body: page } = await system.operator.get(`${chats}/${chat.number}/messages`);
    expect(page.data).toHaveLength(1);
    expect(page.data[0].files).toMatchObject([{ id: begun.file.id, status: "ready", image: { width: 20 } }]);
    const stored = await system.deps.firestore.doc(`apps/demo/files/${begun.file.id}`).get();
    expect(stored.get("chats")).toEqual({ [chat.number]: [message.number] });
    expect(stored.get("stale") ?? false).toBe(false);
    const names = async (prefix: string) =>
      (await system.deps.bucket.list(prefix, { limit: 100 })).map(({ name }) => name.split("/").at(-1));
    expect(await names(`files/demo/${begun.file.id}/`)).toEqual(["20.webp", "content", "model.jpg"]);
    expect(await names(`uploads/demo/${begun.file.id}`)).toEqual([]);
    clock.advance(-2 * Math.max(BACKOFF_MS_MAX, CHECK_LEASE_MS));
  },
);
