import { expect, test } from "vitest";
import { noContent } from "../runtime/reply.ts";
import { appEndpoint, publicEndpoint, systemEndpoint } from "./endpoint.ts";

test("only an endpoint whose path has an app gets one, and only one that is not for anyone gets a principal", () => {
  const ofApp = appEndpoint({
    method: "GET",
    path: "/v1/apps/{app}/things",
    summary: "Is called in tests only.",
    access: "me:read",
    reply: "empty",
    handle: async ({ app, principal }) => ({ status: 200, body: { app: app.id, by: principal.id } }),
  });
  const ofSystem = systemEndpoint({
    method: "GET",
    path: "/v1/operator/things",
    summary: "Is called in tests only.",
    reply: "empty",
    // @ts-expect-error -- the path has no app
    handle: async ({ app, principal }) => ({ status: 200, body: { app: app.id, by: principal.id } }),
  });
  const ofAnyone = publicEndpoint({
    method: "GET",
    path: "/v1/apps/{app}/things",
    summary: "Is called in tests only.",
    reply: "empty",
    // @ts-expect-error -- nobody is known to have called it
    handle: async ({ app, principal }) => ({ status: 200, body: { app: app.id, by: principal.id } }),
  });
  expect([ofApp.access, ofSystem.access, ofAnyone.access]).toEqual(["me:read", "operator", "anyone"]);
});

test("an app's endpoint has a path with an app", () => {
  const { path } = appEndpoint({
    method: "GET",
    // @ts-expect-error -- the path has no app
    path: "/v1/things",
    summary: "Is called in tests only.",
    access: "me:read",
    reply: "empty",
    handle: async () => noContent,
  });
  expect(path).toBe("/v1/things");
});
