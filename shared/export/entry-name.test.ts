import { expect, test } from "vitest";
import { ENTRY_NAME_BYTES_MAX, entryName } from "./entry-name.ts";

test.each([
  ["menu.pdf", "1-menu.pdf"],
  ["../../etc/passwd", "1-.._.._etc_passwd"],
  ["..", "1-file"],
  ["a\\b:c|d?.txt", "1-a_b_c_d_.txt"],
  ["nul\0byte.txt", "1-nul_byte.txt"],
  ["CON", "1-_CON"],
  ["com1.txt", "1-_com1.txt"],
  ["trailing. . ", "1-trailing"],
  ["", "1-file"],
  ["מסמך.pdf", "1-מסמך.pdf"],
  ["gpj.\u202etxt.exe", "1-gpj._txt.exe"],
  ["e\u0301.txt", "1-\u00e9.txt"],
  ["\ud800.txt", "1-\ufffd.txt"],
])("%j is saved as %j", (name, saved) => {
  expect(entryName("1-", name)).toBe(saved);
});

test("a long name keeps its ending, and no sign of it is cut", () => {
  for (const name of [`${"a".repeat(300)}.pdf`, `${"日".repeat(85)}.jpeg`, `${"👩‍🚀".repeat(40)}.png`]) {
    const saved = entryName("10-", name);
    expect(Buffer.byteLength(saved)).toBeLessThanOrEqual(ENTRY_NAME_BYTES_MAX);
    expect(Buffer.byteLength(saved)).toBeGreaterThan(ENTRY_NAME_BYTES_MAX - 12);
    expect(saved.slice(saved.lastIndexOf("."))).toBe(name.slice(name.lastIndexOf(".")));
    expect(saved.isWellFormed()).toBe(true);
  }
});

test("an ending that is none is cut with the rest", () => {
  expect(Buffer.byteLength(entryName("1-", `a.${"b".repeat(300)}`))).toBe(ENTRY_NAME_BYTES_MAX);
});
