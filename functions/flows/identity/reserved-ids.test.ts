import { expect, test } from "vitest";
import { useSystem } from "../../../shared/testing/use-system.ts";
import { endpoints } from "../../http/endpoints.ts";

const system = useSystem();

/** What Firestore keeps to itself, what splits a path, and what every object has. */
const IDS = [
  ".",
  "..",
  "__x__",
  "____",
  "__id7__",
  "a/b",
  "a%2Fb",
  "\u0000",
  "constructor",
  "__proto__",
  "toString",
  "%",
  "x".repeat(1_500),
  "😀",
];

const routes = endpoints.filter(({ path }) => /\/(?:users|tokens|sessions|devices)\/\{id\}/.test(path));

test("there are routes to be tried", () => {
  expect(routes.length).toBeGreaterThan(4);
});

test.each(routes.map(({ method, path }) => [method, path] as const))(
  "%s %s answers ids that can't be with 400 or 404, at once",
  async (method, path) => {
    const person = await system.signIn("ids@example.test");
    // A device is called what its owner likes.
    const fits = path.includes("/devices/") ? ["constructor", "toString"] : [];
    const { accessToken } = person.session;
    const bearer = path.includes("/users/") ? system.deps.config.operatorKey : accessToken;
    for (const id of IDS) {
      const address = path.replace("{app}", "demo").replace("{id}", encodeURIComponent(id));
      const answer = await fetch(`${system.url}${address}`, {
        method,
        headers: {
          authorization: `Bearer ${path.includes("/tokens/") ? system.deps.config.operatorKey : bearer}`,
          "content-type": "application/json",
        },
        ...(method === "GET" || method === "DELETE"
          ? {}
          : { body: JSON.stringify(path.includes("/users/") ? { role: "member" } : { pushToken: "t" }) }),
      });
      // "." and ".." are gone before a client sends them: the address is then that of the list.
      const isGone = id === "." || id === "..";
      const fitting = isGone ? [200, 204, 404, 405] : fits.includes(id) ? [204] : [400, 404];
      expect(fitting, `${id}: ${answer.status}`).toContain(answer.status);
    }
  },
);

test.each(IDS)("a challenge, a token and a revocation named %j are refused", async (id) => {
  const anyone = system.client();
  const answers = [
    await anyone.post("/v1/apps/demo/auth/sessions", { challenge: id, code: "123456" }),
    await anyone.post("/v1/apps/demo/auth/codes", { email: "a@example.test", deviceToken: id }),
    await anyone.post("/v1/apps/demo/auth/refresh", { refreshToken: id }),
    await anyone.post("/v1/apps/demo/auth/sessions/exchange", { idToken: id }),
    await system.operator.post("/v1/operator/revocations", { scope: "token", id }),
    await system.operator.post("/v1/apps/demo/chats", { kind: "group", members: [id] }),
  ];
  for (const { status } of answers) expect(status).toBeLessThan(500);
  expect(answers[0]?.status).toBe(400);
});
