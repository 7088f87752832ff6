import { FILTER_BYTES_MAX } from "./limits.ts";

/**
 * Filters of subscriptions, over the attributes of messages
 * (cloud.google.com/pubsub/docs/subscription-message-filter#filtering_syntax):
 *
 *   expression = term { "AND" term } | term { "OR" term }
 *   term       = [ "NOT" | "-" ] ( "(" expression ")" | test )
 *   test       = "attributes" ":" key
 *              | "attributes" "." key ( "=" | "!=" ) string
 *              | "hasPrefix" "(" "attributes" "." key "," string ")"
 *
 * AND and OR don't stand beside each other without parentheses.
 */
export type Matches = (attributes: Readonly<Record<string, string>>) => boolean;

interface Token {
  readonly kind: "word" | "string" | "sign";
  readonly text: string;
}

const TOKEN =
  /\s*(?:(?<word>[A-Za-z0-9_](?:[A-Za-z0-9_-])*)|"(?<string>(?:[^"\\]|\\.)*)"|(?<sign>!=|[():.,=-]))/uy;
const ESCAPE =
  /\\(?:u(?<u4>[0-9a-fA-F]{4})|U(?<u8>[0-9a-fA-F]{8})|x(?<hex>[0-9a-fA-F]{2})|(?<octal>[0-7]{3})|(?<char>.))/gu;
const NAMED_ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** Throws SyntaxError. An empty filter matches everything. */
export function parseFilter(text: string): Matches {
  if (text.trim() === "") return () => true;
  if (Buffer.byteLength(text) > FILTER_BYTES_MAX)
    throw new SyntaxError(`A filter has at most ${FILTER_BYTES_MAX} bytes.`);
  const tokens = tokenize(text);
  const parser = createParser(tokens);
  const matches = parser.expression();
  parser.end();
  return matches;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  let end = 0;
  while (text.slice(end).trim() !== "") {
    pattern.lastIndex = end;
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) throw new SyntaxError(`Unexpected: ${text.slice(end).trim()}`);
    end = pattern.lastIndex;
    if (groups["word"] !== undefined) tokens.push({ kind: "word", text: groups["word"] });
    else if (groups["sign"] !== undefined) tokens.push({ kind: "sign", text: groups["sign"] });
    else tokens.push({ kind: "string", text: unescape(groups["string"] ?? "") });
  }
  return tokens;
}

const unescape = (text: string): string =>
  text.replace(ESCAPE, (...found) => {
    const groups = found.at(-1) as Record<string, string | undefined>;
    const code = groups["u4"] ?? groups["u8"] ?? groups["hex"];
    if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
    if (groups["octal"] !== undefined) return String.fromCodePoint(Number.parseInt(groups["octal"], 8));
    const char = groups["char"] as string;
    return NAMED_ESCAPES[char] ?? char;
  });

/** Keys such as "constructor" must not match inherited properties. */
const attributeOf = (attributes: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(attributes, name) ? attributes[name] : undefined;

function createParser(tokens: readonly Token[]) {
  let at = 0;

  const take = (kind: Token["kind"], text?: string): string | undefined => {
    const token = tokens[at];
    if (token === undefined || token.kind !== kind || (text !== undefined && token.text !== text))
      return undefined;
    at += 1;
    return token.text;
  };
  const need = (kind: Token["kind"], text?: string): string => {
    const taken = take(kind, text);
    if (taken === undefined)
      throw new SyntaxError(`Expected ${text ?? kind} at ${tokens[at]?.text ?? "the end"}.`);
    return taken;
  };
  const key = (): string => take("string") ?? need("word");

  const attribute = (): string => {
    need("word", "attributes");
    need("sign", ".");
    return key();
  };

  const test = (): Matches => {
    if (take("word", "hasPrefix") !== undefined) {
      need("sign", "(");
      const name = attribute();
      need("sign", ",");
      const prefix = need("string");
      need("sign", ")");
      return (attributes) => attributeOf(attributes, name)?.startsWith(prefix) ?? false;
    }
    need("word", "attributes");
    if (take("sign", ":") !== undefined) {
      const name = key();
      return (attributes) => attributeOf(attributes, name) !== undefined;
    }
    need("sign", ".");
    const name = key();
    const unequal = take("sign", "!=") !== undefined;
    if (!unequal) need("sign", "=");
    const value = need("string");
    return (attributes) => (attributeOf(attributes, name) === value) !== unequal;
  };

  const term = (): Matches => {
    if (take("word", "NOT") !== undefined || take("sign", "-") !== undefined) {
      const negated = term();
      return (attributes) => !negated(attributes);
    }
    if (take("sign", "(") === undefined) return test();
    const inner = expression();
    need("sign", ")");
    return inner;
  };

  const expression = (): Matches => {
    const terms = [term()];
    const joint = take("word", "AND") ?? take("word", "OR");
    if (joint === undefined) return terms[0] as Matches;
    do terms.push(term());
    while (take("word", joint) !== undefined);
    if (tokens[at]?.kind === "word") throw new SyntaxError("AND and OR need parentheses between them.");
    return joint === "AND"
      ? (attributes) => terms.every((matches) => matches(attributes))
      : (attributes) => terms.some((matches) => matches(attributes));
  };

  return {
    expression,
    end() {
      if (at < tokens.length) throw new SyntaxError(`Unexpected: ${tokens[at]?.text}`);
    },
  };
}
