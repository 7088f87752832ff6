import { beforeAll, expect, test } from "vitest";
import { FACETS_MAX } from "../../../shared/chat/log/facets.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

let ada: Person;
let bob: Person;
let carol: Person;
let everybody: string[];
const numbers = new Map<string, number>();
const chats = "/v1/apps/demo/chats";

const system = useSystem();
beforeAll(async () => {
  const people: Person[] = [];
  for (let index = 0; index < 13; index += 1) people.push(await system.signIn(`p${index}@lists.test`));
  [ada, bob, carol] = people as [Person, Person, Person];
  everybody = people.map(({ id }) => id);
  const make = async (name: string, body: object): Promise<void> => {
    const { body: chat } = await ada.api.post(chats, { title: name, ...body });
    numbers.set(name, chat.number);
  };
  await make("alone", { kind: "group", tags: ["work"] });
  await make("direct", { kind: "direct", members: [bob.id], tags: ["home"] });
  await make("three", { kind: "group", members: [bob.id, carol.id], tags: ["work", "home"] });
  await make("carol's", { kind: "group", members: [carol.id] });
  await make("crowd", { kind: "group", members: everybody, tags: ["work"] });
});

const listed = async (person: Person, query: string): Promise<string[]> =>
  (await person.api.get(`${chats}?${query}`)).body.data.map(({ title }: { title: string }) => title);

test("a crowd has more facets than are kept", () => {
  expect((everybody.length * (everybody.length - 1)) / 2).toBeGreaterThan(FACETS_MAX);
});

test.each([
  ["tag=work", ["crowd", "three", "alone"]],
  ["tag=home", ["three", "direct"]],
  ["tag=none", []],
  ["tag=work&kind=direct", []],
  ["tag=home&kind=direct", ["direct"]],
  ["tag=work&archived=true", []],
] as const)("%s", async (query, titles) => {
  expect(await listed(ada, query)).toEqual(titles);
});

test("with a member, and with a tag besides", async () => {
  expect(await listed(ada, `member=${bob.id}`)).toEqual(["crowd", "three", "direct"]);
  expect(await listed(ada, `member=${carol.id}&tag=work`)).toEqual(["crowd", "three"]);
  expect(await listed(bob, `member=${carol.id}`)).toEqual(["crowd", "three"]);
  expect(await listed(ada, `member=${everybody[12]}`)).toEqual(["crowd"]);
  expect(await listed(ada, "member=nobody")).toEqual([]);
});

test("follows changes of tags and members", async () => {
  const path = `${chats}/${numbers.get("alone")}`;
  await ada.api.patch(path, { tags: ["play"] });
  await ada.api.put(`${path}/members/${carol.id}`);
  expect(await listed(carol, "tag=play")).toEqual(["alone"]);
  // No message has come, so it keeps its place.
  expect(await listed(ada, `member=${carol.id}`)).toEqual(["crowd", "carol's", "three", "alone"]);
  await ada.api.delete(`${path}/members/${carol.id}`);
  await ada.api.patch(path, { tags: ["work"] });
  expect(await listed(carol, "tag=play")).toEqual([]);
});

test("comes in pages, and costs one query and one document", async () => {
  const seen: string[] = [];
  for (let cursor = ""; ;) {
    const { body } = await ada.api.get(`${chats}?tag=work&limit=1${cursor}`);
    seen.push(...body.data.map(({ title }: { title: string }) => title));
    if (!body.hasMore) break;
    cursor = `&cursor=${body.next}`;
  }
  expect(seen.sort()).toEqual(["alone", "crowd", "three"]);
  const cost = await system.meterRequest(() => ada.api.get(`${chats}?member=${bob.id}&limit=50`));
  expect(cost.rpcs["firestore.RunQuery"]).toBe(1);
  expect(cost.billed.reads).toBe(3 + 1);
});

test("servers list by tag or member over the whole app", async () => {
  const { body: byTag } = await system.operator.get(`${chats}?tag=work`);
  expect(byTag.data).toHaveLength(3);
  const { body: byMember } = await system.operator.get(`${chats}?member=${bob.id}&kind=direct`);
  expect(byMember.data.map(({ title }: { title: string }) => title)).toEqual(["direct"]);
});
