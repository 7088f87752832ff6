import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { CODES_PER_DAY } from "../shared/identity/contract.ts";
import type { Person } from "../shared/testing/start-system.ts";
import { settleRounds, startChat, useSystem } from "../shared/testing/use-system.ts";

/** The cost model is made of the table of counted operations in docs/operations.md. */

let ada: Person;
let bob: Person;
let alone: string;
let both: string;
const system = useSystem();
beforeAll(async () => {
  // With the daily limit of mails, which other tests do without.
  const limits = { codesPerDay: CODES_PER_DAY };
  await system.operator.patch("/v1/apps/demo", { settings: { limits } });
  ada = await system.signIn("ada@cost.test");
  bob = await system.signIn("bob@cost.test");
  await bob.api.put("/v1/apps/demo/devices/phone", { pushToken: "cost:token", platform: "android" });
  alone = await chatWith([]);
  both = await chatWith([bob]);
});

/** A chat with a message, so that the next message costs what most do. */
async function chatWith(members: readonly Person[]): Promise<string> {
  const { path } = await startChat(ada.api, { members, texts: ["First"] });
  await settleRounds(system);
  return path;
}

const rows = new Map(
  [
    ...readFileSync("docs/operations.md", "utf8").matchAll(
      /^\| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$/gm,
    ),
  ].map(([, name = "", ...counts]) => [name, counts.map(Number)]),
);

const COUNTED: Readonly<Record<string, () => Promise<unknown>>> = {
  "a message nobody has to be told of": () => ada.api.post(`${alone}/messages`, { text: "Second" }),
  "a message to one who is away, with a push": async () => {
    await ada.api.post(`${both}/messages`, { text: "Second" });
    await settleRounds(system);
  },
  "marking a chat as read": () => bob.api.put(`${both}/read`, { number: 2 }),
  "a sign-in by mail": () => system.signIn("carol@cost.test"),
};

test.each(Object.entries(COUNTED))("%s costs what docs/operations.md says", async (name, work) => {
  const { billed, publishes, tasks } = await system.meter(work);
  expect(rows.get(name)).toEqual([billed.reads, billed.writes, publishes, tasks]);
});

test("a page costs a read for each message and what stands beside it", async () => {
  const { billed } = await system.meter(() => bob.api.get(`${both}/messages`));
  const [reads = 0] = rows.get("reading a page with its messages, beside one read for each") ?? [];
  expect(billed).toEqual({ reads: reads + 2, writes: 0, deletes: 0 });
});

test("every row is counted here", () => {
  expect(rows.size).toBe(Object.keys(COUNTED).length + 1);
});
