import { expect, test } from "vitest";
import { readHostingRules } from "../../emulators/local/hosting/rewrites.ts";
import firebase from "../../firebase.json" with { type: "json" };
import manifest from "../manifest.json" with { type: "json" };
import { apiEndpoints, endpoints, liveEndpoints } from "./endpoints.ts";

const named = (kind: string): string[] =>
  endpoints.filter(({ reply }) => reply === kind).map(({ method, path }) => `${method} ${path}`);

test("every endpoint that replies with JSON says of which schema: only streams, a page and acknowledgements have none", () => {
  expect(named("event-stream")).toEqual([
    "GET /v1/apps/{app}/chats/{chat}/events",
    "GET /v1/apps/{app}/events",
    "GET /v1/apps/{app}/chats/{chat}/messages/{message}/stream",
    "POST /v1/apps/{app}/ai/chat",
    "GET /v1/apps/{app}/ai/chat/{id}/stream",
  ]);
  expect(named("html")).toEqual(["GET /problems/{code}"]);
  expect(named("empty").filter((name) => name.startsWith("GET") || name.startsWith("PATCH"))).toEqual([]);
});

test("streams have a function of their own, by the paths that the manifest gives it and hosting knows", () => {
  expect(new Set(liveEndpoints.map(({ reply }) => reply))).toEqual(new Set(["event-stream"]));
  expect(apiEndpoints.map(({ reply }) => reply)).not.toContain("event-stream");
  const templates = liveEndpoints.map(({ path }) => path.replaceAll(/\{\w+\}/g, "*"));
  expect(templates.sort()).toEqual(manifest.functions.live.paths.toSorted());
  const { functionFor } = readHostingRules(firebase);
  const served = ([name, list]: readonly [string, typeof liveEndpoints]): void => {
    for (const { path } of list) {
      expect([path, functionFor(path.replaceAll(/\{\w+\}/g, "x"))]).toEqual([path, name]);
    }
  };
  served(["live", liveEndpoints]);
  served(["api", apiEndpoints as unknown as typeof liveEndpoints]);
});
