import { expect, test } from "vitest";
import { partsOf } from "./multipart.ts";

const body =
  "preamble\r\n--B\r\nContent-Type: a/b\r\n\r\none\r\n--not-a-mark\r\n--B\r\n\r\n\r\n--B\r\nX: y\r\n\r\nthree\r\n--B--\r\nepilogue";

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
}

test.each([1, 2, 3, 7, 1000])("a body that comes in pieces of %i bytes has the same parts", async (size) => {
  const parts: [Record<string, string>, string][] = [];
  for await (const { headers, content } of partsOf(pieces(body, size), "B")) {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    parts.push([{ ...headers }, Buffer.concat(chunks).toString()]);
  }
  expect(parts).toEqual([
    [{ "content-type": "a/b" }, "one\r\n--not-a-mark"],
    [{}, ""],
    [{ x: "y" }, "three"],
  ]);
});

test("a body that ends too early is refused", async () => {
  const read = async (): Promise<void> => {
    for await (const { content } of partsOf(pieces("--B\r\n\r\nhalf", 3), "B"))
      for await (const _ of content);
  };
  await expect(read()).rejects.toThrow("Malformed multipart body.");
});
