import { describe, expect, test } from "vitest";
import { createAbsences, ABSENCES_MAX, ABSENT_MS } from "../../../shared/identity/absences.ts";
import { startSystem } from "../../../shared/testing/start-system.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { ADDRESSES_MAX, createGate } from "../../runtime/gate.ts";

/** What somebody without credentials costs: after the first request for the same thing, nothing. */
const system = useSystem({ instances: 1 });
const [ada] = usePeople(system, "ada@unproved.test");

const AGAIN = 20;
const preflight = (path: string, origin = "https://evil.example"): Promise<Response> =>
  fetch(`${system.url}${path}`, {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST" },
  });

describe("for an app that is not there", () => {
  test.each<[string, (app: string) => Promise<unknown>]>([
    ["a preflight", (app) => preflight(`/v1/apps/${app}/chats`)],
    ["a request without credentials", (app) => system.client().get(`/v1/apps/${app}/chats`)],
    [
      "a request of another origin",
      (app) => system.client({ origin: "https://evil.example" }).post(`/v1/apps/${app}/chats`, {}),
    ],
    [
      "a request for a code",
      (app) => system.client().post(`/v1/apps/${app}/auth/codes`, { email: "a@b.test" }),
    ],
    [
      "a sign-in",
      (app) => system.client().post(`/v1/apps/${app}/auth/sessions`, { challenge: "x", code: "123456" }),
    ],
    [
      "a token of another app",
      (app) =>
        system.client({ authorization: `Bearer ${ada.session.accessToken}` }).get(`/v1/apps/${app}/me`),
    ],
    [
      "an API token made up",
      (app) =>
        system
          .client({ authorization: `Bearer sbk_${app}_${"a".repeat(26)}_${"b".repeat(43)}` })
          .get(`/v1/apps/${app}`),
    ],
  ])("%s costs nothing once it is known that there is none", async (name, ask) => {
    const app = `absent-${name.replaceAll(/[^a-z]/g, "")}`;
    await ask(app);
    const cost = await system.meterRequest(async () => {
      for (let at = 0; at < AGAIN; at += 1) await ask(app);
    });
    expect(cost.billed).toEqual({ reads: 0, writes: 0, deletes: 0 });
  });

  test("it is found at once when this instance makes it", async () => {
    expect((await system.client().get("/v1/apps/soon/chats")).status).toBe(401);
    expect((await preflight("/v1/apps/soon/chats")).status).toBe(204);
    await system.operator.post("/v1/apps", { name: "Soon", id: "soon" });
    const bob = await system.signIn("bob@unproved.test", "soon");
    expect((await bob.api.get("/v1/apps/soon/chats")).status).toBe(200);
  });
});

test("an API token that is none costs one read, and then nothing", async () => {
  const token = `sbk_demo_${"c".repeat(26)}_${"d".repeat(43)}`;
  const ask = () => system.client({ authorization: `Bearer ${token}` }).get("/v1/apps/demo");
  const first = await system.meterRequest(ask);
  expect(first.billed.reads).toBe(1);
  const again = await system.meterRequest(async () => {
    for (let at = 0; at < AGAIN; at += 1) expect((await ask()).status).toBe(401);
  });
  expect(again.billed.reads).toBe(0);
});

test("a person who is not there costs one read, and then nothing", async () => {
  const ask = () => ada.api.get("/v1/apps/demo/users/nobody-at-all");
  expect((await system.meterRequest(ask)).billed.reads).toBe(1);
  const again = await system.meterRequest(async () => {
    for (let at = 0; at < AGAIN; at += 1) expect((await ask()).status).toBe(404);
  });
  expect(again.billed.reads).toBe(0);
});

test("forged access tokens, refresh tokens and tickets cost nothing at all", async () => {
  // From here on both functions that serve the API know the app.
  await system.client().get("/v1/apps/demo/events?ticket=none");
  const cost = await system.meterRequest(async () => {
    for (const token of [
      "a.b.c",
      `${ada.session.accessToken}x`,
      `sbr_${"a".repeat(26)}_0_${"b".repeat(43)}`,
    ]) {
      const client = system.client({ authorization: `Bearer ${token}` });
      expect((await client.get("/v1/apps/demo/me")).status).toBe(401);
      const refresh = { refreshToken: token };
      const refreshed = await system.client().post("/v1/apps/demo/auth/refresh", refresh);
      // What is too long to be one is not even looked into.
      expect(refreshed.status).toBe(token.length > 200 ? 400 : 401);
      expect((await system.client().get(`/v1/apps/demo/events?ticket=${token}`)).status).toBe(401);
    }
  });
  expect(cost.billed.reads).toBe(0);
});

describe("the gate", () => {
  test("refuses an address before the first read, OPTIONS included, and lets those in who prove themselves", async () => {
    await using strict = await startSystem({ instances: 1, env: { UNPROVED_PER_MINUTE: "30" } });
    const bob = await strict.signIn("bob@unproved.test");
    const statuses: number[] = [];
    for (let at = 0; at < 40; at += 1) {
      const response = await fetch(`${strict.url}/v1/apps/other-${at}/chats`, {
        method: "OPTIONS",
        headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
      });
      statuses.push(response.status);
    }
    expect(statuses.filter((status) => status === 204).length).toBeLessThanOrEqual(30);
    const cost = await strict.meterRequest(async () => {
      for (const path of ["/v1/apps/new/chats", "/v1/apps/demo/me", "/v1/apps/demo/auth/codes"]) {
        const refused = await strict.client().post(path, {});
        expect([refused.status, refused.body.code ?? ""]).toEqual(
          path.endsWith("/me") ? [405, "method_not_allowed"] : [429, "quota_exceeded"],
        );
      }
      const token = `Bearer sbk_demo_${"e".repeat(26)}_${"f".repeat(43)}`;
      const refused = await strict.client({ authorization: token }).get("/v1/apps/demo");
      expect([refused.status, refused.body.violatedPolicies]).toEqual([429, ["unproved"]]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    });
    expect(cost.billed.reads).toBe(0);
    expect((await bob.api.get("/v1/apps/demo/me")).status).toBe(200);
    strict.suite.kernel.clock.advance(120_000);
    expect((await strict.client().get("/v1/apps/demo/me")).status).toBe(401);
  });

  test("counts each address, a household of IPv6 as one, and remembers so many", () => {
    let nowMs = 1_000_000;
    const gate = createGate({ now: () => nowMs }, 2);
    const passes = (ip: string): boolean => {
      try {
        gate.pass(ip);
        return true;
      } catch {
        return false;
      }
    };
    expect([passes("192.0.2.1"), passes("192.0.2.1"), passes("192.0.2.1")]).toEqual([true, true, false]);
    expect([passes("2001:db8::1"), passes("2001:db8::2"), passes("2001:db8::3")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(passes("192.0.2.2")).toBe(true);
    // A third of a minute later most of it still counts, two minutes later nothing.
    nowMs += 70_000;
    expect(passes("192.0.2.1")).toBe(true);
    nowMs += 180_000;
    expect([passes("192.0.2.1"), passes("192.0.2.1"), passes("192.0.2.1")]).toEqual([true, true, false]);
    for (let at = 0; at <= ADDRESSES_MAX; at += 1) passes(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`);
    expect(passes("192.0.2.1")).toBe(true);
  });
});

test("absences are bounded in number and time", () => {
  let nowMs = 0;
  const absences = createAbsences({ now: () => nowMs });
  for (let at = 0; at <= ABSENCES_MAX; at += 1) absences.note(String(at));
  expect([absences.has("0"), absences.has("1")]).toEqual([false, true]);
  absences.forget("1");
  expect(absences.has("1")).toBe(false);
  nowMs += ABSENT_MS;
  expect(absences.has("2")).toBe(false);
});
