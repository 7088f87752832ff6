import { beforeAll, expect, test } from "vitest";
import type { ApiClient, ApiReply } from "../../../shared/testing/api-client.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { useRole, useSystem } from "../../../shared/testing/use-system.ts";
import { endpoints } from "../../http/endpoints.ts";

/**
 * What every route of people, tokens, invitations and reports costs, counted: billed reads, writes and
 * deletes. A query that finds nothing is billed as one read. A change that costs a read more fails here.
 */

interface World {
  readonly owner: ApiClient;
  readonly server: ApiClient;
  /** Somebody new, in a group and a direct chat with `friend`. */
  readonly ada: Person;
  readonly friend: Person;
  readonly direct: number;
}
interface Case {
  /** What has to be there first; its result is given to `run`. */
  prepare?(world: World): Promise<string>;
  run(world: World, prepared: string): Promise<ApiReply>;
  readonly reads: number;
  readonly writes: number;
  readonly deletes?: number;
}

const app = "/v1/apps/demo";
const path = "/v1/apps/{app}";
let server: ApiClient;
let rounds = 0;

const system = useSystem({ instances: 1 });
const owner = useRole(system, "owner");
beforeAll(async () => {
  const { body } = await system.operator.post(`${app}/tokens`, {});
  server = system.client({ authorization: `Bearer ${body.token}` });
  await server.get(app);
  await system.operator.patch(app, { settings: { registration: { guests: true } } });
});

const idOf = async (reply: Promise<ApiReply>): Promise<string> => (await reply).body.id;
const post = (by: ApiClient, where: string, body: object = {}) => by.post(`${app}/${where}`, body);

const CASES: Readonly<Record<string, Case>> = {
  [`GET ${path}/tokens`]: { run: ({ owner: by }) => by.get(`${app}/tokens?limit=1`), reads: 2, writes: 0 },
  // Whether the caller has a second factor, and what of a token is made: itself and its event.
  [`POST ${path}/tokens`]: { run: ({ owner: by }) => post(by, "tokens"), reads: 1, writes: 2 },
  [`DELETE ${path}/tokens/{id}`]: {
    prepare: ({ owner: by }) => idOf(post(by, "tokens")),
    run: ({ owner: by }, id) => by.delete(`${app}/tokens/${id}`),
    reads: 2,
    writes: 2,
    deletes: 1,
  },
  [`GET ${path}/me/sessions`]: {
    run: ({ ada }) => ada.api.get(`${app}/me/sessions`),
    reads: 1,
    writes: 0,
  },
  [`GET ${path}/me/blocks`]: { run: ({ ada }) => ada.api.get(`${app}/me/blocks`), reads: 1, writes: 0 },
  [`GET ${path}/me/blocks/{user}`]: {
    prepare: ({ ada, friend }) => idOf(ada.api.put(`${app}/me/blocks/${friend.id}`)),
    run: ({ ada, friend }) => ada.api.get(`${app}/me/blocks/${friend.id}`),
    reads: 1,
    writes: 0,
  },
  // The person's marks, the other, and which chat is theirs; the marks, the pair, and the chat's head.
  [`PUT ${path}/me/blocks/{user}`]: {
    run: ({ ada, friend }) => ada.api.put(`${app}/me/blocks/${friend.id}`),
    reads: 3,
    writes: 3,
  },
  [`DELETE ${path}/me/blocks/{user}`]: {
    prepare: ({ ada, friend }) => idOf(ada.api.put(`${app}/me/blocks/${friend.id}`)),
    run: ({ ada, friend }) => ada.api.delete(`${app}/me/blocks/${friend.id}`),
    reads: 1,
    writes: 3,
  },
  [`GET ${path}/users`]: { run: ({ ada }) => ada.api.get(`${app}/users?limit=1`), reads: 2, writes: 0 },
  [`GET ${path}/users/{id}`]: {
    run: ({ ada, friend }) => ada.api.get(`${app}/users/${friend.id}`),
    reads: 1,
    writes: 0,
  },
  [`PATCH ${path}/users/{id}`]: {
    run: ({ owner: by, ada }) => by.patch(`${app}/users/${ada.id}`, { role: "viewer" }),
    reads: 2,
    writes: 3,
  },
  // A name that is not known, and the user, that name and the event.
  [`POST ${path}/users`]: {
    run: ({ server: by, ada }) => post(by, "users", { externalId: ada.id }),
    reads: 1,
    writes: 3,
  },
  [`POST ${path}/users/{id}/sessions`]: {
    run: ({ server: by, ada }) => post(by, `users/${ada.id}/sessions`),
    reads: 1,
    writes: 2,
  },
  [`PUT ${path}/users/{id}/disabled`]: {
    run: ({ owner: by, ada }) => by.put(`${app}/users/${ada.id}/disabled`),
    reads: 2,
    writes: 3,
  },
  [`DELETE ${path}/users/{id}/disabled`]: {
    prepare: ({ owner: by, ada }) => idOf(by.put(`${app}/users/${ada.id}/disabled`)),
    run: ({ owner: by, ada }) => by.delete(`${app}/users/${ada.id}/disabled`),
    reads: 2,
    writes: 2,
    deletes: 1,
  },
  // Factor and user; then the open session, and no token, invitation or scheduled message of theirs; then the
  // groups, the head of the one, and that there is none left; then no device, and what they had missed there.
  [`DELETE ${path}/users/{id}`]: {
    run: ({ owner: by, ada }) => by.delete(`${app}/users/${ada.id}`),
    reads: 2 + 1 + 3 + 1 + 1 + 1 + 1 + 2,
    writes: 3 + 1 + 4,
    deletes: 2,
  },
  // Factor and user: she is bound to none.
  [`DELETE ${path}/users/{id}/identities`]: {
    run: ({ owner: by, ada }) => by.delete(`${app}/users/${ada.id}/identities`),
    reads: 2,
    writes: 0,
  },
  // Factor and app; the app, the word that it has changed, and the event.
  [`POST ${path}/moderation/secrets`]: {
    run: ({ owner: by }) => post(by, "moderation/secrets"),
    reads: 2,
    writes: 3,
  },
  [`GET ${path}/auth/options`]: {
    run: () => system.client().get(`${app}/auth/options`),
    reads: 0,
    writes: 0,
  },
  [`POST ${path}/auth/guests`]: { run: () => post(system.client(), "auth/guests"), reads: 0, writes: 3 },
  [`POST ${path}/invitations`]: { run: ({ owner: by }) => post(by, "invitations"), reads: 1, writes: 2 },
  [`GET ${path}/invitations`]: {
    prepare: ({ owner: by }) => idOf(post(by, "invitations")),
    run: ({ owner: by }) => by.get(`${app}/invitations?limit=1`),
    reads: 2,
    writes: 0,
  },
  [`DELETE ${path}/invitations/{id}`]: {
    prepare: ({ owner: by }) => idOf(post(by, "invitations")),
    run: ({ owner: by }, id) => by.delete(`${app}/invitations/${id}`),
    reads: 1,
    writes: 2,
  },
  // The person, the invitation and its maker; it and its event, the person, their tokens and the event.
  [`POST ${path}/invitations/{code}/accept`]: {
    prepare: async ({ owner: by }) => (await post(by, "invitations", { role: "admin" })).body.code,
    run: ({ ada }, code) => post(ada.api, `invitations/${code}/accept`),
    reads: 3,
    writes: 5,
  },
  [`POST ${path}/reports`]: {
    run: ({ ada, direct }) =>
      post(ada.api, "reports", { message: { chat: direct, message: 1 }, reason: "Rude" }),
    reads: 2,
    writes: 2,
  },
  [`GET ${path}/reports`]: {
    prepare: ({ ada, friend }) => idOf(post(ada.api, "reports", { user: friend.id, reason: "Rude" })),
    run: ({ owner: by }) => by.get(`${app}/reports?limit=1`),
    reads: 2,
    writes: 0,
  },
  [`PATCH ${path}/reports/{id}`]: {
    prepare: ({ ada, friend }) => idOf(post(ada.api, "reports", { user: friend.id, reason: "Rude" })),
    run: ({ owner: by }, id) => by.patch(`${app}/reports/${id}`, { decision: "dismiss" }),
    reads: 1,
    writes: 2,
  },
  [`GET ${path}/reports/{id}/messages`]: {
    prepare: ({ ada, direct }) =>
      idOf(post(ada.api, "reports", { message: { chat: direct, message: 1 }, reason: "Rude" })),
    run: ({ owner: by }, id) => by.get(`${app}/reports/${id}/messages`),
    reads: 3,
    writes: 1,
  },
};

async function newWorld(): Promise<World> {
  rounds += 1;
  const ada = await system.signIn(`ada-${rounds}@example.test`);
  const friend = await system.signIn(`friend-${rounds}@example.test`);
  await ada.api.post(`${app}/chats`, { kind: "group", members: [friend.id] });
  const { body } = await ada.api.post(`${app}/chats`, { kind: "direct", members: [friend.id] });
  await friend.api.post(`${app}/chats/${body.number}/messages`, { text: "Hello" });
  return { owner: owner.api, server, ada, friend, direct: body.number };
}

test.each(Object.entries(CASES))("%s", async (_, { prepare, run, reads, writes, deletes = 0 }) => {
  const world = await newWorld();
  const prepared = (await prepare?.(world)) ?? "";
  const cost = await system.meterRequest(async () => {
    expect((await run(world, prepared)).status).toBeLessThan(300);
  });
  expect(cost.billed).toEqual({ reads, writes, deletes });
});

test("every route of people, tokens, invitations, blocks and reports has a budget", () => {
  const routes = endpoints
    .map(({ method, path: route }) => `${method} ${route}`)
    .filter((name) =>
      /\/(users|tokens|invitations|guests|options|blocks|reports|moderation|me\/sessions)\b/.test(name),
    )
    // The reports of figures have theirs elsewhere.
    .filter((name) => name !== "GET /v1/apps/{app}/reports/{id}");
  expect(Object.keys(CASES).sort()).toEqual(routes.sort());
});
