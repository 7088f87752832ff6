import { expect, test } from "vitest";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@retention.test", "bob@retention.test");

const chats = "/v1/apps/demo/chats";
const DAY_MS = 24 * 3600 * 1000;

async function chatWith(draft: object, text: string): Promise<number> {
  const { body } = await ada.api.post(chats, { members: [bob.id], title: text, tags: [text], ...draft });
  const path = `${chats}/${body.number}`;
  await ada.api.post(`${path}/messages`, { text });
  await ada.api.patch(`${path}/messages/1`, { text: `${text} edited` });
  await bob.api.post(`${path}/messages`, { text: `${text} reply`, replyTo: 1 });
  await bob.api.post(`${path}/messages`, { text: `${text} branch`, after: 1 });
  await bob.api.put(`${path}/read`, { number: 2 });
  await bob.api.post(`${path}/typing`);
  await system.settle();
  return body.number;
}

/** Everything that is stored below a collection, with its paths. */
async function everythingIn(path: string): Promise<string> {
  const found = await system.deps.firestore.collection(path).listDocuments();
  const parts = await Promise.all(
    found.map(async (ref) => {
      const below = await Promise.all((await ref.listCollections()).map((each) => everythingIn(each.path)));
      return [ref.path, JSON.stringify((await ref.get()).data() ?? {}), ...below].join("\n");
    }),
  );
  return parts.join("\n");
}

const retention = (change: object) =>
  system.operator.patch("/v1/apps/demo", { settings: { retention: change } });
async function runDaysLater(days: number): Promise<void> {
  const { clock } = system.suite.kernel;
  clock.advance(days * DAY_MS);
  await system.runSchedule("expire-chats");
  await system.settle();
  clock.advance(-days * DAY_MS);
}

test("a temporary chat leaves nothing but its number after its time, others stay", async () => {
  await retention({ temporaryDays: 7, chatsDays: null });
  const temporary = await chatWith({ kind: "group", temporary: true }, "ephemeral");
  const kept = await chatWith({ kind: "group" }, "lasting");
  await runDaysLater(6);
  expect((await system.operator.get(`${chats}/${temporary}`)).status).toBe(200);
  await runDaysLater(8);
  expect((await system.operator.get(`${chats}/${temporary}`)).status).toBe(404);
  expect((await system.operator.get(`${chats}/${kept}/messages`)).body.data).toHaveLength(2);
  expect(await everythingIn("apps/demo/chats")).toContain("lasting");
  const left = await everythingIn("apps/demo/chats");
  expect(left).not.toContain("ephemeral");
  const ofIt = left.split("\n").filter((line) => line.startsWith(`apps/demo/chats/${temporary}`));
  expect(ofIt.every((line) => !line.includes(".") || line.endsWith("progress/changes"))).toBe(true);
  const head = (await system.deps.firestore.doc(`apps/demo/chats/${temporary}`).get()).data();
  expect(JSON.stringify(head)).not.toMatch(new RegExp(`${ada.id}|${bob.id}`));
  const marks = (await system.deps.firestore.doc(`apps/demo/reads/${bob.id}`).get()).data();
  expect(Object.keys(marks?.chats ?? {})).not.toContain(String(temporary));
});

test("chats end with their last activity, where the app has said when", async () => {
  await retention({ temporaryDays: null, chatsDays: 30 });
  const direct = await chatWith({ kind: "direct" }, "between us");
  await runDaysLater(31);
  expect((await system.operator.get(`${chats}/${direct}`)).status).toBe(404);
  const again = await ada.api.post(chats, { kind: "direct", members: [bob.id] });
  expect([again.status, again.body.number > direct]).toEqual([201, true]);
  await retention({ chatsDays: null });
});

test("a run that has nothing to do costs two reads and a query for each app and time", async () => {
  await retention({ temporaryDays: 3650, chatsDays: null });
  const cost = await system.meter(() => system.runSchedule("expire-chats"));
  expect(cost.billed).toEqual({ reads: 2, writes: 0, deletes: 0 });
});
