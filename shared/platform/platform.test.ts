import { describe, expect, test } from "vitest";
import { parseConfig } from "./config.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { AppError, grpcCode, toAppError } from "./errors.ts";
import { derivedId, fingerprint, randomId } from "./ids.ts";
import { createKeys, sameSecret } from "./keys.ts";
import { createLog } from "./log.ts";
import { within } from "./within.ts";

const keys = createKeys("a secret of at least thirty-two characters");

describe("ids", () => {
  test("the same parts name the same thing, and their borders count", () => {
    expect(derivedId("ab", "c")).toBe(derivedId("ab", "c"));
    expect(derivedId("ab", "c")).not.toBe(derivedId("a", "bc"));
    expect(fingerprint("ab", "c")).not.toBe(fingerprint("a", "bc"));
  });

  test("ids are 26 lower-case letters and digits", () => {
    for (const id of [randomId(), derivedId("x")]) expect(id).toMatch(/^[a-z0-9]{26}$/);
    expect(new Set(Array.from({ length: 1000 }, randomId)).size).toBe(1000);
  });
});

describe("keys", () => {
  test("what is sealed opens under the same use and context only", () => {
    const sealed = keys.seal("use", "context", "hidden");
    expect(keys.open("use", "context", sealed)).toBe("hidden");
    expect(() => keys.open("use", "other", sealed)).toThrow("unable to authenticate");
    expect(() => keys.open("other", "context", sealed)).toThrow("unable to authenticate");
    const flipped = `${sealed.slice(0, -2)}${sealed.endsWith("A") ? "B" : "A"}${sealed.at(-1)}`;
    expect(() => keys.open("use", "context", flipped)).toThrow("unable to authenticate");
  });

  test("each use has a hash of its own", () => {
    expect(keys.mac("one", "x")).not.toBe(keys.mac("two", "x"));
    expect(keys.mac("one", "ab", "c")).not.toBe(keys.mac("one", "a", "bc"));
  });

  test("secrets are compared whatever their lengths", () => {
    expect(sameSecret("same", "same")).toBe(true);
    expect(sameSecret("same", "other than that")).toBe(false);
  });
});

describe("cursors", () => {
  const scope = ["chats", "app", "person"];
  const cursor = encodeCursor(keys, scope, ["a", 1]);

  test("lead back to their position", () => {
    expect(decodeCursor(keys, scope, cursor)).toEqual(["a", 1]);
  });

  test.each([`${cursor}x`, `x${cursor}`, "", ".", "a.b.c", cursor.replace(".", "")])(
    "%j is refused",
    (text) => {
      expect(() => decodeCursor(keys, scope, text)).toThrow(AppError);
    },
  );

  test("are good for their own list only", () => {
    expect(() => decodeCursor(keys, ["chats", "app", "someone else"], cursor)).toThrow(AppError);
  });
});

test("within gives up after its time and lets the result through before", async () => {
  await expect(within(1_000, Promise.resolve("done"))).resolves.toBe("done");
  await expect(within(1, new Promise(() => undefined))).rejects.toMatchObject({ code: "unavailable" });
});

test("errors of Google's clients become unavailable or internal, without their message", () => {
  const foreign = Object.assign(new Error("14 UNAVAILABLE: the text of a message"), { code: 14 });
  expect(toAppError(foreign)).toMatchObject({ code: "unavailable", details: { retryAfterSeconds: 1 } });
  expect(toAppError(foreign).message).not.toContain("text");
  expect(toAppError(new TypeError("x")).code).toBe("internal");
  expect(grpcCode(foreign)).toBe(14);
});

test("a log line is one JSON object, without the messages of foreign errors", () => {
  const lines: string[] = [];
  const log = createLog({ projectId: "p" }, (line) => lines.push(line)).with({ function: "f" });
  const foreign = Object.assign(new Error("secret\ncontents"), { code: 6 });
  log.error("It\nfailed.", new AppError("unavailable", "No answer.", {}, { cause: foreign }));
  expect(lines).toHaveLength(1);
  expect(lines[0]?.trim()).not.toContain("\n");
  expect(lines[0]).not.toContain("secret");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    severity: "ERROR",
    message: "It\nfailed.",
    function: "f",
    error: { name: "AppError", code: "unavailable", cause: { code: 6 } },
  });
});

test("a missing or malformed variable is named when an instance starts", () => {
  expect(() => parseConfig({ GOOGLE_CLOUD_PROJECT: "p", PUBLIC_URL: "not a url" })).toThrow(
    /REGION.*PUBLIC_URL/s,
  );
});
