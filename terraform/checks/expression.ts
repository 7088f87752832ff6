import { getExpressionAst } from "./hcl.ts";

/** A node of an expression, in the form that evaluating needs. */
export type Node =
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | { readonly kind: "template"; readonly parts: readonly Node[] }
  | { readonly kind: "name"; readonly root: string }
  | { readonly kind: "step"; readonly of: Node; readonly key: Node }
  | { readonly kind: "splat"; readonly of: Node; readonly each: Node }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Node[]; readonly spread: boolean }
  | { readonly kind: "operation"; readonly operator: string; readonly args: readonly Node[] }
  | { readonly kind: "conditional"; readonly args: readonly Node[] }
  | { readonly kind: "list"; readonly items: readonly Node[] }
  | { readonly kind: "object"; readonly entries: readonly (readonly [Node, Node])[] }
  | {
      readonly kind: "for";
      readonly keyVar: string;
      readonly valueVar: string;
      readonly of: Node;
      readonly key: Node | undefined;
      readonly value: Node;
      readonly condition: Node | undefined;
      readonly grouped: boolean;
    };

/** What stands for the element within a splat. */
export const SPLAT_ELEMENT = "*";

/** The syntax tree of Terraform's parser. Nodes of empty type are names of keys and parentheses. */
interface Syntax {
  readonly type: string;
  readonly meta?: Readonly<Record<string, unknown>> & {
    readonly traversal?: readonly { readonly type: string; readonly segment: string }[];
  };
  readonly children: readonly Syntax[];
  readonly range: { readonly start: { readonly byte: number }; readonly end: { readonly byte: number } };
}

/**
 * An argument's value with every string in it compiled: plain text stays, `${…}` becomes an expression.
 * Lists and objects become nodes too, so that one evaluation suffices.
 */
export async function compile(value: unknown): Promise<Node> {
  if (typeof value === "string") return compileTemplate(value);
  if (Array.isArray(value)) return { kind: "list", items: await Promise.all(value.map(compile)) };
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(
      async ([key, item]) => [await compileTemplate(key), await compile(item)] as const,
    );
    return { kind: "object", entries: await Promise.all(entries) };
  }
  return { kind: "literal", value: value as number | boolean | null };
}

async function compileTemplate(text: string): Promise<Node> {
  const parts: Node[] = [];
  let plain = "";
  for (let at = 0; at < text.length;) {
    if (text.startsWith("$${", at)) {
      plain += "${";
      at += 3;
    } else if (text.startsWith("${", at)) {
      if (plain !== "") parts.push({ kind: "literal", value: plain });
      plain = "";
      const end = endOfInterpolation(text, at + 2);
      parts.push(await compileExpression(text.slice(at + 2, end)));
      at = end + 1;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  if (plain !== "" || parts.length === 0) parts.push({ kind: "literal", value: plain });
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { kind: "template", parts };
}

/** Where the brace that opened before `from` closes; braces within strings within it do not count. */
function endOfInterpolation(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at + 1);
    else if (char === "{") depth += 1;
    else if (char === "}") {
      if (depth === 0) return at;
      depth -= 1;
    }
  }
  throw new Error(`An interpolation does not end: ${text}`);
}

function endOfString(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text.startsWith("${", at)) at = endOfInterpolation(text, at + 2);
    else if (text[at] === '"') return at;
  }
  throw new Error(`A string does not end: ${text}`);
}

/** @throws Error when it is not an expression, or one of a kind that is not known here */
export function compileExpression(source: string): Promise<Node> {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const compiling = parseExpression(source);
  compiled.set(source, compiling);
  return compiling;
}

/**
 * Plans of one configuration with other variables compile the same expressions; each takes the parser a
 * millisecond.
 */
const compiled = new Map<string, Promise<Node>>();

async function parseExpression(source: string): Promise<Node> {
  const syntax = (await getExpressionAst("expression", source)) as Syntax | null;
  if (syntax === null) throw new Error(`This is no expression: ${source}`);
  return nodeOf(syntax, Buffer.from(source));
}

function nodeOf(syntax: Syntax, source: Buffer): Node {
  const { meta = {}, children } = syntax;
  const nodes = (): Node[] => children.map((child) => nodeOf(child, source));
  const [first, second, third] = children;
  switch (syntax.type) {
    case "": {
      // Parentheses hold an expression; a bare word is the name of a key, or the element of a splat.
      if (first !== undefined) return nodeOf(first, source);
      const text = source.subarray(syntax.range.start.byte, syntax.range.end.byte).toString();
      return /^\w/.test(text) ? { kind: "literal", value: text } : { kind: "name", root: SPLAT_ELEMENT };
    }
    case "literalValue":
      return { kind: "literal", value: literalOf(String(meta.type), String(meta.value)) };
    case "template":
    case "templateWrap":
      return children.length === 1 && first !== undefined
        ? nodeOf(first, source)
        : { kind: "template", parts: nodes() };
    case "scopeTraversal": {
      const [root, ...rest] = meta.traversal ?? [];
      return stepsOf({ kind: "name", root: root?.segment ?? "" }, rest);
    }
    case "relativeTraversal":
      return stepsOf(nodeOf(first as Syntax, source), meta.traversal ?? []);
    case "index":
      return { kind: "step", of: nodeOf(first as Syntax, source), key: nodeOf(second as Syntax, source) };
    case "splat":
      return { kind: "splat", of: nodeOf(first as Syntax, source), each: nodeOf(second as Syntax, source) };
    case "function":
      return {
        kind: "call",
        name: String(meta.name),
        args: nodes(),
        spread: meta.expandedFinalArgument === true,
      };
    case "unaryOp":
    case "binaryOp":
      return { kind: "operation", operator: String(meta.operator), args: nodes() };
    case "conditional":
      return { kind: "conditional", args: [first, second, third].map((it) => nodeOf(it as Syntax, source)) };
    case "tuple":
      return { kind: "list", items: nodes() };
    case "object":
      return { kind: "object", entries: pairsOf(nodes()) };
    case "for":
      return forOf(meta, nodes());
    default:
      throw new Error(`Expressions of type ${syntax.type} are not evaluated.`);
  }
}

const stepsOf = (of: Node, traversal: readonly { type: string; segment: string }[]): Node =>
  traversal.reduce<Node>((node, { segment }) => {
    const value = segment.startsWith('"') ? (JSON.parse(segment) as string) : segment;
    return { kind: "step", of: node, key: { kind: "literal", value } };
  }, of);

function pairsOf(nodes: readonly Node[]): (readonly [Node, Node])[] {
  const pairs: (readonly [Node, Node])[] = [];
  for (let at = 0; at + 1 < nodes.length; at += 2) pairs.push([nodes[at] as Node, nodes[at + 1] as Node]);
  return pairs;
}

/**
 * Terraform's parser hands out the collection, then the key if there is one, the value, and the condition if
 * there is one.
 */
function forOf(meta: Readonly<Record<string, unknown>>, nodes: readonly Node[]): Node {
  const rest = [...nodes];
  const take = (isThere: boolean): Node | undefined => (isThere ? rest.shift() : undefined);
  return {
    kind: "for",
    keyVar: meta.keyVar as string,
    valueVar: meta.valVar as string,
    of: take(true) as Node,
    key: take(Boolean(meta.keyExpression)),
    value: take(true) as Node,
    condition: take(Boolean(meta.conditionalExpression)),
    grouped: meta.groupedValue === true,
  };
}

function literalOf(type: string, value: string): string | number | boolean | null {
  if (type === "number") return Number(value);
  if (type === "bool") return value === "true";
  if (type === "string") return unescaped(value);
  return null;
}

/** Strings within expressions come as they are written. */
const unescaped = (text: string): string =>
  text
    .replaceAll("$${", "${")
    .replaceAll(/\\(["\\nt])/g, (_, char: string) => ({ n: "\n", t: "\t" })[char] ?? char);
