import { beforeAll, expect, test } from "vitest";
import type { Counts } from "../../../emulators/kernel/meter.ts";
import type { ApiReply, ApiClient } from "../../../shared/testing/api-client.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { OPERATIONS_FREE } from "../../runtime/operations.ts";
import { endpoints } from "../../http/endpoints.ts";

/**
 * What every route of chats costs, counted: billed reads, writes and deletes, and what is published and
 * enqueued. The instance knows the chat's head, as it does while people talk. A change that costs a read more
 * fails here.
 */

interface Case {
  /**
   * `api` is Ada's, in whose group chat Bob is too; it has messages 1 and 2, and 3 on a branch of its own.
   */
  run(api: ApiClient, chat: string): Promise<ApiReply>;
  readonly reads: number;
  readonly writes: number;
  readonly deletes?: number;
  readonly publishes?: number;
  readonly tasks?: number;
}

const thumb = encodeURIComponent("👍");
/** Chat → what Ada has scheduled in it. */
const scheduledIn = new Map<string, string>();
const system = useSystem({ instances: 1 });
const [ada, bob, carol] = usePeople(system, "ada@budgets.test", "bob@budgets.test", "carol@budgets.test");
beforeAll(async () => {
  for (let index = 0; index < 10; index += 1) await ada.api.post("/v1/apps/demo/chats", { kind: "group" });
});

const chats = "/v1/apps/{app}/chats";
const CASES: Readonly<Record<string, Case>> = {
  // The person's marks, the page and one chat more, to know whether there are.
  [`GET ${chats}`]: { run: (api) => api.get("/v1/apps/demo/chats?limit=9"), reads: 10 + 1, writes: 0 },
  [`POST ${chats}`]: {
    run: (api) =>
      api.post("/v1/apps/demo/chats", { kind: "group", model: "emulated-small", members: [bob.id] }),
    reads: 1,
    writes: 2,
    publishes: 1,
  },
  [`GET ${chats}/{chat}`]: { run: (api, chat) => api.get(chat), reads: 2, writes: 0 },
  [`PATCH ${chats}/{chat}`]: {
    // The group is told of its new name.
    run: (api, chat) => api.patch(chat, { title: "New" }),
    reads: 1,
    writes: 1 + 1,
    publishes: 1,
  },
  [`DELETE ${chats}/{chat}`]: { run: (api, chat) => api.delete(chat), reads: 0, writes: 2, publishes: 1 },
  [`POST ${chats}/{chat}/forks`]: {
    run: (api, chat) => api.post(`${chat}/forks`, { at: 3 }),
    reads: 3 + 2 + 1,
    writes: 2 + 2 + 1,
    publishes: 1,
    tasks: 1,
  },
  [`GET ${chats}/{chat}/branches`]: {
    run: (api, chat) => api.get(`${chat}/branches`),
    reads: 1 + 2,
    writes: 0,
  },
  [`PUT ${chats}/{chat}/branch`]: {
    run: (api, chat) => api.put(`${chat}/branch`, { branch: "main" }),
    reads: 2,
    writes: 3,
    publishes: 1,
  },
  [`PUT ${chats}/{chat}/members/{user}`]: {
    run: (api, chat) => api.put(`${chat}/members/${carol.id}`),
    reads: 2,
    writes: 1 + 1,
    publishes: 1,
  },
  [`DELETE ${chats}/{chat}/members/{user}`]: {
    run: (api, chat) => api.delete(`${chat}/members/${bob.id}`),
    reads: 0,
    writes: 3 + 1,
    publishes: 1,
  },
  [`PUT ${chats}/{chat}/members/{user}/role`]: {
    run: (api, chat) => api.put(`${chat}/members/${bob.id}/role`, { role: "admin" }),
    reads: 1,
    writes: 1,
    publishes: 1,
  },
  [`PUT ${chats}/{chat}/messages/{message}/pin`]: {
    run: (api, chat) => api.put(`${chat}/messages/1/pin`),
    reads: 2,
    writes: 2,
    publishes: 1,
  },
  [`DELETE ${chats}/{chat}/messages/{message}/pin`]: {
    // Nothing is pinned: the head is read again to be sure.
    run: (api, chat) => api.delete(`${chat}/messages/1/pin`),
    reads: 3,
    writes: 0,
  },
  [`GET ${chats}/{chat}/messages/{message}/thread`]: {
    run: (api, chat) => api.get(`${chat}/messages/1/thread`),
    reads: 4,
    writes: 0,
  },
  [`PUT ${chats}/{chat}/messages/{message}/thread/read`]: {
    run: (api, chat) => api.put(`${chat}/messages/1/thread/read`, { number: 3 }),
    reads: 3,
    writes: 1,
  },
  [`GET ${chats}/{chat}/changes`]: {
    run: (api, chat) => api.get(`${chat}/changes`),
    reads: 1 + 1,
    writes: 0,
  },
  [`PUT ${chats}/{chat}/read`]: {
    run: (api, chat) => api.put(`${chat}/read`, { number: 3 }),
    reads: 1,
    writes: 2,
  },
  [`PUT ${chats}/{chat}/mute`]: {
    run: (api, chat) => api.put(`${chat}/mute`, { until: null }),
    reads: 2,
    writes: 2,
  },
  [`DELETE ${chats}/{chat}/mute`]: { run: (api, chat) => api.delete(`${chat}/mute`), reads: 2, writes: 2 },
  [`PUT ${chats}/{chat}/draft`]: {
    run: (api, chat) => api.put(`${chat}/draft`, { text: "Begun ".repeat(100) }),
    reads: 2,
    writes: 2 + 1,
  },
  [`POST ${chats}/{chat}/typing`]: { run: (api, chat) => api.post(`${chat}/typing`), reads: 1, writes: 1 },
  [`DELETE ${chats}/{chat}/typing`]: {
    run: (api, chat) => api.delete(`${chat}/typing`),
    reads: 1,
    writes: 1,
  },
  [`GET ${chats}/{chat}/reads`]: { run: (api, chat) => api.get(`${chat}/reads`), reads: 1 + 2, writes: 0 },
  [`POST ${chats}/{chat}/messages`]: {
    run: (api, chat) => api.post(`${chat}/messages`, { text: "Hello" }),
    reads: 0,
    writes: 2,
    publishes: 1,
  },
  [`GET ${chats}/{chat}/scheduled`]: {
    run: (api, chat) => api.get(`${chat}/scheduled`),
    reads: 1,
    writes: 0,
  },
  [`PATCH ${chats}/{chat}/scheduled/{id}`]: {
    run: (api, chat) => api.patch(`${chat}/scheduled/${scheduledIn.get(chat)}`, { text: "Changed" }),
    // Its task is there already.
    reads: 1,
    writes: 1,
  },
  [`DELETE ${chats}/{chat}/scheduled/{id}`]: {
    run: (api, chat) => api.delete(`${chat}/scheduled/${scheduledIn.get(chat)}`),
    reads: 1,
    writes: 1,
  },
  [`GET ${chats}/{chat}/messages`]: {
    // The head, the branch, and the newest messages together.
    run: (api, chat) => api.get(`${chat}/messages`),
    reads: 3,
    writes: 0,
  },
  [`GET ${chats}/{chat}/messages/{message}`]: {
    run: (api, chat) => api.get(`${chat}/messages/1`),
    reads: 2,
    writes: 0,
  },
  [`PATCH ${chats}/{chat}/messages/{message}`]: {
    run: (api, chat) => api.patch(`${chat}/messages/1`, { text: "Edited" }),
    reads: 2,
    writes: 4,
    publishes: 1,
  },
  [`DELETE ${chats}/{chat}/messages/{message}`]: {
    run: (api, chat) => api.delete(`${chat}/messages/1`),
    reads: 2,
    writes: 2,
    publishes: 1,
  },
  // A query that finds nothing is billed as one read.
  [`GET ${chats}/{chat}/messages/{message}/edits`]: {
    run: (api, chat) => api.get(`${chat}/messages/1/edits`),
    reads: 3,
    writes: 0,
  },
  [`PUT ${chats}/{chat}/messages/{message}/reactions/{emoji}`]: {
    run: (api, chat) => api.put(`${chat}/messages/1/reactions/${thumb}`),
    reads: 2,
    writes: 2,
    publishes: 1,
  },
  [`DELETE ${chats}/{chat}/messages/{message}/reactions/{emoji}`]: {
    run: (api, chat) => api.delete(`${chat}/messages/2/reactions/${thumb}`),
    reads: 2,
    writes: 2,
    publishes: 1,
  },
  "POST /v1/apps/{app}/tickets": { run: (api) => api.post("/v1/apps/demo/tickets"), reads: 0, writes: 0 },
};

/**
 * Streams go on; what they cost is counted in chat-stream.test.ts and person-stream.test.ts, and here for
 * their beginning.
 */
const STREAMS = [`GET ${chats}/{chat}/events`, "GET /v1/apps/{app}/events"];

async function newChat(): Promise<string> {
  const { body } = await ada.api.post("/v1/apps/demo/chats", {
    kind: "group",
    model: "emulated-small",
    members: [bob.id],
  });
  const path = `/v1/apps/demo/chats/${body.number}`;
  for (const text of ["One", "Two"]) await ada.api.post(`${path}/messages`, { text });
  await ada.api.put(`${path}/messages/2/reactions/${thumb}`);
  await ada.api.post(`${path}/messages`, { text: "Or else", after: 1 });
  const sendAt = new Date(system.suite.kernel.clock.now() + 24 * 3600 * 1000).toISOString();
  const scheduled = await ada.api.post(`${path}/messages`, { text: "Later", sendAt });
  scheduledIn.set(path, scheduled.body.id);
  return path;
}

/** What the route says that a request costs at most, by its query as it is without parameters. */
function declaredOperations(name: string): number {
  const endpoint = endpoints.find(({ method, path }) => `${method} ${path}` === name);
  const { operations = OPERATIONS_FREE, query } = endpoint ?? {};
  return typeof operations === "number" ? operations : operations(query?.parse({}));
}

test("no route of chats costs more than it says, but a fork, which spends what it copies", () => {
  const dearer = Object.entries(CASES).filter(
    ([name, { reads, writes, deletes = 0 }]) => reads + writes + deletes > declaredOperations(name),
  );
  expect(dearer.map(([name]) => name)).toEqual([`POST ${chats}/{chat}/forks`]);
});

const billed = ({ billed: { reads, writes, deletes }, publishes, tasks }: Counts) => ({
  reads,
  writes,
  deletes,
  publishes,
  tasks,
});

test.each(Object.entries(CASES))(
  "%s",
  async (_, { run, deletes = 0, publishes = 0, tasks = 0, reads, writes }) => {
    const chat = await newChat();
    const cost = await system.meterRequest(async () => {
      expect((await run(ada.api, chat)).status).toBeLessThan(300);
    });
    expect(billed(cost)).toEqual({ reads, writes, deletes, publishes, tasks });
  },
);

test("opening a stream costs the request nothing: listeners are an instance's own", async () => {
  const chat = await newChat();
  for (const path of [`${chat}/events`, "/v1/apps/demo/events"]) {
    // The instance that serves streams knows the app from then on.
    await (await EventStream.open(`${system.url}${path}`, ada))[Symbol.asyncDispose]();
    const cost = await system.meterRequest(async () => {
      await using stream = await EventStream.open(`${system.url}${path}`, ada);
      await stream.reached;
    });
    expect(billed(cost)).toEqual({ reads: 0, writes: 0, deletes: 0, publishes: 0, tasks: 0 });
  }
});

test("every route of chats has a budget", () => {
  const routes = endpoints
    .map(({ method, path }) => `${method} ${path}`)
    // Those of answers have theirs in answers.test.ts.
    .filter((name) => /\/chats|\/events$|\/tickets$/.test(name) && !/\/(answer|feedback|stream)$/.test(name));
  expect([...Object.keys(CASES), ...STREAMS].sort()).toEqual(routes.sort());
});
