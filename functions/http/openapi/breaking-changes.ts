import type { ApiDescription, Operation } from "./describe-api.ts";
import type { JsonSchema } from "./named-schemas.ts";

/**
 * What of a description breaks clients that were written for an earlier one, a line each; none when they go
 * on working: routes, parameters, bodies, replies and their statuses stay, what is sent has to say no more,
 * and what is got says no less. Pure.
 */
export function breakingChanges(before: ApiDescription, after: ApiDescription): string[] {
  return Object.entries(before.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, operation]) => {
      const name = `${method.toUpperCase()} ${path}`;
      const now = after.paths[path]?.[method];
      if (now === undefined) return [`${name} is gone`];
      return operationChanges({ before, after }, operation, now).map((change) => `${name}: ${change}`);
    }),
  );
}

interface Pair {
  readonly before: ApiDescription;
  readonly after: ApiDescription;
}

function operationChanges(pair: Pair, before: Operation, after: Operation): string[] {
  return [
    ...parameterChanges(pair, before, after),
    ...bodyChanges(pair, before, after),
    ...replyChanges(pair, before, after),
  ];
}

interface Named {
  readonly required: boolean;
  readonly schema: JsonSchema;
}

const parametersOf = (operation: Operation): ReadonlyMap<string, Named> =>
  new Map(
    operation.parameters.map((parameter): readonly [string, Named] =>
      "$ref" in parameter
        ? [parameter.$ref, { required: false, schema: {} }]
        : [`${parameter.in} parameter ${parameter.name}`, parameter],
    ),
  );

function parameterChanges(pair: Pair, before: Operation, after: Operation): string[] {
  const known = parametersOf(before);
  const now = parametersOf(after);
  return [
    ...[...known].flatMap(([name, { schema }]) => {
      const parameter = now.get(name);
      if (parameter === undefined) return [`${name} is gone`];
      return narrowed(pair, { sent: schema, taken: parameter.schema }, name);
    }),
    ...[...now].flatMap(([name, { required }]) =>
      required && known.get(name)?.required !== true ? [`${name} is required`] : [],
    ),
  ];
}

const JSON_TYPE = "application/json";

function bodyChanges(pair: Pair, before: Operation, after: Operation): string[] {
  const [sent, taken] = [before.requestBody, after.requestBody];
  if (taken?.required === true && sent?.required !== true) return ["a body is required"];
  const [sentSchema, takenSchema] = [sent?.content[JSON_TYPE]?.schema, taken?.content[JSON_TYPE]?.schema];
  if (sentSchema === undefined) return [];
  if (takenSchema === undefined) return ["no body is taken any more"];
  return narrowed(pair, { sent: sentSchema, taken: takenSchema }, "body");
}

function replyChanges({ before, after }: Pair, known: Operation, now: Operation): string[] {
  return Object.entries(known.responses).flatMap(([status, response]) => {
    if (Number(status) >= 300) return [];
    const reply = now.responses[status];
    if (reply === undefined) return [`status ${status} is gone`];
    return Object.entries(response.content ?? {}).flatMap(([type, { schema }]) => {
      const schemaNow = reply.content?.[type]?.schema;
      if (schemaNow === undefined) return [`${status} is not ${type} any more`];
      // What is got now has to fit what was got before: the other way round.
      const pair = { before: after, after: before };
      return narrowed(pair, { sent: schemaNow, taken: schema }, `reply ${status}`);
    });
  });
}

/** Of a description, a schema that a reference leads to. */
function resolved(description: ApiDescription, schema: JsonSchema): JsonSchema {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? schema : resolved(description, description.components.schemas[name] ?? {});
}

/** Schemas are compared no deeper: they may refer to themselves. */
const DEPTH_MAX = 12;

/**
 * Where something that fits `sent`, of the description `before`, may not fit `taken`, of `after`. A member
 * that `taken` does not know is one too many where it takes no others.
 */
function narrowed(
  pair: Pair,
  { sent, taken }: { readonly sent: JsonSchema; readonly taken: JsonSchema },
  at: string,
  depth = 0,
): string[] {
  const [from, to] = [resolved(pair.before, sent), resolved(pair.after, taken)];
  if (depth > DEPTH_MAX || JSON.stringify(from) === JSON.stringify(to)) {
    // Alike in words, they may differ in what they refer to; that is compared where it is named itself.
    if (depth > DEPTH_MAX || !JSON.stringify(from).includes("$ref")) return [];
  }
  const inner = (name: string, a: JsonSchema, b: JsonSchema): string[] =>
    narrowed(pair, { sent: a, taken: b }, `${at}.${name}`, depth + 1);
  const alternatives = (schema: JsonSchema): readonly JsonSchema[] | undefined =>
    schema.anyOf ?? schema.oneOf;
  const [many, fitting] = [alternatives(from), alternatives(to)];
  if (many !== undefined || fitting !== undefined) {
    return (many ?? [from]).flatMap((one) => {
      const failures = (fitting ?? [to]).map((each) =>
        narrowed(pair, { sent: one, taken: each }, at, depth + 1),
      );
      return failures.some((changes) => changes.length === 0) ? [] : (failures[0] ?? []);
    });
  }
  return [
    ...typeChanges(from, to, at),
    ...(from.items !== undefined && to.items !== undefined
      ? inner("[]", from.items as JsonSchema, to.items as JsonSchema)
      : []),
    ...memberChanges(from, to, at, inner),
  ];
}

function typeChanges(from: JsonSchema, to: JsonSchema, at: string): string[] {
  const types = (schema: JsonSchema): readonly string[] => [schema.type ?? []].flat() as string[];
  const fits = (type: string): boolean =>
    types(to).length === 0 ||
    types(to).includes(type) ||
    (type === "integer" && types(to).includes("number"));
  const values = (schema: JsonSchema): readonly unknown[] | undefined =>
    schema.const === undefined ? schema.enum : [schema.const];
  const [known, now] = [values(from), values(to)];
  return [
    ...types(from).flatMap((type) => (fits(type) ? [] : [`${at} is no ${type} any more`])),
    ...(now === undefined || (known !== undefined && known.every((value) => now.includes(value)))
      ? []
      : [`${at} may not be ${JSON.stringify((known ?? []).filter((value) => !now.includes(value)))}`]),
    ...BOUNDS.flatMap(([bound, isTighter]) => {
      const [before, after] = [from[bound], to[bound]];
      if (typeof after !== "number" || typeof before !== "number") return [];
      return isTighter(before, after) ? [`${at} has ${bound} ${after}, which was ${before}`] : [];
    }),
  ];
}

type Bound = "maxLength" | "minLength" | "maximum" | "minimum" | "maxItems" | "minItems";
const lower = (before: number, after: number): boolean => after < before;
const higher = (before: number, after: number): boolean => after > before;
const BOUNDS: readonly (readonly [Bound, (before: number, after: number) => boolean])[] = [
  ["maxLength", lower],
  ["maximum", lower],
  ["maxItems", lower],
  ["minLength", higher],
  ["minimum", higher],
  ["minItems", higher],
];

function memberChanges(
  from: JsonSchema,
  to: JsonSchema,
  at: string,
  inner: (name: string, a: JsonSchema, b: JsonSchema) => string[],
): string[] {
  const members = (schema: JsonSchema) => (schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  const [known, now] = [members(from), members(to)];
  const isClosed = to.additionalProperties === false;
  return [
    ...Object.entries(known).flatMap(([name, schema]) => {
      const member = now[name];
      if (member !== undefined) return inner(name, schema, member);
      return isClosed && from.additionalProperties === false ? [`${at}.${name} is gone`] : [];
    }),
    ...(to.required ?? []).flatMap((name) =>
      from.required?.includes(name) === true
        ? []
        : [`${at}.${name} is ${name in known ? "required" : "new and required"}`],
    ),
  ];
}
