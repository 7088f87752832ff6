import { describe, expect, test } from "vitest";
import { entryOf, parseLogFilter } from "./checks/log-filter.ts";

const entry = entryOf(
  {
    severity: "ERROR",
    message: "send-mail unavailable",
    outcome: "unavailable",
    announced: 3,
    httpRequest: { status: 503 },
    error: { code: "unavailable" },
  },
  "send-mail",
);
const matches = (filter: string): boolean => parseLogFilter(filter)(entry);

describe("a log filter", () => {
  test.each([
    ['resource.type="cloud_run_revision"', true],
    ['resource.labels.service_name="api"', false],
    ["httpRequest.status>=500", true],
    ["httpRequest.status<503", false],
    ["jsonPayload.announced>2", true],
    ["jsonPayload.announced<=2", false],
    ["jsonPayload.message:SEND", true],
    ['jsonPayload.outcome="UNAVAILABLE"', true],
    ['jsonPayload.outcome!="unavailable"', false],
    ['jsonPayload.message=~"^send-\\\\w+"', true],
    ['jsonPayload.message=~"^SEND"', false],
    ['jsonPayload.message!~"mail"', false],
    ["jsonPayload.error.code:*", true],
    ["jsonPayload.trigger:*", false],
  ])("%s is %s", (filter, expected) => {
    expect(matches(filter)).toBe(expected);
  });

  test("orders severities by weight", () => {
    expect(matches("severity>=WARNING")).toBe(true);
    expect(matches("severity<ERROR")).toBe(false);
    expect(matches("severity<CRITICAL")).toBe(true);
  });

  test("compares nothing with a field that is not there", () => {
    for (const operator of ["=", "!=", ">", "<=", "=~", "!~"]) {
      expect(matches(`jsonPayload.absent${operator}"1"`)).toBe(false);
    }
  });

  test("binds NOT tightest, then OR, then AND; what stands side by side is meant together", () => {
    expect(matches("severity=INFO AND severity=INFO OR severity=ERROR")).toBe(false);
    expect(matches("(severity=INFO AND severity=INFO) OR severity=ERROR")).toBe(true);
    expect(matches("NOT severity=INFO AND severity=ERROR")).toBe(true);
    expect(matches("NOT (severity=ERROR)")).toBe(false);
    expect(matches("severity=ERROR httpRequest.status=200")).toBe(false);
  });

  test.each([
    "severity>=",
    "(severity=ERROR",
    "severity=ERROR)",
    "severity ERROR",
    "severity=;",
    "AND",
    '="x"',
    'severity="x',
  ])("%s is refused", (filter) => {
    expect(() => parseLogFilter(filter)).toThrow(
      /^(The filter|A parenthesis|A field|A value|This is not understood)|is no comparison|is one too many/,
    );
  });
});
