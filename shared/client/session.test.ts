import { expect, test } from "vitest";
import { createNetwork } from "../testing/live-clients.ts";
import { readCode } from "../testing/start-system.ts";
import { useSystem } from "../testing/use-system.ts";
import { ApiError } from "./api-error.ts";
import { type Client, type ConnectOptions, connect } from "./connect.ts";
import { memorySession } from "./session.ts";

const system = useSystem();

async function signedIn(email: string, options: Partial<ConnectOptions> = {}): Promise<Client> {
  const client = connect({ url: system.url, app: "demo", ...options });
  const challenge = await client.session.askForCode(email);
  await system.settle();
  await client.session.signIn(challenge, readCode(system, email));
  return client;
}

test("a person signs in by code, and a reload goes on with the stored session", async () => {
  const sessions = memorySession();
  const client = await signedIn("ada@example.test", { sessions });
  expect(client.session.user?.email).toBe("ada@example.test");
  const again = connect({ url: system.url, app: "demo", sessions });
  expect(await again.session.resume()).toBe(true);
  expect(await again.api.get("/me")).toMatchObject({ id: client.session.user?.id });
  await again.session.signOut();
  expect(sessions.read()).toBeUndefined();
  expect(await connect({ url: system.url, app: "demo", sessions }).session.resume()).toBe(false);
});

test("all who need a fresh token at once share one refresh, before the old one ends", async () => {
  const network = createNetwork();
  let aheadMs = 0;
  const client = await signedIn("bob@example.test", {
    environment: { fetch: network.fetch, now: () => Date.now() + aheadMs },
  });
  aheadMs = 14.5 * 60_000;
  await Promise.all(Array.from({ length: 5 }, () => client.api.get("/me")));
  expect(network.requests.filter((name) => name.endsWith("/auth/refresh"))).toHaveLength(1);
});

test("a token that is refused is renewed, and a session that was ended signs out", async () => {
  const sessions = memorySession();
  const client = await signedIn("cy@example.test", { sessions });
  const revoke = (scope: string, claim: "jti" | "sid", token: string) =>
    system.operator.post("/v1/operator/revocations", { scope, id: claimsOf(token)[claim] });
  const changes: unknown[] = [];
  client.session.on("change", (now) => changes.push(now));
  const first = await client.session.accessToken();
  expect((await revoke("token", "jti", first)).status).toBe(201);
  await expect
    .poll(async () => [(await client.api.request("GET", "/me")).status, await client.session.accessToken()])
    .not.toEqual([200, first]);
  expect((await revoke("session", "sid", first)).status).toBe(201);
  await expect
    .poll(() => client.api.get("/me").catch((cause: unknown) => (cause as ApiError).status), {
      timeout: 5000,
    })
    .toBe(401);
  expect(changes).toEqual([undefined]);
  expect(sessions.read()).toBeUndefined();
});

const claimsOf = (token: string): { readonly jti: string; readonly sid: string } =>
  JSON.parse(atob(token.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? ""));

test("with the cookie the refresh token is out of reach, and the session goes on all the same", async () => {
  const origin = new URL(system.url).origin;
  let cookie = "";
  const browser = async (url: string, init?: RequestInit): Promise<Response> => {
    const headers = {
      ...(init?.headers as Record<string, string>),
      origin,
      ...(cookie === "" ? {} : { cookie }),
    };
    const response = await fetch(url, { ...init, headers });
    cookie = response.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    return response;
  };
  const sessions = memorySession();
  await signedIn("di@example.test", { transport: "cookie", sessions, environment: { fetch: browser } });
  expect(Object.keys(sessions.read() ?? {})).toEqual(["csrfToken"]);
  const again = connect({
    url: system.url,
    app: "demo",
    sessions,
    transport: "cookie",
    environment: { fetch: browser },
  });
  expect(await again.session.resume()).toBe(true);
});

test("a problem is told with all that the API says of it", async () => {
  const client = await signedIn("eve@example.test");
  const cause: unknown = await client.api.post("/chats", { kind: "choir" }).catch((error: unknown) => error);
  expect(cause).toBeInstanceOf(ApiError);
  expect(cause).toMatchObject({ status: 400, code: "invalid_request", retryAfterSeconds: 0 });
  expect((cause as ApiError).errors[0]?.path).toBe("kind");
  expect((cause as ApiError).requestId).toMatch(/\w/);
});

test("a limit is honoured: the request is made again when the server says", async () => {
  const waits: number[] = [];
  const answers = [429, 503, 200];
  const client = connect({
    url: "http://chat.example",
    app: "demo",
    environment: {
      fetch: async () => {
        const status = answers.shift() ?? 500;
        return Response.json({ code: "x" }, { status, headers: { "retry-after": "7" } });
      },
      after(ms, work) {
        waits.push(ms);
        queueMicrotask(work);
        return () => undefined;
      },
    },
  });
  client.session.adopt({
    accessToken: "t",
    tokenType: "Bearer",
    expiresIn: 900,
    sessionId: "s",
    user: { id: "u" },
  } as never);
  expect(await client.api.get("/me")).toEqual({ code: "x" });
  expect(waits).toEqual([7000, 7000]);
});
