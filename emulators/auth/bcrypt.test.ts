import { expect, test } from "vitest";
import { bcryptDigest, parseBcrypt } from "./bcrypt.ts";

// Made with another implementation.
const made = [
  ["", "$2b$04$zO/oHMC3EQo7TcY6y6Ct/OmZQpdYAGmsTcYx9Ugp8T6cOlpqVsoYq"],
  ["imported", "$2b$05$FtWnSqKx3WuYrOf42o8VMuVhwA7LtqxlhmVQzDPRNx2YwfoYQOE.S"],
  ["Grüße 😀", "$2b$06$pRQ7XpCHiCUcvTJqN/8J7OeL8WwOdB9B2HlRtIBwAqkuzdXgnuJV6"],
  [
    "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
    "$2b$04$bXq5mYI5YzRv.xsXVelok.kZbsIOwx2yHefeETblF1u/wzFjb4Pc.",
  ],
] as const;

test.each(made)("the password %j has the hash %s, and another password hasn't", (password, text) => {
  const hash = parseBcrypt(text);
  if (hash === undefined) throw new Error("Not parsed.");
  expect(bcryptDigest(password, hash).equals(hash.digest)).toBe(true);
  expect(bcryptDigest(`x${password}`, hash).equals(hash.digest)).toBe(false);
});

test("what lies behind 72 bytes doesn't count", () => {
  const salt = { cost: 4, salt: Buffer.alloc(16, 7) };
  const long = "a".repeat(72);
  expect(bcryptDigest(`${long}b`, salt)).toEqual(bcryptDigest(long, salt));
  expect(bcryptDigest(long.slice(1), salt)).not.toEqual(bcryptDigest(long, salt));
});

test.each(["", "$2a$10$short", "$1$10$abcdefghijklmnopqrstuuYSehug.FhufE6vO0cs3zCk3e32UwBIG", "plain"])(
  "%j is no hash of bcrypt's",
  (text) => {
    expect(parseBcrypt(text)).toBeUndefined();
  },
);
