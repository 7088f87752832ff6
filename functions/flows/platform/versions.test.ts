import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { openApiDeps } from "../../http/api-deps.ts";
import { apiEndpoints } from "../../http/endpoints.ts";
import { appEndpoint } from "../../http/endpoint.ts";
import { serveEndpoints } from "../../runtime/http-function.ts";
import { ok } from "../../runtime/reply.ts";

/** A second version of one route, beside all of the first; the first is declared old. */
const deprecated = {
  since: "2026-11-01T00:00:00Z",
  sunset: "2027-11-01T00:00:00Z",
  successor: "/v2/apps/{app}/me",
};
const meOfSecond = appEndpoint({
  method: "GET",
  path: "/v2/apps/{app}/me",
  summary: "Says who calls.",
  access: "me:read",
  reply: z.object({ person: z.object({ id: z.string() }) }),
  async handle({ principal }) {
    return ok({ person: { id: principal.id } });
  },
});
const both = [
  ...apiEndpoints.map((each) => (each.path === "/v1/apps/{app}/me" ? { ...each, deprecated } : each)),
  meOfSecond,
];

let url: string;
const server = createServer();
const system = useSystem();
const [ada] = usePeople(system, "ada@versions.test");
beforeAll(async () => {
  const serve = serveEndpoints(openApiDeps(system.deps), { name: "api", endpoints: both });
  server.on("request", (request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
});

const get = (path: string) =>
  fetch(`${url}${path}`, { headers: { authorization: `Bearer ${ada.session.accessToken}` } });

test("two versions answer side by side, each in its own shape and behind the same checks", async () => {
  const [first, second] = [await get("/v1/apps/demo/me"), await get("/v2/apps/demo/me")];
  expect(await first.json()).toMatchObject({ id: ada.id, role: "member" });
  expect(await second.json()).toEqual({ person: { id: ada.id } });
  expect((await fetch(`${url}/v2/apps/demo/me`)).status).toBe(401);
  expect((await get("/v3/apps/demo/me")).status).toBe(404);
  expect((await get("/v2/apps/demo/chats")).status).toBe(404);
});

test("what is old says since when, until when, and what comes next, with errors too", async () => {
  const { headers } = await get("/v1/apps/demo/me");
  expect(headers.get("deprecation")).toBe("@1793491200");
  expect(headers.get("sunset")).toBe("Mon, 01 Nov 2027 00:00:00 GMT");
  expect(headers.get("link")).toBe('</v2/apps/{app}/me>; rel="successor-version"');
  const refused = await fetch(`${url}/v1/apps/demo/me`);
  expect([refused.status, refused.headers.get("deprecation")]).toEqual([401, "@1793491200"]);
  expect((await get("/v2/apps/demo/me")).headers.get("deprecation")).toBeNull();
  expect((await get("/v1/apps/demo/chats")).headers.get("deprecation")).toBeNull();
});
