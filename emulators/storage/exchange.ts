import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { invalid, StorageError } from "./failure.ts";
import { JSON_BODY_BYTES_MAX } from "./limits.ts";

/** A request, of its own or out of a batch. */
export interface Ask {
  readonly method: string;
  /** As sent, percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
  /** Scheme, host and port as the caller sees them, for the links in answers. */
  readonly origin: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly body?: string | Buffer | Readable | undefined;
}

/** The names in a request's path. */
export type Names = Readonly<Record<string, string>>;

export type Handler = (ask: Ask, names: Names) => Promise<Answer> | Answer;

const JSON_TYPE = "application/json; charset=UTF-8";

/** A JSON answer, cut to what the request's `fields` asks for. */
export function json(ask: Ask, value: unknown, status = 200): Answer {
  const fields = ask.query.get("fields");
  const shown = fields ? select(value, parseFields(fields)) : value;
  return { status, headers: { "content-type": JSON_TYPE }, body: JSON.stringify(shown) };
}

export const xml = (body: string, status = 200): Answer => ({
  status,
  headers: { "content-type": "application/xml; charset=UTF-8" },
  body,
});

export const noContent = (): Answer => ({ status: 204 });

/** A header as one text. */
export function headerOf(ask: Ask, name: string): string | undefined {
  const value = ask.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

/** The whole body; refused beyond `bytesMax`. */
export async function bodyOf(
  content: AsyncIterable<Buffer>,
  bytesMax: number,
  tooLarge: string,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    // What is beyond is read and dropped, so that the caller hears the answer.
    if (size <= bytesMax) chunks.push(chunk);
  }
  if (size > bytesMax) throw invalid(tooLarge);
  return Buffer.concat(chunks);
}

export type JsonObject = Readonly<Record<string, unknown>>;

export async function jsonBody(ask: Ask): Promise<JsonObject> {
  return parseJson(await bodyOf(ask.body, JSON_BODY_BYTES_MAX, "The request body is too large."));
}

export function parseJson(bytes: Buffer): JsonObject {
  const text = bytes.toString().trim();
  if (text === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new StorageError(400, "parseError", "MalformedPolicyDocument", "Parse Error");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("Parse Error");
  return value as JsonObject;
}

/** A whole number in the query; undefined where absent. */
export function intOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw invalid(`Invalid value for ${name}: ${text}`);
  return Number(text);
}

export const flagOf = (query: URLSearchParams, name: string): boolean =>
  query.get(name)?.toLowerCase() === "true";

/** What a `fields` parameter selects: by name, what of the value; undefined: all of it. */
interface Selection {
  readonly [name: string]: Selection | undefined;
}

/** Parses `items(name,size),nextPageToken` or `a/b`: cloud.google.com/storage/docs/json_api#partial-response. */
export function parseFields(text: string): Selection {
  let at = 0;
  const parseList = (): Selection => {
    const selection: Record<string, Selection | undefined> = {};
    for (;;) {
      const name = /^[^,()/]*/.exec(text.slice(at))?.[0] ?? "";
      at += name.length;
      if (name === "") throw invalid(`Invalid field selection ${text}`);
      selection[name.trim()] = parseRest();
      if (text[at] !== ",") return selection;
      at += 1;
    }
  };
  const parseRest = (): Selection | undefined => {
    if (text[at] === "/") {
      at += 1;
      const name = /^[^,()/]*/.exec(text.slice(at))?.[0] ?? "";
      at += name.length;
      return { [name]: parseRest() };
    }
    if (text[at] !== "(") return undefined;
    at += 1;
    const inner = parseList();
    if (text[at] !== ")") throw invalid(`Invalid field selection ${text}`);
    at += 1;
    return inner;
  };
  const selection = parseList();
  if (at < text.length) throw invalid(`Invalid field selection ${text}`);
  return selection;
}

function select(value: unknown, selection: Selection | undefined): unknown {
  if (selection === undefined || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => select(each, selection));
  const picked: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    if (name in selection) picked[name] = select(inner, selection[name]);
    else if ("*" in selection) picked[name] = select(inner, selection["*"]);
  }
  return picked;
}
