import { expect, test } from "vitest";
import { endpoints } from "./endpoints.ts";

const named = (kind: string): string[] =>
  endpoints.filter(({ reply }) => reply === kind).map(({ method, path }) => `${method} ${path}`);

test("every endpoint that replies with JSON says of which schema: only streams, a page and acknowledgements have none", () => {
  expect(named("event-stream")).toEqual([
    "GET /v1/apps/{app}/chats/{chat}/events",
    "GET /v1/apps/{app}/events",
    "GET /v1/apps/{app}/chats/{chat}/messages/{message}/stream",
  ]);
  expect(named("html")).toEqual(["GET /problems/{code}"]);
  expect(named("empty").filter((name) => name.startsWith("GET") || name.startsWith("PATCH"))).toEqual([]);
});
