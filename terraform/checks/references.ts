import type { Configuration } from "./configuration.ts";
import { evaluate, type Scope, within } from "./evaluate.ts";
import { compile, type Node } from "./expression.ts";
import { hasAttribute, type ProviderSchema } from "./schema.ts";
import { Unknown } from "./terraform-functions.ts";

export type ObjectNode = Extract<Node, { kind: "object" }>;
export type ListNode = Extract<Node, { kind: "list" }>;
export type Kind = "resource" | "data";

/** Everything that expressions can refer to. Values are found when they are asked for, each once. */
export interface References {
  readonly root: Scope;
  value(node: Node, scope?: Scope): unknown;
  body(address: string): ObjectNode;
  /** The instances of a resource: no key without `for_each` and `count`. */
  scopesOf(body: ObjectNode): (readonly [string | undefined, Scope])[];
}

/** Stands for a namespace, or for an instance, until something of it is asked for. */
class Handle {
  readonly attribute: (name: string) => unknown;
  constructor(attribute: (name: string) => unknown) {
    this.attribute = attribute;
  }
}

export const addressOf = (kind: Kind, type: string, name: string): string =>
  kind === "data" ? `data.${type}.${name}` : `${type}.${name}`;

export const instanceAddress = (address: string, key: string | undefined): string =>
  key === undefined ? address : `${address}[${JSON.stringify(key)}]`;

/** @throws Error, when something is asked for that is not there or refers to itself */
export async function openReferences(
  configuration: Configuration,
  variables: Readonly<Record<string, unknown>>,
  schema: ProviderSchema,
): Promise<References> {
  const compiled = await compileAll(configuration);
  const once = rememberer();
  const value = (node: Node, scope: Scope = root): unknown => evaluate(node, scope, step);
  const root: Scope = (name) => {
    if (name === "var") return variables;
    if (name === "local")
      return new Handle((local) => once(`local.${local}`, () => value(at(`local.${local}`))));
    if (name === "path") return { module: configuration.folder };
    if (name === "data") return new Handle((type) => typeHandle("data", type));
    if (configuration.resources[name] !== undefined) return typeHandle("resource", name);
    throw new Error(`There is no ${name}.`);
  };
  const at = (address: string): Node => {
    const node = compiled.get(address);
    if (node === undefined) throw new Error(`There is no ${address}.`);
    return node;
  };
  const body = (address: string): ObjectNode => at(address) as ObjectNode;
  const typeHandle = (kind: Kind, type: string): Handle =>
    new Handle((name) => once(addressOf(kind, type, name), () => instancesOf(kind, type, name)));

  const scopesOf: References["scopesOf"] = (of) => {
    const each = argumentOf(of, "for_each");
    const count = argumentOf(of, "count");
    if (count !== undefined) {
      const indexes = Array.from({ length: Number(value(count)) }, (_, index) => index);
      return indexes.map((index) => [String(index), within(root, { count: { index } })]);
    }
    if (each === undefined) return [[undefined, root]];
    return entriesOf(value(each)).map(([key, item]) => [key, within(root, { each: { key, value: item } })]);
  };

  /** One handle, a list of them for `count`, or a map of them for `for_each`. */
  const instancesOf = (kind: Kind, type: string, name: string): unknown => {
    const address = addressOf(kind, type, name);
    const of = body(address);
    const schemaOf = (kind === "data" ? schema.data : schema.resources)[type];
    const handles = scopesOf(of).map(([key, scope]) => {
      const own = instanceAddress(address, key);
      const handle = new Handle((attribute) => {
        if (schemaOf !== undefined && !hasAttribute(schemaOf, attribute)) {
          throw new Error(`${own} has no attribute ${attribute}.`);
        }
        const node = argumentOf(of, attribute);
        return node === undefined ? new Unknown(`${own}.${attribute}`) : value(node, scope);
      });
      return [key, handle] as const;
    });
    if (argumentOf(of, "count") !== undefined) return handles.map(([, handle]) => handle);
    if (argumentOf(of, "for_each") === undefined) return handles[0]?.[1];
    return Object.fromEntries(handles);
  };
  return { root, value, body, scopesOf };
}

/** Computes each thing once. @throws Error when computing it asks for itself */
function rememberer(): <T>(name: string, make: () => T) => T {
  const known = new Map<string, unknown>();
  const underWay = new Set<string>();
  return <T>(name: string, make: () => T): T => {
    if (!known.has(name)) {
      if (underWay.has(name)) throw new Error(`${name} refers to itself.`);
      underWay.add(name);
      try {
        known.set(name, make());
      } finally {
        underWay.delete(name);
      }
    }
    return known.get(name) as T;
  };
}

export function argumentOf(body: ObjectNode, name: string): Node | undefined {
  return body.entries.find(([key]) => key.kind === "literal" && key.value === name)?.[1];
}

/** What `for_each` goes through. A set's elements are their own keys. */
export function entriesOf(value: unknown): [string, unknown][] {
  if (value instanceof Unknown) throw new Error(`${value.toString()} is not known before it is created.`);
  if (Array.isArray(value)) return value.map((item) => [String(item), item]);
  return Object.entries(value as object);
}

function step(value: unknown, key: string | number): unknown {
  if (value instanceof Handle) return value.attribute(String(key));
  if (value instanceof Unknown) return new Unknown(`${value.address}.${key}`);
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, key)) {
    const seen = value instanceof Object ? Object.keys(value).join(", ") : String(value);
    throw new Error(`There is no ${key} in {${seen}}.`);
  }
  return (value as Record<string | number, unknown>)[key];
}

export async function compileAll(configuration: Configuration): Promise<Map<string, Node>> {
  const compiled = new Map<string, Node>();
  const add = async (prefix: string, bodies: Readonly<Record<string, unknown>>): Promise<void> => {
    for (const [name, body] of Object.entries(bodies)) compiled.set(`${prefix}.${name}`, await compile(body));
  };
  await add("local", configuration.locals);
  await add("output", configuration.outputs);
  for (const [type, named] of Object.entries(configuration.resources)) await add(type, named);
  for (const [type, named] of Object.entries(configuration.data)) await add(`data.${type}`, named);
  return compiled;
}
