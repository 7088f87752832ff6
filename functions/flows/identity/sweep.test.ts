import { beforeAll, expect, test, vi } from "vitest";
import {
  isPermission,
  PERMISSIONS,
  type Permission,
  rightsOf,
} from "../../../shared/identity/permissions.ts";
import type { DocumentReference } from "../../../shared/platform/firestore.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";
import { endpoints } from "../../http/endpoints.ts";
import type { Endpoint } from "../../runtime/endpoint.ts";

/**
 * Every route of an app, called by everybody whom it is to refuse: the status is the one that the permission
 * table says, and every document of the app is afterwards what it was before, byte for byte.
 */

const ROLES = ["owner", "admin", "member", "viewer"] as const;

let dump: string;
let chat: number;
/** What each caller sends in place of credentials. */
const callers = new Map<string, Record<string, string>>();
const scopeless = new Map<Permission, Record<string, string>>();

const system = useSystem({ instances: 1 });
beforeAll(async () => {
  const ada = await system.signIn("ada@example.test");
  const eve = await system.signIn("eve@example.test");
  ({
    body: { number: chat },
  } = await ada.api.post("/v1/apps/demo/chats", { kind: "direct", members: [eve.id] }));
  for (const by of [ada, eve]) await by.api.post(`/v1/apps/demo/chats/${chat}/messages`, { text: "Private" });
  await ada.api.put(`/v1/apps/demo/me/blocks/${eve.id}`);
  const other = await system.createApp("Other");
  callers.set("nobody", {});
  callers.set("a person of another app", bearer(await system.signIn("stranger@example.test", other.id)));
  callers.set("a server of another app", { authorization: `Bearer ${other.token}` });
  callers.set("somebody who is blocked", bearer(eve));
  for (const role of ROLES) callers.set(role, bearer(await system.signInAs(role)));
  const disabled = await system.signInAs("owner", "disabled@example.test");
  callers.set("somebody who is disabled", bearer(disabled));
  const removed = await system.signInAs("owner", "removed@example.test");
  callers.set("somebody who was removed", bearer(removed));
  for (const scope of ["usage:read", "rollout:read"] as const) scopeless.set(scope, await tokenWith([scope]));
  const viewer = await system.signIn("viewer@example.test");
  const acting = { ...(await tokenWith(["*"])), "x-acting-for": viewer.id };
  callers.set("a server acting for a viewer", acting);
  // The first time in the hour is written down.
  await system.client(acting).get("/v1/apps/demo/me");
  await system.operator.put(`/v1/apps/demo/users/${disabled.id}/disabled`);
  await system.operator.delete(`/v1/apps/demo/users/${removed.id}`);
  for (const person of [disabled, removed]) {
    const isOut = async () => (await person.api.get("/v1/apps/demo/me")).status === 401;
    await vi.waitUntil(isOut, { timeout: 20_000 });
  }
  await system.settle();
  dump = await dumpOf(system.deps.firestore.doc("apps/demo"));
});

const bearer = ({ session }: Person) => ({ authorization: `Bearer ${session.accessToken}` });

async function tokenWith(scopes: string[]): Promise<Record<string, string>> {
  const { body } = await system.operator.post("/v1/apps/demo/tokens", { scopes });
  const headers = { authorization: `Bearer ${body.token}` };
  // Its first use is noted.
  await system.client(headers).get("/v1/apps/demo");
  return headers;
}

/** Only these have something below their documents. */
const DEEP: ReadonlySet<string> = new Set(["chats", "messages"]);

/** Everything at and below a document. */
async function dumpOf(ref: DocumentReference): Promise<string> {
  const [found, collections] = await Promise.all([ref.get(), ref.listCollections()]);
  const below = await Promise.all(
    collections.map(async (collection) =>
      DEEP.has(collection.id)
        ? Promise.all((await collection.listDocuments()).map(dumpOf))
        : (await collection.get()).docs.map((document) => [
            document.ref.path,
            document.data(),
            document.updateTime,
          ]),
    ),
  );
  return JSON.stringify([ref.path, found.data(), found.updateTime, below]);
}

const fill: Readonly<Record<string, () => string>> = {
  app: () => "demo",
  chat: () => String(chat),
  message: () => "1",
  emoji: () => "%F0%9F%91%8D",
};

async function statusOf(endpoint: Endpoint, headers: Record<string, string>): Promise<number> {
  const path = endpoint.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => fill[name]?.() ?? "x".repeat(26));
  const hasBody = endpoint.body !== undefined;
  const response = await fetch(`${system.url}${path}`, {
    method: endpoint.method,
    headers: { ...headers, ...(hasBody ? { "content-type": "application/json" } : {}) },
    ...(hasBody ? { body: JSON.stringify({ text: "Intruder" }) } : {}),
  });
  await response.body?.cancel();
  return response.status;
}

const UNKNOWN = [
  "nobody",
  "a person of another app",
  "a server of another app",
  "somebody who is disabled",
  "somebody who was removed",
];

/** What somebody writes in a direct chat with who has blocked them. */
const WRITES = ["POST …/messages", "POST …/typing", "PATCH …/messages/{message}"];
const isWrite = ({ method, path }: Endpoint): boolean =>
  WRITES.includes(`${method} ${path.replace("/v1/apps/{app}/chats/{chat}", "…")}`) ||
  path.endsWith("/reactions/{emoji}");

/** Who is to be refused, and how; by the table. */
function refusals(endpoint: Endpoint, access: Permission): [caller: string, status: number][] {
  const roles = ROLES.filter((role) => !rightsOf(role).has(access));
  const isActingRefused =
    endpoint.own === true || access === "session:end" || !rightsOf("viewer").has(access);
  return [
    ...UNKNOWN.map((caller): [string, number] => [caller, 401]),
    ...roles.map((role): [string, number] => [role, 403]),
    ...(isActingRefused ? ([["a server acting for a viewer", 403]] as [string, number][]) : []),
    ...(isWrite(endpoint) ? ([["somebody who is blocked", 404]] as [string, number][]) : []),
  ];
}

const guarded = endpoints.flatMap((endpoint) =>
  isPermission(endpoint.access)
    ? [[`${endpoint.method} ${endpoint.path}`, endpoint, endpoint.access] as const]
    : [],
);

test.each(guarded)("%s refuses whom the table refuses, and nothing moves", async (_, endpoint, access) => {
  for (const [caller, status] of refusals(endpoint, access)) {
    expect([caller, await statusOf(endpoint, callers.get(caller) ?? {})]).toEqual([caller, status]);
  }
  const other = access === "usage:read" ? "rollout:read" : "usage:read";
  expect(await statusOf(endpoint, scopeless.get(other) ?? {})).toBe(403);
  expect(await dumpOf(system.deps.firestore.doc("apps/demo"))).toBe(dump);
});

test("the sweep knows every permission, and each is needed by some route or asked for by a rule", () => {
  const used = new Set<string>(guarded.map(([, , access]) => access));
  const byRules = ["app:export", "token:any", "chat:any", "message:write-as", "message:delete-any"];
  expect(Object.keys(PERMISSIONS).filter((name) => !used.has(name))).toEqual(
    Object.keys(PERMISSIONS).filter((name) => byRules.includes(name)),
  );
});
