import { beforeAll, describe, expect, test } from "vitest";
import { rightsOf } from "../../../shared/identity/permissions.ts";
import { SETTING_RIGHTS, type Setting } from "../../../shared/identity/settings-rights.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

/** Who may set and see what of an app: each row of the table, tried by each role. */

const path = "/v1/apps/demo";
const ROLES = ["owner", "admin", "member", "viewer"] as const;

/** A change of each setting that changes nothing for the other tests. */
const CHANGES: Readonly<Record<Setting, object>> = {
  name: { name: "demo" },
  limits: { settings: { limits: { ipPerMinute: 100_000 } } },
  allowedOrigins: { settings: { allowedOrigins: ["https://app.example.com"] } },
  retention: { settings: { retention: { chatsDays: null } } },
  claims: { settings: { claims: { role: null } } },
  models: { settings: { models: [] } },
  assistant: { settings: { assistant: { systemPrompt: "Keep this to yourself." } } },
  secondFactor: { settings: { secondFactor: "optional" } },
  notifications: { settings: { notifications: { text: true } } },
  registration: { settings: { registration: { mode: "open", domains: ["example.com"] } } },
  directory: { settings: { directory: "everyone" } },
  contact: { settings: { contact: "anyone" } },
  history: { settings: { history: "none" } },
  moderation: { settings: { moderation: { mode: "after" } } },
  files: { settings: { files: { bytesMax: 1_000_000 } } },
};

const people = new Map<string, Person>();
const system = useSystem();
beforeAll(async () => {
  for (const role of ROLES) {
    people.set(role, await system.signInAs(role));
  }
});

const by = (role: string): Person => {
  const person = people.get(role);
  if (person === undefined) throw new Error("Nobody has this role.");
  return person;
};

const rows = Object.entries(SETTING_RIGHTS) as [Setting, (typeof SETTING_RIGHTS)[Setting]][];

test.each(rows)(
  "%s is set by those who hold its permission, and by nobody else",
  async (setting, { set }) => {
    for (const role of ROLES) {
      const before = await system.deps.firestore.doc("apps/demo").get();
      const { status } = await by(role).api.patch(path, CHANGES[setting]);
      expect([role, status]).toEqual([role, rightsOf(role).has(set) ? 200 : 403]);
      if (status === 200) continue;
      expect((await system.deps.firestore.doc("apps/demo").get()).updateTime).toEqual(before.updateTime);
    }
    expect((await system.operator.patch(path, CHANGES[setting])).status).toBe(200);
  },
);

test.each(rows)("%s together with what an admin may set is refused as a whole", async (setting, { set }) => {
  const { settings = {}, ...own } = CHANGES[setting] as { settings?: object };
  const change = { name: "Renamed", ...own, settings: { ...settings, models: ["slip-in"] } };
  const { status } = await by("admin").api.patch(path, change);
  const isRefused = set === "app:secure";
  expect(status).toBe(isRefused ? 403 : 200);
  const { body } = await system.operator.get(path);
  expect(body.settings.models).toEqual(isRefused ? [] : ["slip-in"]);
  await system.operator.patch(path, { name: "demo", settings: { models: [] } });
});

test.each(rows)("%s is seen by those the table names", async (setting, { see }) => {
  for (const role of ROLES) {
    const { body } = await by(role).api.get(path);
    const shown = setting === "name" ? Object.hasOwn(body, "name") : Object.hasOwn(body.settings, setting);
    expect([role, shown]).toEqual([role, rightsOf(role).has(see)]);
  }
});

test("members and viewers see of limits and registration what clients need, and of the rest nothing", async () => {
  for (const role of ["member", "viewer"]) {
    const { body } = await by(role).api.get(path);
    expect(body.settings.limits).toEqual({ personPerMinute: null });
    expect(body.settings.registration).toEqual({ mode: "open", guests: false });
    expect(Object.keys(body).sort()).toEqual(["createdAt", "id", "name", "settings"]);
    expect(JSON.stringify(body)).not.toMatch(/Keep this|prices|budgets|claims|example\.com/);
  }
  const { body: change } = await by("admin").api.patch(path, { name: "demo" });
  expect(change.settings.claims).toBeUndefined();
});

test("an API token sees and sets what its scopes name", async () => {
  const mint = async (scopes?: string[]) => {
    const { body } = await system.operator.post(`${path}/tokens`, scopes === undefined ? {} : { scopes });
    return system.client({ authorization: `Bearer ${body.token}` });
  };
  const plain = await mint();
  expect((await plain.get(path)).body.settings.assistant).toBeUndefined();
  expect((await plain.patch(path, { name: "demo" })).status).toBe(403);
  const changer = await mint(["app:read", "app:change"]);
  expect((await changer.get(path)).body.settings.assistant.systemPrompt).toBe("Keep this to yourself.");
  expect((await changer.patch(path, { name: "demo" })).status).toBe(200);
  expect((await changer.patch(path, CHANGES.claims)).status).toBe(403);
});

describe("allowedOrigins", () => {
  const patch = (origin: string) => by("owner").api.patch(path, { settings: { allowedOrigins: [origin] } });

  test.each([
    "https://app.example.com",
    "https://app.example.com:8443",
    "http://localhost:5173",
    "http://localhost",
    "http://127.0.0.1:3000",
    "http://[::1]:3000",
  ])("takes %s", async (origin) => expect((await patch(origin)).status).toBe(200));

  test.each([
    "*",
    "https://*",
    "https://*.example.com",
    "http://app.example.com",
    "http://localhost.example.com",
    "https://app.example.com/",
    "https://app.example.com/path",
    "https://user@app.example.com",
    "https://APP.example.com",
    "https://app.example.com:443",
    "null",
    "file://",
    "javascript:alert(1)",
    "",
  ])("refuses %j", async (origin) => expect((await patch(origin)).status).toBe(400));

  test("says why a * is refused", async () => {
    const { body } = await patch("https://*.example.com");
    expect(body.errors[0]).toMatchObject({ path: "settings.allowedOrigins.0" });
    expect(body.errors[0].message).toMatch(/\*/);
  });
});

test("a page over https is not the API's own when that is over http, nor on another port", async () => {
  const own = new URL(system.url);
  const post = (origin: string) =>
    by("member").api.post("/v1/apps/demo/chats", { kind: "group" }, { origin });
  expect((await post(own.origin)).status).toBe(201);
  expect((await post(`https://${own.host}`)).status).toBe(403);
  expect((await post(`http://${own.hostname}:1`)).status).toBe(403);
});
