import { expect, test } from "vitest";
import { createLog } from "./log.ts";
import { logWord, redact } from "./redact.ts";

const JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.AAAA";
const REFRESH = `sbr_${"a".repeat(26)}_0_${"x".repeat(43)}`;
const TOKEN = `sbk_demo_${"a".repeat(26)}_${"x".repeat(43)}`;

/** What a log makes of a text, wherever it stands. */
function logged(text: string): Record<string, unknown> {
  const lines: string[] = [];
  const log = createLog({ projectId: "p" }, (line) => lines.push(line));
  log.error(`Failed: ${text}`, new Error(text), { field: text, nested: { list: [text] } });
  expect(lines).toHaveLength(1);
  expect(lines[0]?.trimEnd()).not.toMatch(/[\n\r]/);
  return JSON.parse(lines[0] ?? "") as Record<string, unknown>;
}

test.each([
  ["a JSON web token", JWT],
  ["a JSON web token without its end", "eyJhbGciOiJub25lIn0.eyJz"],
  ["a refresh token", REFRESH],
  ["an API token", TOKEN],
  ["a bearer", "Bearer abc.def~ghi/jkl+mno="],
  ["a key of a provider", "sk-proj-0123456789abcdef"],
  ["a mail address", "ada.o'neil+chat@mail.example.org"],
  ["a mail address in an address", "ada%40example.test"],
])("%s is struck out wherever it stands in a line", (_, secret) => {
  const line = logged(`before ${secret} after`);
  expect(JSON.stringify(line)).not.toContain(secret);
  expect(line.field).toMatch(/^before \[\w+\] after$/);
});

test("a code is struck out, and the line is still JSON", () => {
  for (const text of ['{"code":"123456"}', "code=123456", "code%3D123456", "Your code 123456"]) {
    expect(JSON.stringify(logged(text))).not.toContain("123456");
  }
  expect(redact('{"code":123456,"latencyMs":654321}')).toBe('{"code":123456,"latencyMs":654321}');
});

test("what is no secret stays", () => {
  const text = "GET /v1/apps/{app}/chats/{chat} 200 at file:///a/node_modules/@google-cloud/x.js:1:2 503000";
  expect(redact(text)).toBe(text);
});

test("line breaks, escape sequences and separators are blanks in a word of a log", () => {
  expect(logWord("curl\r\n\u001b[31mred\u2028\u009b1m", 300)).toBe("curl [31mred 1m");
  expect(logWord("x".repeat(500), 300)).toHaveLength(300);
});

/** Each of these makes a pattern begin at every place; the work has to stay in proportion to the text. */
test("hostile text of a megabyte is looked through once", () => {
  for (const piece of ["eyJ-", "a.", "sbk_", "code ", "a@", "Bearer a ", "sk-"]) {
    const megabyte = piece.repeat(Math.ceil(1_000_000 / piece.length));
    expect(redact(megabyte).length).toBeGreaterThan(0);
  }
});
