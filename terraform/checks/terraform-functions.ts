import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

type Entry = [string, unknown];

/** A value for an attribute that only Google Cloud knows, such as an id: it prints as its own address. */
export class Unknown {
  readonly address: string;
  constructor(address: string) {
    this.address = address;
  }
  toString(): string {
    return `<${this.address}>`;
  }
  toJSON(): string {
    return this.toString();
  }
}

const map = (value: unknown): Record<string, unknown> => (value ?? {}) as Record<string, unknown>;
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : Object.values(map(value)));
const text = (value: unknown): string => {
  if (value instanceof Unknown) return value.toString();
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return `${value}`;
  }
  throw new Error(`No text can be made of ${JSON.stringify(value)}.`);
};

/**
 * The functions of Terraform that the configuration uses, as its language reference describes them. `try` and
 * `can` are the evaluator's.
 */
export const FUNCTIONS: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  alltrue: (items) => list(items).every((item) => item === true),
  base64encode: (value) => Buffer.from(text(value)).toString("base64"),
  ceil: (value) => Math.ceil(Number(value)),
  coalesce: (...values) => values.find((value) => value !== null && value !== undefined && value !== ""),
  concat: (...lists) => lists.flatMap(list),
  contains: (items, value) => list(items).includes(value),
  file: (path) => readFileSync(text(path), "utf8"),
  floor: (value) => Math.floor(Number(value)),
  join: (separator, items) => list(items).map(text).join(text(separator)),
  jsondecode: (value) => JSON.parse(text(value)) as unknown,
  jsonencode: (value) => JSON.stringify(value),
  keys: (value) => Object.keys(map(value)).sort(),
  length: (value) => (typeof value === "string" ? value.length : list(value).length),
  lookup: (value, key, otherwise) => map(value)[text(key)] ?? otherwise,
  max: (...numbers) => Math.max(...numbers.map(Number)),
  min: (...numbers) => Math.min(...numbers.map(Number)),
  merge: (...maps) => Object.fromEntries(maps.flatMap((each): Entry[] => Object.entries(map(each)))),
  regex(pattern, value) {
    const found = new RegExp(text(pattern)).exec(text(value));
    if (found === null) throw new Error(`${text(value)} does not match ${text(pattern)}.`);
    return found[0];
  },
  replace: (value, part, by) => text(value).replaceAll(text(part), text(by)),
  sha256: (value) => createHash("sha256").update(text(value)).digest("hex"),
  startswith: (value, start) => text(value).startsWith(text(start)),
  strcontains: (value, part) => text(value).includes(text(part)),
  substr: (value, from, length) => text(value).slice(Number(from), Number(from) + Number(length)),
  sum: (numbers) => list(numbers).reduce((sum: number, each) => sum + Number(each), 0),
  toset: (items) => [...new Set(list(items).map(text))].sort(),
  tostring: text,
  values: (value) =>
    Object.entries(map(value))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, item]) => item),
};
