import { expect, test } from "vitest";
import { AppError } from "../../shared/platform/errors.ts";
import type { Method } from "./endpoint.ts";
import { createRouter, PATH_CHARS_MAX } from "./router.ts";

const at = (method: Method, path: string) => ({ method, path });

const current = at("DELETE", "/sessions/current");
const one = at("DELETE", "/sessions/{id}");
const list = at("GET", "/sessions");
const nested = at("GET", "/sessions/{id}/things/{thing}");
const route = createRouter([current, one, list, nested]);

const failure = (method: string, path: string): AppError | undefined => {
  try {
    route(method, path);
    return undefined;
  } catch (cause) {
    return cause instanceof AppError ? cause : undefined;
  }
};

test("a fixed segment wins over a parameter", () => {
  expect(route("DELETE", "/sessions/current").endpoint).toBe(current);
  expect(route("DELETE", "/sessions/other")).toEqual({ endpoint: one, params: { id: "other" } });
});

test("parameters are decoded after the path has been split", () => {
  expect(route("GET", "/sessions/a%2Fb/things/%F0%9F%91%8D").params).toEqual({ id: "a/b", thing: "👍" });
});

test("a fixed segment that leads nowhere gives way to the parameter", () => {
  expect(route("GET", "/sessions/current/things/1").params).toEqual({ id: "current", thing: "1" });
});

test("HEAD finds what GET finds", () => {
  expect(route("HEAD", "/sessions").endpoint).toBe(list);
});

test("an address with other methods names them", () => {
  expect(failure("POST", "/sessions")).toMatchObject({
    code: "method_not_allowed",
    details: { allow: ["GET"] },
  });
});

test("unknown, empty and overlong addresses are not found", () => {
  expect(failure("GET", "/nothing")?.code).toBe("not_found");
  expect(failure("GET", "/sessions/")?.code).toBe("not_found");
  expect(failure("GET", "/sessions//things/1")?.code).toBe("not_found");
  expect(failure("GET", `/${"x".repeat(PATH_CHARS_MAX)}`)?.code).toBe("uri_too_long");
});

test("two endpoints at one address are refused when the table is made", () => {
  expect(() => createRouter([list, at("GET", "/sessions")])).toThrow(/stands twice/);
});
