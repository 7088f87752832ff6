/**
 * The part of Cloud Logging's query language that the metrics use
 * (cloud.google.com/logging/docs/view/logging-query-language): comparisons with = != > >= < <= : =~ !~, a
 * field that is there (`field:*`), NOT, OR, AND (binding in this order, unlike in most languages) and
 * parentheses. Strings are compared as the language says: `=` and `:` without regard to case, `:` as a part,
 * patterns with regard to it.
 */
export type LogFilter = (entry: Readonly<Record<string, unknown>>) => boolean;

/** @throws Error naming what is not understood */
export function parseLogFilter(text: string): LogFilter {
  const tokens = tokensOf(text);
  let at = 0;
  const peek = (): Token | undefined => tokens[at];
  const take = (): Token => {
    const token = tokens[at];
    if (token === undefined) throw new Error(`The filter ends too early: ${text}`);
    at += 1;
    return token;
  };
  const isNext = (word: string): boolean => peek()?.kind === "word" && peek()?.text === word;

  /** OR binds tighter than AND. Two comparisons in a row are both meant. */
  const conjunction = (): LogFilter => {
    const parts = [disjunction()];
    while (peek() !== undefined && peek()?.text !== ")") {
      if (isNext("AND")) take();
      parts.push(disjunction());
    }
    return (entry) => parts.every((part) => part(entry));
  };
  const disjunction = (): LogFilter => {
    const parts = [negation()];
    while (isNext("OR")) {
      take();
      parts.push(negation());
    }
    return (entry) => parts.some((part) => part(entry));
  };
  const negation = (): LogFilter => {
    if (!isNext("NOT")) return comparison();
    take();
    const part = negation();
    return (entry) => !part(entry);
  };
  const comparison = (): LogFilter => {
    const token = take();
    if (token.text === "(" && token.kind === "sign") {
      const inner = conjunction();
      if (take().text !== ")") throw new Error(`A parenthesis does not close: ${text}`);
      return inner;
    }
    if (token.kind !== "word") throw new Error(`A field was expected in place of ${token.text}: ${text}`);
    const operator = take();
    const compare = COMPARISONS[operator.text];
    if (operator.kind !== "sign" || compare === undefined) {
      throw new Error(`${operator.text} is no comparison: ${text}`);
    }
    const value = take();
    if (value.kind === "sign") throw new Error(`A value was expected in place of ${value.text}: ${text}`);
    const path = token.text.split(".");
    return (entry) => compare(fieldOf(entry, path), value, path);
  };

  const filter = conjunction();
  if (peek() !== undefined) throw new Error(`${peek()?.text} is one too many: ${text}`);
  return filter;
}

interface Token {
  readonly kind: "word" | "string" | "sign";
  readonly text: string;
}

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|(=~|!~|!=|>=|<=|[=><:()])|([\w.*/-]+))/y;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const from = TOKEN.lastIndex;
    const [, quoted, sign, word] = TOKEN.exec(text) ?? [];
    if (quoted !== undefined) tokens.push({ kind: "string", text: JSON.parse(quoted) });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
    else throw new Error(`This is not understood: ${text.slice(from, from + 20)}`);
  }
  return tokens;
}

function fieldOf(entry: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string, unknown>)[key]
        : undefined,
    entry,
  );
}

/** In the order of their weight, as LogSeverity numbers them. */
const SEVERITIES = [
  "DEFAULT",
  "DEBUG",
  "INFO",
  "NOTICE",
  "WARNING",
  "ERROR",
  "CRITICAL",
  "ALERT",
  "EMERGENCY",
];

type Comparison = (field: unknown, value: Token, path: readonly string[]) => boolean;

const textOf = (field: unknown): string => (typeof field === "string" ? field : JSON.stringify(field));

const isSame = (field: unknown, { text }: Token): boolean =>
  field !== undefined && textOf(field).toLowerCase() === text.toLowerCase();

/** Numbers by size, severities by weight; a field that is not there compares with nothing. */
const ordered =
  (holds: (difference: number) => boolean): Comparison =>
  (field, { text }, path) => {
    if (field === undefined) return false;
    const isSeverity = path.join(".") === "severity";
    const [one, other] = isSeverity
      ? [SEVERITIES.indexOf(textOf(field)), SEVERITIES.indexOf(text)]
      : [Number(field), Number(text)];
    return !Number.isNaN(one) && !Number.isNaN(other) && holds(one - other);
  };

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  "=": isSame,
  "!=": (field, value) => field !== undefined && !isSame(field, value),
  ">": ordered((difference) => difference > 0),
  ">=": ordered((difference) => difference >= 0),
  "<": ordered((difference) => difference < 0),
  "<=": ordered((difference) => difference <= 0),
  ":": (field, value) =>
    field !== undefined &&
    ((value.kind === "word" && value.text === "*") ||
      textOf(field).toLowerCase().includes(value.text.toLowerCase())),
  "=~": (field, { text }) => field !== undefined && new RegExp(text).test(textOf(field)),
  "!~": (field, { text }) => field !== undefined && !new RegExp(text).test(textOf(field)),
};

/** Fields that Cloud Run's log agent lifts out of a JSON line; the others stand below jsonPayload. */
const LIFTED = new Map([
  ["severity", "severity"],
  ["time", "timestamp"],
  ["httpRequest", "httpRequest"],
  ["logging.googleapis.com/trace", "trace"],
  ["logging.googleapis.com/spanId", "spanId"],
]);

/** The log entry that a line on a function's standard output becomes. */
export function entryOf(
  line: Readonly<Record<string, unknown>>,
  service: string,
): Readonly<Record<string, unknown>> {
  const entry: Record<string, unknown> = {
    severity: "DEFAULT",
    resource: { type: "cloud_run_revision", labels: { service_name: service } },
  };
  const payload: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(line)) {
    const lifted = LIFTED.get(name);
    if (lifted === undefined) payload[name] = value;
    else entry[lifted] = value;
  }
  return { ...entry, jsonPayload: payload };
}
