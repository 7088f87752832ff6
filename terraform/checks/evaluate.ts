import { type Node, SPLAT_ELEMENT } from "./expression.ts";
import { FUNCTIONS, Unknown } from "./terraform-functions.ts";

/** What a name stands for; @throws Error when it stands for nothing */
export type Scope = (root: string) => unknown;

/** Takes one step into a value, by key or index; @throws Error when there is nothing */
export type Step = (value: unknown, key: string | number) => unknown;

const OPERATIONS: Readonly<Record<string, (one: unknown, other?: unknown) => unknown>> = {
  equal: (one, other) => one === other,
  notEqual: (one, other) => one !== other,
  greaterThan: (one, other) => Number(one) > Number(other),
  greaterThanOrEqual: (one, other) => Number(one) >= Number(other),
  lessThan: (one, other) => Number(one) < Number(other),
  lessThanOrEqual: (one, other) => Number(one) <= Number(other),
  add: (one, other) => Number(one) + Number(other),
  subtract: (one, other) => Number(one) - Number(other),
  multiply: (one, other) => Number(one) * Number(other),
  divide: (one, other) => Number(one) / Number(other),
  modulo: (one, other) => Number(one) % Number(other),
  negate: (one) => -Number(one),
  logicalNot: (one) => one !== true,
};

/** The value of an expression, as `terraform plan` would know it before anything is created. */
export function evaluate(node: Node, scope: Scope, step: Step): unknown {
  const value = (of: Node): unknown => evaluate(of, scope, step);
  switch (node.kind) {
    case "literal":
      return node.value;
    case "template":
      return node.parts.map((part) => FUNCTIONS.tostring?.(value(part))).join("");
    case "name":
      return scope(node.root);
    case "step":
      return step(value(node.of), value(node.key) as string | number);
    case "splat": {
      const of = value(node.of);
      const items = Array.isArray(of) ? of : [of];
      return items.map((item) => evaluate(node.each, within(scope, { [SPLAT_ELEMENT]: item }), step));
    }
    case "call":
      return call(node, value);
    case "operation": {
      const [one, other] = node.args as [Node, Node?];
      if (node.operator === "logicalAnd") return value(one) === true && value(other as Node) === true;
      if (node.operator === "logicalOr") return value(one) === true || value(other as Node) === true;
      const apply = OPERATIONS[node.operator];
      if (apply === undefined) throw new Error(`The operator ${node.operator} is not known.`);
      return apply(value(one), other && value(other));
    }
    case "conditional": {
      const [condition, then, otherwise] = node.args as [Node, Node, Node];
      return value(condition) === true ? value(then) : value(otherwise);
    }
    case "list":
      return node.items.map(value);
    case "object":
      return Object.fromEntries(node.entries.map(([key, item]) => [String(value(key)), value(item)]));
    case "for":
      return forEach(node, scope, step);
  }
}

export const within =
  (scope: Scope, names: Readonly<Record<string, unknown>>): Scope =>
  (root) =>
    Object.hasOwn(names, root) ? names[root] : scope(root);

function call(node: Extract<Node, { kind: "call" }>, value: (of: Node) => unknown): unknown {
  if (node.name === "try" || node.name === "can") return attempt(node.name, node.args, value);
  const apply = FUNCTIONS[node.name];
  if (apply === undefined) throw new Error(`The function ${node.name} is not known.`);
  const args = node.args.map(value);
  return node.spread ? apply(...args.slice(0, -1), ...(args.at(-1) as unknown[])) : apply(...args);
}

/** `try` answers with the first argument that can be evaluated, `can` with whether its own can be. */
function attempt(name: string, args: readonly Node[], value: (of: Node) => unknown): unknown {
  let failure: unknown;
  for (const arg of args) {
    try {
      const result = value(arg);
      return name === "can" ? true : result;
    } catch (cause) {
      failure = cause;
    }
  }
  if (name === "can") return false;
  throw failure;
}

function forEach(node: Extract<Node, { kind: "for" }>, scope: Scope, step: Step): unknown {
  const of = evaluate(node.of, scope, step);
  if (of instanceof Unknown) throw new Error(`${of.toString()} is not known before it is created.`);
  const entries = Array.isArray(of) ? [...of.entries()] : Object.entries(of as object);
  const items: unknown[] = [];
  const object: Record<string, unknown> = {};
  for (const [key, item] of entries) {
    const inner = within(scope, { [node.keyVar]: key, [node.valueVar]: item });
    if (node.condition !== undefined && evaluate(node.condition, inner, step) !== true) continue;
    const result = evaluate(node.value, inner, step);
    if (node.key === undefined) {
      items.push(result);
      continue;
    }
    const name = String(evaluate(node.key, inner, step));
    if (node.grouped) object[name] = [...((object[name] as unknown[] | undefined) ?? []), result];
    else if (Object.hasOwn(object, name)) throw new Error(`The key ${name} comes twice.`);
    else object[name] = result;
  }
  return node.key === undefined ? items : object;
}
