import { expect, test } from "vitest";
import { demandCleanLogs } from "./clean-logs.ts";

test.each([
  ["a mail address", { error: { message: "No mailbox ada@example.test" } }],
  ["a JSON web token", { detail: "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.AAAA" }],
  ["a refresh token", { body: `sbr_${"a".repeat(26)}_0_x` }],
  ["an API token", { body: `sbk_demo_${"a".repeat(26)}_x` }],
  ["a private key", { key: { d: "x" } }],
  ["a key of a provider", { error: { message: "Incorrect API key: sk-proj-0123456789ab" } }],
  ["an escape sequence", { userAgent: "curl\u001b[31m" }],
  ["a path in place of its route", { httpRequest: { requestUrl: "/v1/apps/demo/users/k3J" } }],
  ["the id of a person", { task: "unread-mail-k7person-12" }],
  ["a secret", { header: "the-operator-key" }],
])("%s in a log line is noticed", (what, line) => {
  expect(() =>
    demandCleanLogs([{ message: "fine" }, line], { secrets: ["the-operator-key"], people: ["k7person"] }),
  ).toThrow(what);
});

test("ordinary lines are left alone", () => {
  const line = {
    message: "POST /v1/apps/{app}/auth/codes 202",
    person: "k3J_x",
    app: "demo",
    latencyMs: 1.2,
  };
  expect(() =>
    demandCleanLogs([line], { secrets: ["the-operator-key"], people: ["k7person"] }),
  ).not.toThrow();
});
