import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { MEMBERS_MAX } from "../../../shared/chat/contract.ts";
import { openChatLog } from "../../../shared/chat/log/chat-log.ts";
import { CROWD_LISTED_MS } from "../../../shared/chat/log/crowd-times.ts";
import { headOf as storedHead } from "../../../shared/chat/store.ts";
import { placeCrowd } from "../../../shared/chat/upkeep/place-crowd.ts";
import { appHandle } from "../../../shared/identity/app.ts";
import { Timestamp } from "../../../shared/platform/firestore-values.ts";
import type { ApiReply } from "../../../shared/testing/api-client.ts";
import { entriesMoved, indexEntries } from "../../../shared/testing/index-entries.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/** What a group of MEMBERS_MAX costs; docs/operations.md says so in a table of its own. */
const system = useSystem({ instances: 1 });
const [ada, bob] = usePeople(system, "ada@crowd.test", "bob@crowd.test");

let path: string;
let number: number;
beforeAll(async () => {
  const { firestore } = system.deps;
  const stored = (await firestore.doc(`apps/demo/users/${bob.id}`).get()).data() ?? {};
  const members = [bob, ...Array.from({ length: MEMBERS_MAX - 3 }, (_, index) => ({ id: `crowd-${index}` }))];
  const batch = firestore.batch();
  for (const { id } of members.slice(1)) batch.set(firestore.doc(`apps/demo/users/${id}`), { ...stored, id });
  await batch.commit();
  ({ path, number } = await startChat(ada.api, { members, texts: ["First"] }));
});

const headOf = async (): Promise<Record<string, unknown>> =>
  (await system.deps.firestore.doc(`apps/demo/chats/${number}`).get()).data() ?? {};
const latestOf = async (): Promise<Record<string, unknown>> => {
  const messages = system.deps.firestore.collection(`apps/demo/chats/${number}/messages`);
  return (await messages.orderBy("number", "desc").limit(1).get()).docs[0]?.data() ?? {};
};

/** Rows of docs/operations.md with the name, reads, writes and index entries. */
const rows = new Map(
  [
    ...readFileSync("docs/operations.md", "utf8").matchAll(/^\| ([^|]+) \| (\d+) \| (\d+) \| ([\d,]+) \|$/gm),
  ].map(([, name = "", ...counts]) => [name, counts.map((count) => Number(count.replace(",", "")))]),
);

const DOING: Readonly<Record<string, (as: Person) => Promise<ApiReply>>> = {
  "appending to a group of 500": (as) => as.api.post(`${path}/messages`, { text: "Hello" }),
  "listing one's chats, with it alone": (as) => as.api.get("/v1/apps/demo/chats"),
  "joining it": () => ada.api.put(`${path}/members/crowd-new`),
  "leaving it": () => bob.api.delete(`${path}/members/${bob.id}`),
};

test.each(Object.entries(DOING))("%s costs what docs/operations.md says", async (name, work) => {
  const { firestore } = system.deps;
  const stored = (await firestore.doc(`apps/demo/users/${bob.id}`).get()).data() ?? {};
  await firestore.doc("apps/demo/users/crowd-new").set({ ...stored, id: "crowd-new" });
  await system.settle();
  const before = await headOf();
  const cost = await system.meterRequest(async () => {
    expect((await work(bob)).status).toBeLessThan(300);
  });
  const after = await headOf();
  const message = Number(after["lastNumber"]) > Number(before["lastNumber"]) ? await latestOf() : undefined;
  const entries =
    entriesMoved(indexEntries("chats", before), indexEntries("chats", after)) +
    (message === undefined ? 0 : indexEntries("messages", message).size);
  expect([name, rows.get(name)]).toEqual([name, [cost.billed.reads, cost.billed.writes, entries]]);
});

const PLACING = "placing it in lists, in the background, at most once a minute";
test(`${PLACING}, costs what docs/operations.md says`, async () => {
  const { firestore } = system.deps;
  const ref = firestore.doc(`apps/demo/chats/${number}`);
  await system.settle();
  const behindMs = system.suite.kernel.clock.now() - 2 * CROWD_LISTED_MS;
  await ref.update({ updatedAt: Timestamp.fromMillis(behindMs) });
  const before = await headOf();
  const deps = { ...system.deps, chatLog: openChatLog(system.deps) };
  const head = storedHead(await ref.get());
  if (head === undefined) throw new Error("There is no such chat.");
  const { billed } = await system.meter(() =>
    placeCrowd(deps, chatHandle(appHandle(firestore, "demo"), number), head),
  );
  const entries = entriesMoved(indexEntries("chats", before), indexEntries("chats", await headOf()));
  expect([PLACING, rows.get(PLACING)]).toEqual([PLACING, [billed.reads, billed.writes, entries]]);
});

test("every row is counted here", () => {
  expect([...rows.keys()].sort()).toEqual([...Object.keys(DOING), PLACING].sort());
});
