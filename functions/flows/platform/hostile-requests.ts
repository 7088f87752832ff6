import { z } from "zod";
import type { Endpoint } from "../../runtime/endpoint.ts";

/** One request of the fuzz: an endpoint with something hostile in one place, and all else as it should be. */
export interface HostileRequest {
  /** Which endpoint, where, and what. */
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly path: string;
  /** As it is sent; undefined for none. */
  readonly body: string | undefined;
}

const CONTROLS = Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code));
const MORE_CONTROLS = ["\u007f", "\u0085", "\u009b", "\u200b", "\u2028", "\u202e", "\ufeff", "\ufffe"];

/** What a text may be, of which something may go wrong. */
const TEXTS: readonly string[] = [
  "",
  " ",
  ".",
  "..",
  "../..",
  "a/b",
  "__x__",
  "____",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "0",
  "-0",
  "-1",
  "01",
  "1.5",
  "1e309",
  "NaN",
  "Infinity",
  "9007199254740993",
  "9999999999999999999999",
  "null",
  "true",
  "0000-01-01T00:00:00Z",
  "0001-01-01T00:00:00+14:00",
  "9999-12-31T23:59:59-14:00",
  "9999-12-31T23:59:59.999999999Z",
  "+275760-09-13T00:00:00Z",
  "0000-01-01",
  "9999-12-31",
  "2026-02-30",
  "\ud800",
  "a\udfff",
  "😀".repeat(50),
  "e\u0301".repeat(500),
  "x".repeat(1_500),
  "%00",
  "%",
  "%25%32%65",
  "${jndi:ldap://x}",
  "' OR 1=1 --",
  "<script>alert(1)</script>",
  "a\r\nset-cookie: x=1",
  ...CONTROLS.map((control) => `a${control}b`),
  ...MORE_CONTROLS.map((control) => `a${control}b`),
];

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = { a: [value] };
  return value;
};

/** What a field of a body may be. */
const VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  0.1,
  -0.5,
  1e308,
  2 ** 53,
  -(2 ** 63),
  [],
  {},
  [[]],
  [null],
  { constructor: { prototype: 1 } },
  Array.from({ length: 1_000 }, (_, at) => at),
  Array.from({ length: 3_000 }, () => "x"),
  Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`key${at}`, at])),
  nested(20),
  "y".repeat(100_000),
  "\u0000".repeat(10_000),
  ...TEXTS,
];

/** Whole bodies that no schema is asked about, or that try every one. */
const BODIES: readonly string[] = [
  "",
  "null",
  "[]",
  '"text"',
  "{",
  '{"a":1,"a":2}',
  '{"__proto__":{"role":"owner"}}',
  `{"a":"${"\\ud800".repeat(10)}"}`,
  `{${Array.from({ length: 70_000 }, (_, at) => `"k${at}":${at}`).join(",")}}`,
  `[${"1,".repeat(400_000)}1]`,
  "[".repeat(100_000),
  `{"a":${"9".repeat(100_000)}}`,
  '{"a":1e999}',
];

/** What takes the place of a parameter where another place is hostile. */
export type Base = (endpoint: Endpoint) => { readonly path: string; readonly body: object };

/**
 * All requests of an endpoint: each parameter, each field of its query and of its body, each hostile value.
 */
export function* hostileRequests(endpoint: Endpoint, base: Base): Generator<HostileRequest> {
  const { path, body } = base(endpoint);
  const valid = endpoint.body === undefined ? undefined : JSON.stringify(body);
  const of = (where: string, what: unknown, request: { path: string; body?: string | undefined }) => ({
    name: `${endpoint.method} ${endpoint.path} ${where} ${JSON.stringify(what)?.slice(0, 60)}`,
    endpoint,
    path: request.path,
    body: request.body,
  });
  const segments = endpoint.path.split("/");
  const given = path.split("/");
  for (const [at, segment] of segments.entries()) {
    if (!/^\{\w+\}$/.test(segment)) continue;
    for (const text of TEXTS) {
      const hostile = [...given.slice(0, at), encoded(text), ...given.slice(at + 1)].join("/");
      yield of(segment, text, { path: hostile, body: valid });
    }
  }
  for (const name of [...namesOf(endpoint.query), "unknown", "__proto__"]) {
    for (const text of TEXTS)
      yield of(`?${name}`, text, { path: `${path}?${name}=${encoded(text)}`, body: valid });
  }
  if (endpoint.body === undefined) return;
  for (const text of BODIES) yield of("body", text.slice(0, 40), { path, body: text });
  for (const field of fieldsOf(endpoint.body)) {
    for (const value of VALUES) {
      yield of(field.join("."), value, { path, body: JSON.stringify(withField(body, field, value)) });
    }
  }
}

/** Lone surrogates have no encoding; what a sloppy client sends in their place is no UTF-8. */
const encoded = (text: string): string =>
  text.isWellFormed() ? encodeURIComponent(text) : `%ed%a0%80${encodeURIComponent(text.toWellFormed())}`;

type JsonSchema = Readonly<{
  properties?: Readonly<Record<string, JsonSchema>>;
  items?: JsonSchema;
  anyOf?: readonly JsonSchema[];
}>;

const jsonSchemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;

const namesOf = (schema: z.ZodType | undefined): string[] =>
  schema === undefined ? [] : Object.keys(jsonSchemaOf(schema).properties ?? {});

/** Where fields stand, those in objects and lists too; the body itself is the one without a name. */
function fieldsOf(schema: z.ZodType): string[][] {
  const fields: string[][] = [];
  const walk = (of: JsonSchema, path: readonly string[]): void => {
    for (const [name, property] of Object.entries(of.properties ?? {})) {
      fields.push([...path, name]);
      walk(property, [...path, name]);
    }
    if (of.items !== undefined) fields.push([...path, "0"]);
    for (const choice of of.anyOf ?? []) walk(choice, path);
  };
  walk(jsonSchemaOf(schema), []);
  return fields;
}

function withField(body: object, [name = "", ...rest]: readonly string[], value: unknown): object {
  const inner = (body as Record<string, unknown>)[name];
  const nestedBody = typeof inner === "object" && inner !== null ? inner : {};
  const next = rest.length === 0 ? value : rest[0] === "0" ? [value] : withField(nestedBody, rest, value);
  return { ...body, [name]: next };
}
