import { beforeEach, expect, test } from "vitest";
import type { FaultKind } from "../../../emulators/kernel/faults.ts";
import { PROMISE_MS } from "../../../shared/chat/upkeep/fill-numbers.ts";
import { GRACE_MS } from "../../../shared/chat/upkeep/sweep-changes.ts";
import type { ApiClient, ApiReply } from "../../../shared/testing/api-client.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { stayAtOneInstance, useInstance, useSystem } from "../../../shared/testing/use-system.ts";

/** Numbers of new chats that several instances give at once. */
const system = useSystem();
const elsewhere = useInstance(system);
const chats = "/v1/apps/demo/chats";

/** Each test moves the clock, and so outlives the tokens of those before. */
let ada: Person;
let here: ApiClient;
let there: ApiClient;
let keys = 0;
beforeEach(async () => {
  stayAtOneInstance(system);
  ada = await system.signIn("ada@numbers.test");
  [here, there] = [ada.api, elsewhere.as(ada)];
});

const newKey = (): string => `"key-${(keys += 1)}"`;
const create = (api: ApiClient, key = newKey()): Promise<ApiReply> =>
  api.post(chats, { kind: "group" }, { "idempotency-key": key });
const promises = async () => (await system.deps.firestore.collection("apps/demo/numbers").get()).docs;
const lastNumber = async (): Promise<number> =>
  (await system.deps.firestore.doc("apps/demo").get()).get("lastChatNumber");

/** From here on the first of an instance's next commits meets a head that the other has moved. */
async function contend(): Promise<void> {
  for (const api of [here, there]) expect((await create(api)).status).toBe(201);
  await system.settle();
}

async function audited(): Promise<Record<string, unknown> | undefined> {
  system.suite.kernel.clock.advance(PROMISE_MS + GRACE_MS + 1_000);
  await system.runSchedule("audit");
  await system.settle();
  return system.logs.findLast((line) => line.function === "audit");
}

test("are given once and without a gap, and nothing is left promised", async () => {
  const first = await lastNumber();
  const made = await Promise.all(
    Array.from({ length: 60 }, (_, index) => create(index % 2 === 0 ? here : there)),
  );
  expect(made.map(({ status }) => status)).toEqual(made.map(() => 201));
  const numbers = made.map(({ body }) => body.number as number).sort((a, b) => a - b);
  expect(numbers).toEqual(made.map((_, index) => first + index + 1));
  expect(await promises()).toEqual([]);
});

test("where another is faster, the head is moved apart from what comes with it", async () => {
  await contend();
  const cost = await system.meterRequest(async () => {
    expect((await create(here)).status).toBe(201);
  });
  // One that was too late, the promise, and what was promised.
  expect(cost.rpcs["firestore.Commit"]).toBe(3);
  expect(cost.billed).toEqual({ reads: 2, writes: 4, deletes: 1 });
});

test.each<[FaultKind, number]>([
  ["before", 1],
  ["after", 1],
  ["drop", 1],
  ["before", 2],
  ["after", 2],
  ["drop", 2],
])("a commit that fails (%s, number %i) leaves one chat, and a repetition finds it", async (kind, skip) => {
  await contend();
  const first = await lastNumber();
  const key = newKey();
  system.fault({ service: "firestore", method: "Commit", kind, skip, code: "UNAVAILABLE", count: 1 });
  const made = await create(here, key);
  system.clearFaults();
  const again = await create(there, key);
  expect([again.status, again.body.number]).toEqual([made.status, made.body.number]);
  expect(await audited()).toMatchObject({ missing: 0, repaired: 0 });
  expect(await promises()).toEqual([]);
  const last = await lastNumber();
  const since = await system.deps.firestore.collection("apps/demo/chats").where("number", ">", first).get();
  expect(since.docs.filter((each) => each.get("status") === "open")).toHaveLength(1);
  expect((await create(here)).body.number).toBe(last + 1);
});

test("those of an instance that died in between go to deleted chats", async () => {
  await contend();
  const first = await lastNumber();
  const lost = { service: "firestore", method: "Commit", kind: "before", code: "PERMISSION_DENIED" } as const;
  system.fault({ ...lost, skip: 2, count: 1 });
  expect((await create(here)).status).toBeGreaterThanOrEqual(500);
  system.clearFaults();
  expect(await promises()).toHaveLength(1);
  expect(await lastNumber()).toBe(first + 1);
  // Nobody calls it missing while it may still come.
  await create(there);
  system.suite.kernel.clock.advance(GRACE_MS + 1_000);
  await system.runSchedule("audit");
  expect(system.logs.findLast((line) => line.function === "audit")).toMatchObject({ missing: 0 });
  expect(await promises()).toHaveLength(1);
  await create(there);
  expect(await audited()).toMatchObject({ missing: 0, repaired: 0 });
  expect(await promises()).toEqual([]);
  const filled = await system.deps.firestore.doc(`apps/demo/chats/${first + 1}`).get();
  expect(filled.get("status")).toBe("deleted");
  const again = await system.signIn("ada@numbers.test");
  expect((await again.api.get(`${chats}/${first + 1}`)).status).toBe(404);
});

test("the same request at two instances at once makes one chat", async () => {
  await contend();
  const key = newKey();
  const made = await Promise.all([create(here, key), create(there, key), create(here, key)]);
  expect(new Set(made.map(({ body }) => body.number)).size).toBe(1);
  expect(await audited()).toMatchObject({ missing: 0, repaired: 0 });
  expect(await promises()).toEqual([]);
});
