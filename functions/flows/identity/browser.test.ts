import { beforeAll, describe, expect, test } from "vitest";
import { readCode } from "../../../shared/testing/start-system.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

const auth = "/v1/apps/demo/auth";
const PAGE = "https://app.example.com";
const EVIL = "https://evil.example.com";

let own: string;
const system = useSystem();
beforeAll(async () => {
  own = new URL(system.url).origin;
  await system.operator.patch("/v1/apps/demo", { settings: { allowedOrigins: [PAGE] } });
});

interface BrowserSession {
  readonly cookie: string;
  readonly attributes: readonly string[];
  readonly csrfToken: string;
  readonly accessToken: string;
}

async function signInBrowser(email: string): Promise<BrowserSession> {
  const { body: sent } = await system.client().post(`${auth}/codes`, { email });
  await system.settle();
  const credentials = { challenge: sent.challenge, code: readCode(system, email), transport: "cookie" };
  const { status, body, headers } = await system
    .client({ origin: own })
    .post(`${auth}/sessions`, credentials);
  expect(status).toBe(201);
  expect(body.refreshToken).toBeUndefined();
  const [cookie = "", ...attributes] = (headers.get("set-cookie") ?? "").split("; ");
  return { cookie, attributes, csrfToken: body.csrfToken, accessToken: body.accessToken };
}

const refresh = (headers: Record<string, string>) => system.client(headers).post(`${auth}/refresh`, {});

describe("the cookie", () => {
  test("is out of reach for scripts, other sites and other apps", async () => {
    const { cookie, attributes } = await signInBrowser("flags@example.test");
    expect(cookie).toMatch(/^__session=sbr_/);
    expect(attributes).toEqual(
      expect.arrayContaining(["HttpOnly", "Secure", "SameSite=Strict", "Path=/v1/apps/demo/auth"]),
    );
  });

  test("refreshes with CSRF token and Origin, and is rotated", async () => {
    const { cookie, csrfToken } = await signInBrowser("rotate@example.test");
    const first = await refresh({ cookie, origin: own, "x-csrf-token": csrfToken });
    expect(first.status).toBe(200);
    expect(first.body.refreshToken).toBeUndefined();
    const next = (first.headers.get("set-cookie") ?? "").split("; ")[0] ?? "";
    expect(next).not.toBe(cookie);
    const second = await refresh({ cookie: next, origin: PAGE, "x-csrf-token": first.body.csrfToken });
    expect(second.status).toBe(200);
  });

  test("is worth nothing without CSRF token, with another's, without Origin, or from a foreign one", async () => {
    const { cookie, csrfToken } = await signInBrowser("csrf@example.test");
    const other = await signInBrowser("other@example.test");
    const attempts = [
      { cookie, origin: own },
      { cookie, origin: own, "x-csrf-token": "" },
      { cookie, origin: own, "x-csrf-token": other.csrfToken },
      { cookie, "x-csrf-token": csrfToken },
      { cookie, origin: EVIL, "x-csrf-token": csrfToken },
      { cookie, origin: "null", "x-csrf-token": csrfToken },
      { cookie, origin: `${own}.evil.example`, "x-csrf-token": csrfToken },
    ];
    for (const headers of attempts) expect((await refresh(headers)).status).toBe(403);
    const planted = `${cookie}; ${other.cookie}`;
    expect((await refresh({ cookie: planted, origin: own, "x-csrf-token": csrfToken })).status).toBe(401);
    expect((await refresh({ cookie, origin: own, "x-csrf-token": csrfToken })).status).toBe(200);
  });

  test("goes with the sign-out", async () => {
    const { cookie, csrfToken, accessToken } = await signInBrowser("leave@example.test");
    const { status, headers } = await system
      .client({ cookie, authorization: `Bearer ${accessToken}`, origin: own })
      .delete(`${auth}/sessions/current`);
    expect(status).toBe(204);
    expect(headers.get("set-cookie")).toMatch(/^__session=; .*Max-Age=0/);
    expect((await refresh({ cookie, origin: own, "x-csrf-token": csrfToken })).status).toBe(401);
  });

  test("authenticates no other route", async () => {
    const { cookie } = await signInBrowser("only@example.test");
    expect((await system.client({ cookie, origin: own }).get("/v1/apps/demo/me")).status).toBe(401);
  });
});

describe("pages of other origins", () => {
  test("that the app allows may ask, call and read", async () => {
    const preflight = await fetch(`${system.url}/v1/apps/demo/chats`, {
      method: "OPTIONS",
      headers: { origin: PAGE, "access-control-request-method": "POST" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(PAGE);
    expect(preflight.headers.get("access-control-allow-methods")).toBe("POST");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("Authorization");
    const ada = await system.signIn("cors@example.test");
    const made = await ada.api.post("/v1/apps/demo/chats", { kind: "group" }, { origin: PAGE });
    expect([made.status, made.headers.get("access-control-allow-origin")]).toEqual([201, PAGE]);
    expect(made.headers.get("vary")).toBe("Origin");
    const refused = await system.client({ origin: PAGE }).get("/v1/apps/demo/me");
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, PAGE]);
  });

  test("that it does not allow read nothing and change nothing, token or not", async () => {
    const ada = await system.signIn("foreign@example.test");
    for (const origin of [
      EVIL,
      "null",
      "https://app.example.com:8443",
      "http://app.example.com",
      `${PAGE}/`,
    ]) {
      const preflight = await fetch(`${system.url}/v1/apps/demo/chats`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST" },
      });
      expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
      const cost = await system.meter(async () => {
        const answer = await ada.api.post("/v1/apps/demo/chats", { kind: "group" }, { origin });
        expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([403, null]);
      });
      expect(cost.billed.writes).toBe(0);
    }
    const read = await ada.api.get("/v1/apps/demo/me", { origin: EVIL });
    expect([read.status, read.headers.get("access-control-allow-origin")]).toEqual([200, null]);
  });

  test("are allowed by each app for itself", async () => {
    const other = await system.createApp("Elsewhere");
    const answer = await system
      .client({ origin: PAGE })
      .post(`/v1/apps/${other.id}/auth/codes`, { email: "a@example.test" });
    expect(answer.status).toBe(403);
    const wrong = { settings: { allowedOrigins: ["https://app.example.com/path", "*"] } };
    expect((await system.operator.patch(`/v1/apps/${other.id}`, wrong)).status).toBe(400);
  });
});

test("every answer forbids sniffing, framing, caching and plain connections", async () => {
  for (const path of ["/healthz", "/v1/apps/demo/me", "/no-such-route"]) {
    const { headers } = await system.client().get(path);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers.get("strict-transport-security")).toMatch(/^max-age=\d{8}/);
    expect(headers.get("cache-control")).toContain("no-store");
  }
});
