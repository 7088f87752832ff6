import { expect, test } from "vitest";
import { crc32c, createHasher } from "./hashes.ts";

test.each([
  ["", "AAAAAA=="],
  ["data", "rth90Q=="],
  ["some text\n", "DkjKuA=="],
  ["a".repeat(2 ** 16), "TpXtPw=="],
])("the CRC32C of %j is that of the service", (text, expected) => {
  const hasher = createHasher();
  hasher.update(Buffer.from(text));
  expect(hasher.digests().crc32c).toBe(expected);
});

test("a CRC32C carried on over pieces is that of the whole", () => {
  const bytes = Buffer.from("the quick brown fox jumps over the lazy dog");
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes));
  }
});
