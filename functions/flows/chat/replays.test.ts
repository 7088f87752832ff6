import { expect, test } from "vitest";
import { endpoints } from "../../http/endpoints.ts";
import type { ApiClient, ApiReply } from "../../../shared/testing/api-client.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { sweep } from "../../../shared/testing/sweep.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { startChat, useInstance, useSystem } from "../../../shared/testing/use-system.ts";

/**
 * A request that has been made is answered as it was first, whatever has become of what it refers to and of
 * whoever made it: every route that takes an Idempotency-Key from people.
 */
const system = useSystem();
const elsewhere = useInstance(system);

const app = "/v1/apps/demo";
const chats = `${app}/chats`;
let people = 0;

interface Scene {
  readonly owner: Person;
  readonly ada: Person;
  readonly bob: Person;
  /** A group of the two with a message of each. */
  readonly group: string;
  /** A chat of Ada with a model, with a question and its answer. */
  readonly assistant: string;
  /** A file of Ada's with a message from elsewhere. */
  readonly table: string;
}

interface Case {
  readonly request: (scene: Scene) => readonly [method: "post" | "patch", path: string, body?: object];
  /** Who makes it. */
  readonly by?: (scene: Scene) => Person;
  /** What it refers to goes. */
  readonly gone?: (scene: Scene) => Promise<unknown>;
  /** The pair has one chat, whatever key asks for it; the first to ask is told that it is new. */
  readonly isDirect?: true;
  /** Whoever made it leaves. */
  readonly leave?: (scene: Scene) => Promise<unknown>;
}

const leaveGroup = ({ ada, group }: Scene) => ada.api.delete(`${group}/members/${ada.id}`);
const CASES: Readonly<Record<string, readonly Case[]>> = {
  [`POST ${app}/chats`]: [
    {
      request: ({ bob }) => ["post", chats, { kind: "group", title: "New", members: [bob.id] }],
      gone: ({ owner, bob }) => owner.api.delete(`${app}/users/${bob.id}`),
    },
    {
      request: ({ bob }) => ["post", chats, { kind: "direct", members: [bob.id] }],
      isDirect: true,
      gone: ({ bob, ada }) => bob.api.put(`${app}/me/blocks/${ada.id}`),
    },
  ],
  [`POST ${app}/chats/{chat}/messages`]: [
    {
      request: ({ group }) => ["post", `${group}/messages`, { text: "Reply", replyTo: 2 }],
      gone: ({ bob, group }) => bob.api.delete(`${group}/messages/2`),
      leave: leaveGroup,
    },
    {
      request: ({ group, assistant }) => [
        "post",
        `${group}/messages`,
        { forwardOf: { chat: Number(assistant.split("/").at(-1)), message: 1 } },
      ],
      gone: ({ ada, assistant }) => ada.api.delete(assistant),
      leave: leaveGroup,
    },
    {
      request: ({ group, bob }) => [
        "post",
        `${group}/messages`,
        { text: "Bob", mentions: [{ start: 0, end: 3, user: bob.id }] },
      ],
      gone: ({ bob, group }) => bob.api.delete(`${group}/members/${bob.id}`),
      leave: leaveGroup,
    },
  ],
  [`POST ${app}/chats/{chat}/forks`]: [
    {
      request: ({ group }) => ["post", `${group}/forks`, { at: 2 }],
      gone: ({ owner, group }) => owner.api.delete(group),
      leave: leaveGroup,
    },
  ],
  [`PATCH ${app}/chats/{chat}/messages/{message}`]: [
    {
      request: ({ group }) => ["patch", `${group}/messages/1`, { text: "Edited" }],
      gone: ({ owner, group }) => owner.api.patch(group, { rules: { write: "admins" } }),
      leave: leaveGroup,
    },
  ],
  [`POST ${app}/chats/{chat}/messages/{message}/answer`]: [
    {
      request: ({ assistant }) => ["post", `${assistant}/messages/1/answer`],
      gone: ({ ada, assistant }) => ada.api.delete(`${assistant}/messages/1`),
    },
  ],
  [`POST ${app}/files`]: [
    { request: () => ["post", `${app}/files`, { name: "a.txt", type: "text/plain", size: 3 }] },
  ],
  [`POST ${app}/tokens`]: [
    { request: () => ["post", `${app}/tokens`, { name: "Mine", scopes: ["app:read"] }], by: (s) => s.owner },
  ],
  [`POST ${app}/invitations`]: [
    { request: () => ["post", `${app}/invitations`, { role: "admin" }], by: ({ owner }) => owner },
  ],
  [`POST ${app}/exports`]: [{ request: () => ["post", `${app}/exports`, { format: "zip" }] }],
  [`POST ${app}/imports`]: [
    {
      request: ({ table }) => ["post", `${app}/imports`, { file: table }],
      gone: ({ ada, table }) => ada.api.delete(`${app}/files/${table}`),
    },
  ],
  [`POST ${app}/moderation/secrets`]: [],
  // Another's sessions are given out by servers only, and not twice for one that has ended.
  [`POST ${app}/users/{id}/sessions`]: [],
};

async function newScene(): Promise<Scene> {
  people += 1;
  const owner = await system.signInAs("owner", `owner-${people}@replays.test`);
  const ada = await system.signIn(`ada-${people}@replays.test`);
  const bob = await system.signIn(`bob-${people}@replays.test`);
  const { path: group } = await startChat(ada.api, { members: [bob], texts: ["One"] });
  await bob.api.post(`${group}/messages`, { text: "Two" });
  const { path: assistant } = await startChat(ada.api, { kind: "assistant", texts: ["A question"] });
  const bytes = Buffer.from("chat,text\nOld,Brought\n");
  const upload = { name: "old.csv", type: "text/csv", bytes, purpose: "import" } as const;
  const { id: table } = await uploadFile(ada.api, upload);
  await system.settle();
  return { owner, ada, bob, group, assistant, table };
}

/** The person is made a viewer, who may make nothing, and signs in again. */
async function loseRole({ owner }: Scene, person: Person): Promise<Person> {
  const admin = owner.id === person.id ? system.operator : owner.api;
  expect((await admin.patch(`${app}/users/${person.id}`, { role: "viewer" })).status).toBe(200);
  return system.signIn(person.email);
}

const nameOf = ({ body }: ApiReply): unknown => body.id ?? body.number ?? body.file.id;

interface Made {
  readonly scene: Scene;
  readonly by: Person;
  readonly send: (person: Person, at?: ApiClient) => Promise<ApiReply>;
  readonly another: (person: Person) => Promise<ApiReply>;
  readonly statusOf: (reply: ApiReply) => number;
}

async function prepare({ request, by, isDirect }: Case): Promise<Made> {
  const scene = await newScene();
  const [method, path, body] = request(scene);
  const key = { "idempotency-key": `replay-${people}` };
  return {
    scene,
    by: by?.(scene) ?? scene.ada,
    send: (person, at = elsewhere.as(person)) => at[method](path, body, key),
    another: (person) => elsewhere.as(person)[method](path, { ...body, title: "Other" }, key),
    statusOf: ({ status }) => (isDirect && status === 200 ? 201 : status),
  };
}

const cases = Object.entries(CASES).flatMap(([route, list]) =>
  list.map((one, index) => [route, index, one] as const),
);

test.each(sweep(cases))("%s (%i), repeated at once, is made once", async (_, __, one) => {
  const { by, send, statusOf } = await prepare(one);
  const replies = await Promise.all([send(by), send(by, by.api), send(by), send(by, by.api)]);
  expect(new Set(replies.map(statusOf)).size).toBe(1);
  expect(new Set(replies.map(nameOf)).size).toBe(1);
});

/** What happens before the request is repeated; returns who repeats it. */
const WAYS: Readonly<Record<string, (one: Case, made: Made) => Promise<Person>>> = {
  async "when what it refers to is gone"({ gone }, { scene, by }) {
    await gone?.(scene);
    return by;
  },
  async "after leaving"({ leave }, { scene, by }) {
    await leave?.(scene);
    return by;
  },
  "after losing the role": (_, { scene, by }) => loseRole(scene, by),
};

const runs = cases.flatMap(([route, index, one]) =>
  Object.entries(WAYS).map(([name, way]) => [route, index, name, one, way] as const),
);

test.each(sweep(runs))("%s (%i), %s, is answered as it was first", async (_, __, ___, one, way) => {
  const made = await prepare(one);
  const first = await made.send(made.by);
  expect(first.status).toBeLessThan(300);
  await system.settle();
  const again = await way(one, made);
  await system.settle();
  const second = await made.send(again);
  expect(made.statusOf(second)).toBe(made.statusOf(first));
  expect(nameOf(second)).toEqual(nameOf(first));
});

const keyed = cases.filter(([route, , { isDirect }]) => !isDirect && !route.endsWith("/answer"));

test.each(keyed)("%s (%i): another request under the same key is refused", async (_, __, one) => {
  const { by, send, another } = await prepare(one);
  await send(by);
  expect((await another(by)).status).toBeGreaterThanOrEqual(400);
});

test("every route that takes a key from people is here", () => {
  const routes = endpoints
    .filter(({ idempotent, access }) => idempotent === true && access !== "anyone" && access !== "operator")
    .map(({ method, path }) => `${method} ${path.replace("/v1/apps/{app}", app)}`);
  expect(Object.keys(CASES).sort()).toEqual(routes.sort());
});
