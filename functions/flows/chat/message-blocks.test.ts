import { describe, expect, test } from "vitest";
import type { FaultKind, FaultPlan } from "../../../emulators/kernel/faults.ts";
import { auditBlocks } from "../../../shared/chat/blocks/audit-blocks.ts";
import { BLOCK_BYTES_MAX, BLOCK_MESSAGES, sealedAt } from "../../../shared/chat/blocks/block.ts";
import { type Building, buildBlocks } from "../../../shared/chat/blocks/build-blocks.ts";
import { blockRef, blocksOf, sumBlocks } from "../../../shared/chat/blocks/store.ts";
import { type ChatHandle, chatHandle } from "../../../shared/chat/chat-handle.ts";
import { LINEAGE_MAX } from "../../../shared/chat/branches/branch.ts";
import { type Message, TEXT_CHARS_MAX } from "../../../shared/chat/contract.ts";
import { type StoredMessage, messageView } from "../../../shared/chat/log/message.ts";
import { headOf, messagesOf, progressRef, readHead, readProgress } from "../../../shared/chat/store.ts";
import { appHandle } from "../../../shared/identity/app.ts";
import { FieldValue } from "../../../shared/platform/firestore-values.ts";
import type { ApiClient } from "../../../shared/testing/api-client.ts";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import { amountOf } from "../../../shared/testing/sweep.ts";
import {
  settleRounds,
  startChat,
  stayAtOneInstance,
  useInstance,
  usePeople,
  useSystem,
} from "../../../shared/testing/use-system.ts";
import { writeHistory } from "../../../shared/testing/write-history.ts";

/** Pages come out of blocks; whatever becomes of these, a page says what the messages themselves say. */
const system = useSystem();
const elsewhere = useInstance(system);
const [ada, bob] = usePeople(system, "ada@blocks.test", "bob@blocks.test");

const handleOf = (number: number): ChatHandle => chatHandle(appHandle(system.deps.firestore, "demo"), number);
const newChat = () => startChat(ada.api, { members: [bob], model: "emulated-small" });
/** Events are lost from here on. */
const loseEvents = (): void =>
  system.fault({
    service: "pubsub",
    method: "Publish",
    kind: "before",
    code: "PERMISSION_DENIED",
    count: Number.POSITIVE_INFINITY,
  });
const handle = async (chat: number, fault?: FaultPlan): Promise<void> => {
  system.clearFaults();
  const revision = headOf(await readHead(handleOf(chat)))?.revision ?? 0;
  if (fault !== undefined) system.fault(fault);
  await system.deps.publisher.publish("chat-changes", { app: "demo", chat, revision });
  await system.settle();
};

/** All messages of a chat, read one by one. */
async function messagesIn(chat: ChatHandle): Promise<Message[]> {
  const found = await messagesOf(chat).orderBy("number").get();
  return found.docs.map((document) => messageView(document.id, document.data() as StoredMessage));
}

/** The way to a message, oldest first, by what each says it follows. */
function pathTo(messages: readonly Message[], tip: number): Message[] {
  const path: Message[] = [];
  for (let at = messages[tip - 1]; at !== undefined; at = messages[(at.parent ?? 0) - 1]) path.push(at);
  return path.reverse();
}

function pageOf(path: readonly Message[], query: Query, limit: number): Message[] {
  if (query.after !== undefined)
    return path.filter(({ number }) => number > (query.after ?? 0)).slice(0, limit);
  if (query.around === undefined) {
    return path.filter(({ number }) => number < (query.before ?? Infinity)).slice(-limit);
  }
  const newer = Math.floor((limit - 1) / 2);
  const at = path.filter(({ number }) => number <= (query.around ?? 0)).length;
  const through = Math.min(path.length, Math.max(limit, at + newer));
  const from = Math.max(0, Math.min(at - (limit - newer), path.length - limit));
  return path.slice(from, Math.max(through, Math.min(path.length, from + limit)));
}

interface Query {
  readonly before?: number;
  readonly after?: number;
  readonly around?: number;
}

const inOrder = (messages: readonly Message[]): Message[] => messages.toSorted((a, b) => a.number - b.number);

describe("random changes, with events lost, doubled and handlers that fail anywhere", () => {
  /** A chat takes so many steps: longer ones are slower to compare, and no other. */
  const STEPS = amountOf(30, 100);
  const CHATS = amountOf(1, 12);
  const SEED = Number(process.env["BLOCKS_SEED"] ?? Math.floor(Math.random() * 1e9));
  const random = seededRandom(SEED);
  const upTo = (max: number): number => Math.floor(random() * max);
  const some = <T>(list: readonly T[]): T => list[upTo(list.length)] as T;

  test(
    `every page is what the messages one by one make (seed ${SEED})`,
    { timeout: 900_000 },
    async ({ signal }) => {
      system.suite.model.change({ firstTokenMs: 0, tokensPerSecond: 10_000 });
      for (let chat = 0; chat < CHATS && !signal.aborted; chat += 1) {
        const number = await changeAtRandom(signal);
        expect(await auditBlocks(handleOf(number))).toBe("right");
      }
    },
  );

  /** Returns the number of the chat that it makes. */
  async function changeAtRandom(signal: AbortSignal): Promise<number> {
    const { number, path: chat } = await newChat();
    const clients = (): ApiClient => (random() < 0.5 ? ada.api : elsewhere.as(ada));
    await writeHistory(ada.api, chat, 90);
    for (let step = 0; step < STEPS && !signal.aborted; step += 1) {
      const last = headOf(await readHead(handleOf(number)))?.lastNumber ?? 1;
      const one = 1 + (random() < 0.5 ? upTo(last) : last - 1 - upTo(Math.min(last, 10)));
      const api = clients();
      if (random() < 0.5) loseEvents();
      const change = random();
      if (change < 0.3)
        await writeHistory(api, chat, 1 + upTo(20), (at) => "x".repeat(at * upTo(100)) || "x");
      else if (change < 0.45) await api.patch(`${chat}/messages/${one}`, { text: `Edited ${step}` });
      else if (change < 0.55) await api.delete(`${chat}/messages/${one}`);
      else if (change < 0.7) await api.put(`${chat}/messages/${one}/reactions/${encodeURIComponent("👍")}`);
      else if (change < 0.75) await api.post(`${chat}/messages`, { text: "Turned", after: one });
      else if (change < 0.8) await api.post(`${chat}/messages`, { text: "Quoting", replyTo: one });
      else if (change < 0.85) {
        const { body } = await api.get(`${chat}/branches`);
        await api.put(`${chat}/branch`, { branch: some<{ id: string }>(body.data).id });
      } else {
        await handle(number, {
          service: "firestore",
          method: some(["Commit", "BatchGetDocuments", "RunQuery"]),
          kind: some<FaultKind>(["before", "after", "drop", "twice"]),
          skip: upTo(4),
        });
      }
      system.clearFaults();
      if (random() < 0.3) await Promise.all([handle(number), handle(number)]);
      await compare(number, chat, clients());
    }
    return number;
  }

  async function compare(number: number, chat: string, api: ApiClient): Promise<void> {
    const handled = handleOf(number);
    for (;;) {
      const before = headOf(await readHead(handled));
      const messages = await messagesIn(handled);
      const { body: branches } = await api.get(`${chat}/branches`);
      const branch = random() < 0.6 ? undefined : some<{ id: string; lastNumber: number }>(branches.data);
      const tip = branch?.lastNumber ?? before?.tip ?? 0;
      const on = 1 + upTo(messages.length);
      const query: Query = some([{}, { before: on }, { after: on - 1 }, { around: on }]);
      const limit = some([1, 2, 5, 50, 100]);
      const asked = new URLSearchParams({ limit: String(limit) });
      for (const [name, value] of Object.entries(query)) asked.set(name, String(value));
      if (branch !== undefined) asked.set("branch", branch.id);
      const { body: page } = await api.get(`${chat}/messages?${asked.toString()}`);
      const since = upTo((before?.revision ?? 0) + 1);
      const { body: changes } = await api.get(`${chat}/changes?since=${since}&limit=100`);
      const after = headOf(await readHead(handled));
      // Answers and quotes may have moved it meanwhile.
      if (before?.revision !== after?.revision || messages.some(({ status }) => status === "streaming")) {
        await system.settle();
        continue;
      }
      expect(inOrder(page.data), `asked for ${asked.toString()}`).toEqual(
        pageOf(pathTo(messages, tip), query, limit),
      );
      const changed = messages
        .filter(({ revision }) => revision > since)
        .sort((a, b) => a.revision - b.revision);
      expect(changes.data, `since ${since}`).toEqual(changed.slice(0, 100));
      return;
    }
  }
});

describe("what a page costs", () => {
  test("the newest costs two reads in one call, an older one at most four, one that is remembered one", async () => {
    const { path: chat } = await newChat();
    await writeHistory(ada.api, chat, 300);
    await system.settle();
    await using other = await system.anotherInstance();
    await other.as(ada).get("/v1/apps/demo/me");
    const read = (query: string) => system.meterRequest(() => other.as(ada).get(`${chat}/messages${query}`));
    const first = await read("");
    expect(first.rpcs).toEqual({ "firestore.BatchGetDocuments": 1 });
    expect(first.billed).toEqual({ reads: 2, writes: 0, deletes: 0 });
    expect((await read("")).billed.reads).toBe(1);
    await using third = await system.anotherInstance();
    await third.as(ada).get("/v1/apps/demo/me");
    const older = await system.meterRequest(() => third.as(ada).get(`${chat}/messages?before=200`));
    expect(older.rpcs).toEqual({ "firestore.BatchGetDocuments": 1 });
    expect(older.billed.reads).toBe(4);
    for (const query of ["?after=100", "?around=150"])
      expect((await read(query)).billed.reads).toBeLessThanOrEqual(4);
  });

  test("an older page again costs one read, until a message in sealed blocks has changed", async () => {
    const { path: chat } = await newChat();
    await writeHistory(ada.api, chat, 300);
    await system.settle();
    await using other = await system.anotherInstance();
    const api = other.as(ada);
    await api.get("/v1/apps/demo/me");
    const page = `${chat}/messages?before=200`;
    const readAgain = async () => (await system.meterRequest(() => api.get(page))).billed.reads;
    await api.get(page);
    expect(await readAgain()).toBe(1);
    // A new message is behind the tail that is known here, and makes no block stale.
    await ada.api.post(`${chat}/messages`, { text: "Newer" });
    await system.settle();
    expect(await readAgain()).toBe(2);
    expect(await readAgain()).toBe(1);
    await ada.api.patch(`${chat}/messages/180`, { text: "Edited" });
    await system.settle();
    const { body } = await api.get(page);
    expect(body.data.find((message: Message) => message.number === 180).text).toBe("Edited");
    await ada.api.delete(`${chat}/messages/180`);
    const { body: after } = await api.get(page);
    expect(after.data.find((message: Message) => message.number === 180).text).toBe("");
  });

  test("while the background lags, a read more for each change that it has not come to", async () => {
    const { path: chat } = await newChat();
    await writeHistory(ada.api, chat, 60);
    await system.settle();
    loseEvents();
    await ada.api.post(`${chat}/messages`, { text: "Not yet handled" });
    await ada.api.delete(`${chat}/messages/60`);
    system.clearFaults();
    await using other = await system.anotherInstance();
    await other.as(ada).get("/v1/apps/demo/me");
    const cost = await system.meterRequest(async () => {
      const { body } = await other.as(ada).get(`${chat}/messages?limit=2`);
      expect(body.data.map(({ text }: Message) => text)).toEqual(["Not yet handled", ""]);
    });
    expect(cost.billed.reads).toBe(2 + 2);
  });

  test("an edit of an old message costs the background one read and one write more", async () => {
    const { path: chat } = await newChat();
    await writeHistory(ada.api, chat, 200);
    const edit = (message: number) =>
      system.meter(() => ada.api.patch(`${chat}/messages/${message}`, { text: "Edited" }));
    await settleRounds(system);
    const recent = await edit(200);
    const old = await edit(3);
    expect(old.billed).toEqual({
      reads: recent.billed.reads + 1,
      writes: recent.billed.writes + 1,
      deletes: recent.billed.deletes,
    });
  });
});

describe("a chat's blocks", () => {
  test("hold the largest messages there are, and edits that grow them", { timeout: 60_000 }, async () => {
    const { number, path: chat } = await newChat();
    const largest = "𝄞".repeat(TEXT_CHARS_MAX / 2);
    await writeHistory(ada.api, chat, BLOCK_MESSAGES, () => "x");
    await writeHistory(ada.api, chat, BLOCK_MESSAGES + 10, () => largest);
    await system.settle();
    for (let message = 1; message <= 10; message += 1) {
      await ada.api.patch(`${chat}/messages/${message}`, { text: largest });
    }
    await system.settle();
    const { progress } = await readProgress(handleOf(number));
    expect(progress.tail?.sealed).toBe(1);
    const blocks = await blocksOf(handleOf(number)).get();
    const sizes = [progress.tail?.messages, ...blocks.docs.map((block) => block.get("messages") as Buffer)];
    for (const bytes of sizes) expect(bytes?.byteLength).toBeLessThanOrEqual(BLOCK_BYTES_MAX);
    const messages = await messagesIn(handleOf(number));
    for (const query of ["?after=0&limit=20", "?limit=20"]) {
      const { body } = await ada.api.get(`${chat}/messages${query}`);
      expect(inOrder(body.data)).toEqual(
        query.includes("after") ? messages.slice(0, 20) : messages.slice(-20),
      );
    }
  });

  test("show nothing that was deleted, from the deletion's commit on", async () => {
    const { number, path: chat } = await newChat();
    await writeHistory(ada.api, chat, 130, (at) => `Secret ${at + 1}`);
    await system.settle();
    // Several instances take them in no order.
    const texts = new Map((await messagesIn(handleOf(number))).map((each) => [each.number, each.text]));
    await elsewhere.as(ada).get(`${chat}/messages?limit=100`);
    loseEvents();
    for (const message of [5, 129]) await ada.api.delete(`${chat}/messages/${message}`);
    for (const api of [ada.api, elsewhere.as(ada), elsewhere.as(bob)]) {
      const { body: newest } = await api.get(`${chat}/messages?limit=5`);
      const { body: oldest } = await api.get(`${chat}/messages?after=0&limit=10`);
      const text = JSON.stringify([newest, oldest]);
      for (const gone of [5, 129]) expect(text).not.toContain(`"${texts.get(gone)}"`);
      for (const left of [6, 130]) expect(text).toContain(`"${texts.get(left)}"`);
    }
    system.clearFaults();
  });

  const TURNS = amountOf(25, LINEAGE_MAX);
  test(`stay within bounds on a path of ${TURNS} turns`, { timeout: 300_000 }, async () => {
    stayAtOneInstance(system);
    const { number, path: chat } = await newChat();
    await ada.api.post(`${chat}/messages`, { text: "0" });
    for (let turn = 1; turn <= TURNS; turn += 1) {
      // Two messages on each branch, of which the path takes the first.
      await ada.api.post(`${chat}/messages`, { text: String(turn), after: turn === 1 ? 1 : 2 * turn - 2 });
      await ada.api.post(`${chat}/messages`, { text: `${turn}, left behind` });
    }
    await system.settle();
    const messages = await messagesIn(handleOf(number));
    const tip = headOf(await readHead(handleOf(number)))?.tip ?? 0;
    const cost = await system.meterRequest(async () => {
      const { body } = await elsewhere.as(ada).get(`${chat}/messages`);
      expect(inOrder(body.data)).toEqual(pathTo(messages, tip).slice(-50));
    });
    expect(cost.billed.reads).toBeLessThanOrEqual(6);
  });

  test("are read a few at once where a path lies all over the chat", { timeout: 60_000 }, async () => {
    const PLACES = 10;
    const { number, path: chat } = await newChat();
    await ada.api.post(`${chat}/messages`, { text: "0" });
    for (let place = 1; place <= PLACES; place += 1) {
      await ada.api.post(`${chat}/messages`, { text: "Elsewhere", after: 0 });
      await writeHistory(ada.api, chat, BLOCK_MESSAGES - 2);
      await ada.api.post(`${chat}/messages`, {
        text: String(place),
        after: 1 + (place - 1) * BLOCK_MESSAGES,
      });
    }
    await system.settle();
    const messages = await messagesIn(handleOf(number));
    const tip = headOf(await readHead(handleOf(number)))?.tip ?? 0;
    for (const query of ["?limit=50", "?limit=50&after=0", "?limit=4&before=300"]) {
      const cost = await system.meterRequest(async () => {
        const { body } = await elsewhere.as(ada).get(`${chat}/messages${query}`);
        const from = query.includes("before") ? { before: 300 } : {};
        const limit = Number(/limit=(\d+)/.exec(query)?.[1]);
        expect(inOrder(body.data)).toEqual(pageOf(pathTo(messages, tip), from, limit));
      });
      expect(cost.billed.reads).toBeLessThanOrEqual(3 + PLACES);
      expect(cost.rpcs["firestore.RunQuery"] ?? 0).toBe(0);
      // As many blocks as are read at once, and the rest.
      expect(cost.rpcs["firestore.BatchGetDocuments"]).toBeLessThanOrEqual(4);
    }
  });

  test("go with the chat", async () => {
    const { number, path: chat } = await newChat();
    await writeHistory(ada.api, chat, 130);
    await system.settle();
    expect((await blocksOf(handleOf(number)).get()).size).toBe(1);
    await ada.api.delete(chat);
    await system.settle();
    expect((await blocksOf(handleOf(number)).get()).size).toBe(0);
    expect((await progressRef(handleOf(number)).get()).get("tail")).toBeUndefined();
  });
});

describe("what is built anew", () => {
  const allOf = async (chat: string): Promise<Message[]> => {
    const { body } = await elsewhere.as(bob).get(`${chat}/messages?after=0&limit=100`);
    return inOrder(body.data);
  };

  test("blocks that older code has left behind do not count, and the audit builds them anew", async () => {
    const { number, path: chat } = await newChat();
    await writeHistory(ada.api, chat, 180);
    await system.settle();
    // As code did that knew of no blocks.
    loseEvents();
    await ada.api.patch(`${chat}/messages/3`, { text: "Seen by older code" });
    system.clearFaults();
    const revision = headOf(await readHead(handleOf(number)))?.revision;
    await progressRef(handleOf(number)).update({ revision });
    expect((await allOf(chat))[2]?.text).toBe("Seen by older code");
    await ada.api.post(`${chat}/messages`, { text: "Newer code again" });
    await system.settle();
    expect((await progressRef(handleOf(number)).get()).get("tail")).toBeUndefined();
    expect(await auditBlocks(handleOf(number))).toBe("repaired");
    expect(await auditBlocks(handleOf(number))).toBe("right");
    expect(await allOf(chat)).toEqual((await messagesIn(handleOf(number))).slice(0, 100));
    expect((await progressRef(handleOf(number)).get()).get("tail.sealed")).toBe(sealedAt(181));
  });

  test("the audit finds a block that lacks a message, or has an old one, and a tail that does", async () => {
    const { number, path: chat } = await newChat();
    await writeHistory(ada.api, chat, 180);
    await system.settle();
    const handled = handleOf(number);
    const right = (await blockRef(handled, 1).get()).data() ?? {};
    expect(await auditBlocks(handled)).toBe("right");
    for (const drift of [{ count: right["count"] - 1 }, { revisions: right["revisions"] - 1 }]) {
      await blockRef(handled, 1).update(drift);
      expect(await auditBlocks(handled)).toBe("repaired");
      expect((await blockRef(handled, 1).get()).data()).toEqual(right);
    }
    const { messages } = (await progressRef(handled).get()).get("tail");
    await progressRef(handled).update({ "tail.messages": messages.subarray(0, messages.lastIndexOf("\n")) });
    expect(await auditBlocks(handled)).toBe("repaired");
    expect(await auditBlocks(handled)).toBe("right");
  });

  test("a late builder overwrites nothing that another has built since", async () => {
    const { number, path: chat } = await newChat();
    await writeHistory(ada.api, chat, 180);
    await system.settle();
    const handled = handleOf(number);
    await progressRef(handled).update({ tail: FieldValue.delete() });
    // This one has read block 1 when another builds it, and a message of it is deleted.
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    system.fault({ service: "firestore", method: "Commit", kind: "held", until });
    const { meter } = system.suite.kernel;
    const commits = () => meter.read({ project: system.project }).rpcs["firestore.Commit"] ?? 0;
    const before = commits();
    const late = buildBlocks(handled, undefined);
    await expect.poll(commits, { timeout: 20_000 }).toBe(before + 1);
    await expect.poll(() => auditBlocks(handled)).toBe("repaired");
    await ada.api.delete(`${chat}/messages/7`);
    await system.settle();
    release();
    const again = await late;
    expect(again).toMatchObject({ sealed: 0 });
    expect((await allOf(chat))[6]).toMatchObject({ status: "deleted", text: "" });
    expect(await auditBlocks(handled)).toBe("right");
  });

  /** Messages of the chats: one without a sealed block, one of several steps, one of a step. */
  const COUNTS = [10, amountOf(1_150, 1_300), 120];
  test("the migration builds blocks in steps, which may fail anywhere, while people write", async () => {
    const numbers: number[] = [];
    for (const count of COUNTS) {
      const { number, path: chat } = await newChat();
      await writeHistory(ada.api, chat, count);
      numbers.push(number);
    }
    await system.settle();
    for (const number of numbers) {
      await progressRef(handleOf(number)).update({ tail: FieldValue.delete() });
      const blocks = await blocksOf(handleOf(number)).get();
      for (const block of blocks.docs) await block.ref.delete();
    }
    for (const [index, number] of numbers.entries()) {
      let at: Building | undefined;
      let steps = 0;
      do {
        steps += 1;
        const path = `/v1/apps/demo/chats/${number}`;
        if (steps % 2 === 1)
          await ada.api.patch(`${path}/messages/${5 + steps}`, { text: `In step ${steps}` });
        system.fault({ service: "firestore", method: "Commit", kind: steps % 3 === 0 ? "before" : "after" });
        at = await buildBlocks(handleOf(number), at).catch(() => at ?? { since: 1, sealed: 0 });
        system.clearFaults();
        await system.settle();
        expect(steps).toBeLessThan(40);
      } while (at !== undefined);
      expect(await auditBlocks(handleOf(number)), `chat ${index}`).toBe("right");
      expect((await sumBlocks(handleOf(number))).blocks).toBe(sealedAt(COUNTS[index] ?? 0));
    }
  });
});
