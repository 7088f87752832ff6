import { expect, test } from "vitest";
import { base32, matchTotp, stepAt, totp } from "./totp.ts";

const secret = Buffer.from("12345678901234567890");
const isSame = (left: string, right: string): boolean => left === right;

test.each([
  [59, "94287082"],
  [1111111109, "07081804"],
  [1111111111, "14050471"],
  [1234567890, "89005924"],
  [2000000000, "69279037"],
  [20000000000, "65353130"],
])("the code at %i s is the one of RFC 6238, appendix B", (seconds, code) => {
  expect(totp(secret, stepAt(seconds * 1000), 8)).toBe(code);
});

test.each([
  ["", ""],
  ["f", "MY"],
  ["fo", "MZXQ"],
  ["foo", "MZXW6"],
  ["foob", "MZXW6YQ"],
  ["fooba", "MZXW6YTB"],
  ["foobar", "MZXW6YTBOI"],
])("%j in base 32 is %j (RFC 4648, 10)", (text, encoded) => {
  expect(base32(Buffer.from(text))).toBe(encoded);
});

test("a code is good one step around its time, and not after it or a later one was used", () => {
  const nowMs = 1_000_000_000_000;
  const code = totp(secret, stepAt(nowMs));
  for (const shiftMs of [-30_000, 0, 30_000]) {
    expect(matchTotp(secret, code, nowMs + shiftMs, { lastStep: 0, isSame })).toBe(stepAt(nowMs));
  }
  expect(matchTotp(secret, code, nowMs + 60_000, { lastStep: 0, isSame })).toBeUndefined();
  expect(matchTotp(secret, code, nowMs - 60_000, { lastStep: 0, isSame })).toBeUndefined();
  expect(matchTotp(secret, code, nowMs, { lastStep: stepAt(nowMs), isSame })).toBeUndefined();
});
