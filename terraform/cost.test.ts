import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { CODES_PER_DAY } from "../shared/identity/contract.ts";
import manifest from "../functions/manifest.json" with { type: "json" };
import { PERSON_STREAM_OPERATIONS } from "../functions/runtime/open-streams.ts";
import { STREAM_MS_MAX, STREAM_MS_MIN } from "../shared/live/contract.ts";
import { RENEW_MS, WATCH_MS } from "../shared/live/presence.ts";
import { EventStream } from "../shared/testing/event-stream.ts";
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
  const limits = { codesPerDay: CODES_PER_DAY, streamsPerPerson: 20, streamsPerApp: 2_000 };
  await system.operator.patch("/v1/apps/demo", { settings: { limits } });
  ada = await system.signIn("ada@cost.test");
  bob = await system.signIn("bob@cost.test");
  // The instance that serves streams knows the app from then on.
  const other = await system.signIn("dora@cost.test");
  await (await EventStream.open(`${system.url}/v1/apps/demo/events`, other))[Symbol.asyncDispose]();
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
  // This instance has not shown it to anybody before.
  "reading the newest page": () => bob.api.get(`${both}/messages`),
  "marking a chat as read": () => bob.api.put(`${both}/read`, { number: 2 }),
  "a sign-in by mail": () => system.signIn("carol@cost.test"),
  "opening a stream": async () => {
    const stream = await EventStream.open(`${system.url}${both}/events`, ada);
    await stream.reached;
    await stream[Symbol.asyncDispose]();
  },
};

test.each(Object.entries(COUNTED))("%s costs what docs/operations.md says", async (name, work) => {
  const { billed, publishes, tasks } = await system.meter(work);
  expect(rows.get(name)).toEqual([billed.reads, billed.writes, publishes, tasks]);
});

test("every row is counted here", () => {
  expect(rows.size).toBe(Object.keys(COUNTED).length);
});

/** Of 730 hours. */
const MONTH_SECONDS = 730 * 3600;
const PRICES = { vcpuSecond: 24e-6, gibSecond: 2.5e-6, request: 0.4e-6, read: 0.03e-5, write: 0.09e-5 };

test("what a thousand streams cost in a month follows from what they are allowed and what they do", () => {
  const { concurrency, memoryMiB } = manifest.functions.live;
  const streams = 1_000;
  const instanceSeconds = Math.ceil(streams / concurrency) * MONTH_SECONDS;
  const openings = (streams * MONTH_SECONDS * 1000) / ((STREAM_MS_MIN + STREAM_MS_MAX) / 2);
  const [reads = 0, writes = 0] = rows.get("opening a stream") ?? [];
  const costs = [
    ["processor", instanceSeconds * PRICES.vcpuSecond],
    ["memory", instanceSeconds * (memoryMiB / 1024) * PRICES.gibSecond],
    ["requests", openings * PRICES.request],
    ["reads of openings", openings * reads * PRICES.read],
    // A place that was taken is given back, by a write.
    ["writes of openings and closings", openings * (writes + 1) * PRICES.write],
    ["reads that listeners begin with", openings * PERSON_STREAM_OPERATIONS * PRICES.read],
    ["presence, writes", ((streams * MONTH_SECONDS * 1000) / RENEW_MS) * PRICES.write],
    ["presence, reads for who watches", ((streams * MONTH_SECONDS * 1000) / WATCH_MS) * PRICES.read],
  ] as const;
  const sum = costs.reduce((all, [, cost]) => all + cost, 0);
  const page = readFileSync("docs/operations.md", "utf8");
  const told = [
    ...page.matchAll(/^\| (?:\*\*)?([^|*]+?)(?:\*\*)? \|[^|]*\|[^|]*\| (?:\*\*)?([\d.]+)(?:\*\*)? \|$/gm),
  ];
  const dollars = new Map(told.map(([, name = "", cost]) => [name, Number(cost)]));
  for (const [name, cost] of [...costs, ["all together", sum] as const]) {
    expect([name, dollars.get(name)]).toEqual([name, Number(cost.toFixed(2))]);
  }
});
