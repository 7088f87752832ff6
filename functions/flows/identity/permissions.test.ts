import { beforeAll, describe, expect, test } from "vitest";
import type { Role } from "../../../shared/identity/contract.ts";
import { PERMISSIONS, type Permission } from "../../../shared/identity/permissions.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { endpoints } from "../../http/endpoints.ts";
import type { Endpoint } from "../../runtime/endpoint.ts";

/**
 * The sweep over every route and role: what the permission table says is what the API does, and a refusal
 * leaves nothing behind. What callers of other apps and non-members get is in isolation.test.ts.
 */

const tokens = new Map<Role, string>();
const members: string[] = [];
/** Someone else's: nobody below is a member of it. */
const FOREIGN = { chat: "1", message: "1" };
let target = FOREIGN;

const system = useSystem();
const [subject] = usePeople(system, "subject@example.test");
beforeAll(async () => {
  await giveRoles();
  tokens.set("service", (await system.operator.post("/v1/apps/demo/tokens")).body.token);
  await subject.api.post("/v1/apps/demo/chats", { kind: "group", title: "Private" });
  await subject.api.post("/v1/apps/demo/chats/1/messages", { text: "Private" });
  await system.settle();
});

const name = ({ method, path }: Endpoint): string => `${method} ${path}`;
const fill: Readonly<Record<string, () => string>> = {
  app: () => "demo",
  chat: () => target.chat,
  message: () => target.message,
  id: () => subject.session.sessionId,
  user: () => subject.id,
  emoji: () => "%F0%9F%91%8D",
};
const pathOf = ({ path }: Endpoint): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => (fill[parameter] ?? (() => "1"))());

async function giveRoles(): Promise<void> {
  members.length = 0;
  for (const role of ["viewer", "member", "admin", "owner"] as const) {
    const { id, session } = await system.signInAs(role);
    members.push(id);
    tokens.set(role, session.accessToken);
  }
}

async function signInAs(role: Role): Promise<void> {
  const { session } = await system.signIn(`${role}@example.test`);
  tokens.set(role, session.accessToken);
}

/** A new chat of everyone, made and written in by whoever calls, if they may. */
async function makeChatWith(role: Role): Promise<void> {
  const by =
    role === "viewer" ? system.operator : system.client({ authorization: `Bearer ${tokens.get(role)}` });
  const { body: chat } = await by.post("/v1/apps/demo/chats", { kind: "group", members });
  const { status, body } = await by.post(`/v1/apps/demo/chats/${chat.number}/messages`, { text: "Mine" });
  expect(status).toBe(201);
  target = { chat: String(chat.number), message: String(body.number) };
}

async function statusFor(endpoint: Endpoint, role: Role): Promise<number> {
  const hasBody = endpoint.body !== undefined;
  const answer = await fetch(`${system.url}${pathOf(endpoint)}`, {
    method: endpoint.method,
    headers: {
      authorization: `Bearer ${tokens.get(role)}`,
      ...(hasBody ? { "content-type": "application/json" } : {}),
    },
    ...(hasBody ? { body: "{}" } : {}),
    signal: AbortSignal.timeout(10_000),
  });
  await answer.body?.cancel();
  return answer.status;
}

const isPermission = (access: string): access is Permission => Object.hasOwn(PERMISSIONS, access);
const roles: readonly Role[] = ["viewer", "member", "admin", "owner", "service"];
const guarded = endpoints.flatMap((endpoint) =>
  isPermission(endpoint.access)
    ? roles
        .filter((role) => !(PERMISSIONS[endpoint.access as Permission] as readonly Role[]).includes(role))
        .map((role) => [name(endpoint), role, endpoint] as const)
    : [],
);

test.each(guarded)("%s is forbidden to a %s, and nothing moves", async (_, role, endpoint) => {
  target = FOREIGN;
  const cost = await system.meter(async () => expect(await statusFor(endpoint, role)).toBe(403));
  expect(cost.billed).toMatchObject({ writes: 0, deletes: 0 });
  expect([cost.publishes, cost.tasks]).toEqual([0, 0]);
});

const ofOperator = endpoints.filter(({ access }) => access === "operator");

test.each(ofOperator.map((endpoint) => [name(endpoint), endpoint] as const))(
  "%s takes nobody's token but the operator's key",
  async (_, endpoint) => {
    const cost = await system.meter(async () => {
      for (const role of roles) expect(await statusFor(endpoint, role)).toBe(401);
    });
    expect(cost.billed).toEqual({ reads: 0, writes: 0, deletes: 0 });
  },
);

test("nobody gives or takes a role above their own, by any field of any body", async () => {
  const as = (role: Role) => system.client({ authorization: `Bearer ${tokens.get(role)}` });
  const path = `/v1/apps/demo/users/${subject.id}`;
  expect((await as("admin").patch(path, { role: "owner" })).status).toBe(403);
  expect((await as("admin").patch(path, { role: "service" })).status).toBe(400);
  expect((await as("admin").patch(path, { role: "admin", status: "root" })).status).toBe(400);
  for (const extra of [{ role: "admin" }, { id: "x" }, { email: "a@example.test" }, { userId: "x" }]) {
    expect((await as("member").patch("/v1/apps/demo/me", { name: "Me", ...extra })).status).toBe(400);
  }
  const { body } = await as("owner").get("/v1/apps/demo/users");
  const owner = body.data.find(({ role }: { role: Role }) => role === "owner");
  expect((await as("admin").patch(`/v1/apps/demo/users/${owner.id}`, { role: "viewer" })).status).toBe(403);
  const last = await as("owner").patch(`/v1/apps/demo/users/${owner.id}`, { role: "admin" });
  expect([last.status, last.body.code]).toEqual([409, "conflict"]);
  expect((await as("owner").patch(path, { role: "owner" })).status).toBe(200);
  const both = [owner.id, subject.id].map((id) =>
    system.operator.patch(`/v1/apps/demo/users/${id}`, { role: "member" }),
  );
  expect((await Promise.all(both)).map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 409]);
});

/** Ends what later calls need, so it comes last: sessions, then the app. */
const lateness = ({ method, path }: Endpoint): number =>
  method === "DELETE" && path === "/v1/apps/{app}" ? 2 : path.includes("/auth/sessions") ? 1 : 0;
const granted = endpoints
  .toSorted((a, b) => lateness(a) - lateness(b))
  .flatMap((endpoint) =>
    isPermission(endpoint.access)
      ? PERMISSIONS[endpoint.access].map((role) => [name(endpoint), role, endpoint] as const)
      : [],
  );

describe("with the permission", () => {
  beforeAll(giveRoles);

  test.each(granted)("%s is open to a %s", async (_, role, endpoint) => {
    if (endpoint.path.includes("{chat}")) await makeChatWith(role);
    if (lateness(endpoint) > 0 && role !== "service") await signInAs(role);
    expect([401, 403, 500, 501]).not.toContain(await statusFor(endpoint, role));
  });

  test("every endpoint says who may call it, in words that there are", () => {
    for (const { access } of endpoints) {
      expect(access === "anyone" || access === "operator" || isPermission(access)).toBe(true);
    }
  });
});
