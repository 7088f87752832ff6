import { expect, test } from "vitest";
import { outcomeOf } from "./push.ts";

const failure = (errorCode: string, field?: string) => ({
  error: {
    details: [{ errorCode }, ...(field === undefined ? [] : [{ fieldViolations: [{ field }] }])],
  },
});

test("a token that reaches nobody any more is told from a message that is wrong", () => {
  expect(outcomeOf(404, failure("UNREGISTERED"))).toBe("gone");
  expect(outcomeOf(403, failure("SENDER_ID_MISMATCH"))).toBe("gone");
  expect(outcomeOf(400, failure("INVALID_ARGUMENT", "message.token"))).toBe("gone");
  expect(outcomeOf(400, failure("INVALID_ARGUMENT", "message.data"))).toBe("refused");
  expect(outcomeOf(400, failure("INVALID_ARGUMENT"))).toBe("refused");
  expect(outcomeOf(401, failure("THIRD_PARTY_AUTH_ERROR"))).toBe("refused");
});

test("what may be taken later is tried again: quota, outages, credentials, answers of no known form", () => {
  expect(outcomeOf(429, failure("QUOTA_EXCEEDED"))).toBe("failed");
  expect(outcomeOf(503, failure("UNAVAILABLE"))).toBe("failed");
  expect(outcomeOf(404, {})).toBe("failed");
  expect(outcomeOf(401, {})).toBe("failed");
});
