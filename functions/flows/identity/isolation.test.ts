import { beforeAll, expect, test } from "vitest";
import { holds, type Permission } from "../../../shared/identity/permissions.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { endpoints } from "../../http/endpoints.ts";
import type { Endpoint } from "../../runtime/endpoint.ts";

let stranger: Person;
let other: { id: string; token: string };
let path: (endpoint: Endpoint) => string;

const system = useSystem({ instances: 1 });
const [ada, nonMember] = usePeople(system, "ada@example.test", "eve@example.test");
beforeAll(async () => {
  other = await system.createApp("Other");
  stranger = await system.signIn("stranger@example.test", other.id);
  const { body: chat } = await ada.api.post("/v1/apps/demo/chats", { kind: "group", title: "Private" });
  await ada.api.post(`/v1/apps/demo/chats/${chat.number}/messages`, { text: "Private" });
  await system.settle();
  // From here on both functions that serve the API know the app.
  await system.client().get("/v1/apps/demo/events?ticket=none");
  path = (endpoint) =>
    endpoint.path
      .replace("{app}", "demo")
      .replace("{chat}", chat.number)
      .replace("{message}", "1")
      .replace("{emoji}", encodeURIComponent("👍"))
      .replace("{user}", ada.id)
      .replace("{id}", endpoint.path.includes("/sessions/") ? ada.session.sessionId : ada.id);
});

const inApp = endpoints.filter(({ access }) => access !== "anyone" && access !== "operator");
const inChat = inApp.filter((endpoint) => endpoint.path.includes("{chat}"));
const name = (endpoint: Endpoint): string => `${endpoint.method} ${endpoint.path}`;

/** A body that the endpoint would take, so that only the caller is wrong. */
const bodies: Readonly<Record<string, object>> = {
  "POST /v1/apps/{app}/chats": { kind: "group" },
  "PATCH /v1/apps/{app}/chats/{chat}": { title: "Taken over" },
  "POST /v1/apps/{app}/chats/{chat}/forks": { at: 1 },
  "PUT /v1/apps/{app}/chats/{chat}/branch": { branch: "main" },
  "PUT /v1/apps/{app}/chats/{chat}/read": { number: 1 },
  "POST /v1/apps/{app}/chats/{chat}/messages": { text: "Intruder" },
  "PATCH /v1/apps/{app}/chats/{chat}/messages/{message}": { text: "Rewritten" },
  "PUT /v1/apps/{app}/chats/{chat}/messages/{message}/feedback": { value: "up" },
  "PATCH /v1/apps/{app}/chats/{chat}/scheduled/{id}": { text: "Rewritten" },
  "PUT /v1/apps/{app}/chats/{chat}/mute": { until: null },
  "PUT /v1/apps/{app}/chats/{chat}/draft": { text: "Begun" },
  "PUT /v1/apps/{app}/chats/{chat}/members/{user}/role": { role: "admin" },
  "PUT /v1/apps/{app}/chats/{chat}/messages/{message}/thread/read": { number: 1 },
  "PUT /v1/apps/{app}/notifications/read": { through: "1.1" },
  "PUT /v1/apps/{app}/devices/{id}": { pushToken: "token" },
  "PATCH /v1/apps/{app}/me": { name: "Someone else" },
};

async function call(
  endpoint: Endpoint,
  token: string | undefined,
): Promise<{ status: number; body: unknown }> {
  const client = system.client(token === undefined ? {} : { authorization: `Bearer ${token}` });
  const body = bodies[name(endpoint).replace("/999999", "/{chat}")];
  switch (endpoint.method) {
    case "GET":
      return client.get(path(endpoint));
    case "DELETE":
      return client.delete(path(endpoint));
    case "POST":
      return client.post(path(endpoint), body);
    case "PUT":
      return client.put(path(endpoint), body);
    case "PATCH":
      return client.patch(path(endpoint), body);
  }
}

test.each(inApp.map((endpoint) => [name(endpoint), endpoint] as const))(
  "%s refuses the anonymous and people and servers of other apps, and moves nothing",
  async (_, endpoint) => {
    const cost = await system.meter(async () => {
      for (const token of [undefined, stranger.session.accessToken, other.token]) {
        expect((await call(endpoint, token)).status).toBe(401);
      }
    });
    expect(cost.billed).toEqual({ reads: 0, writes: 0, deletes: 0 });
  },
);

test.each(inChat.map((endpoint) => [name(endpoint), endpoint] as const))(
  "%s looks the same to a non-member whether the chat exists or not",
  async (_, endpoint) => {
    const cost = await system.meter(async () => {
      const existing = await call(endpoint, nonMember.session.accessToken);
      const absent = await call(
        { ...endpoint, path: endpoint.path.replace("{chat}", "999999") },
        nonMember.session.accessToken,
      );
      expect([existing.status, absent.status]).toEqual([404, 404]);
      const bare = ({ body }: { body: unknown }) => ({ ...(body as object), instance: "", requestId: "" });
      expect(bare(existing)).toEqual(bare(absent));
    });
    expect(cost.billed.writes + cost.billed.deletes).toBe(0);
  },
);

test("every endpoint names who may call it", () => {
  for (const { access } of inApp) {
    expect(holds({ role: "owner" }, access as Permission)).toBe(true);
  }
});
