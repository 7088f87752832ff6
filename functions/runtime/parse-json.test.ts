import { describe, expect, test } from "vitest";
import { JSON_DEPTH_MAX, parseJson } from "./parse-json.ts";

const parse = (text: string): unknown => parseJson(Buffer.from(text));
const refusal = (text: string | Buffer): string => {
  try {
    parseJson(Buffer.from(text));
    return "accepted";
  } catch (cause) {
    return `${(cause as { code: string }).code}: ${(cause as Error).message}`;
  }
};

describe("parseJson", () => {
  test("takes what JSON.parse takes", () => {
    const value = { a: [1, { a: 'x"}{[]' }], "b,c": null, d: { a: 1, b: [{ a: 1 }, { a: 2 }] } };
    expect(parse(JSON.stringify(value, null, 2))).toEqual(value);
    expect(parse('"text"')).toBe("text");
  });

  test("refuses bytes that are not UTF-8", () => {
    expect(refusal(Buffer.from([0x22, 0xff, 0xfe, 0x22]))).toBe(
      "malformed_json: The body is not valid UTF-8.",
    );
  });

  test("refuses a name that stands twice in one object, however it is escaped", () => {
    expect(refusal('{"a":1,"a":2}')).toMatch(/twice/);
    expect(refusal('{"x":{"a":1,"\\u0061":2}}')).toMatch(/twice/);
    expect(parse('[{"a":1},{"a":2}]')).toEqual([{ a: 1 }, { a: 2 }]);
  });

  test("refuses __proto__ as a name and takes it as a value", () => {
    expect(refusal('{"__proto__":{"x":1}}')).toMatch(/not allowed/);
    expect(parse('{"a":"__proto__"}')).toEqual({ a: "__proto__" });
  });

  test("refuses deeper nesting than the limit without recursing", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(refusal(nested(JSON_DEPTH_MAX))).toBe("accepted");
    expect(refusal(nested(JSON_DEPTH_MAX + 1))).toMatch(/nests deeper/);
    expect(refusal(nested(100_000))).toMatch(/nests deeper/);
    expect(refusal('{"a":'.repeat(100_000))).toMatch(/nests deeper/);
  });

  test("refuses half a character, as a name too, and takes whole ones", () => {
    expect(refusal('{"a":["x\\ud800"]}')).toMatch(/^invalid_request.*well-formed/);
    expect(refusal('{"\\udc00":1}')).toMatch(/^invalid_request.*well-formed/);
    expect(parse('{"a":"\\ud83d\\ude00","b":"\\\\ud800"}')).toEqual({ a: "😀", b: "\\ud800" });
  });

  test("refuses more values than there may be, and counts only those outside of strings", () => {
    const list = (count: number): Buffer => Buffer.from(JSON.stringify(Array(count).fill(",,,")));
    expect(parseJson(list(10), 10)).toHaveLength(10);
    expect(() => parseJson(list(11), 10)).toThrow("more than 10 values");
  });

  test.each(["", "{", '{"a":}', "{'a':1}", "nul", '"unclosed', '{"a":1}}', "\u0000"])(
    "refuses %j",
    (text) => {
      expect(refusal(text)).toMatch(/^malformed_json/);
    },
  );
});
