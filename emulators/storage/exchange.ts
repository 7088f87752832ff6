import type { IncomingHttpHeaders } from "node:http";
import { parseJson as parseJsonText, readBody, type Reply } from "../kernel/http.ts";

import { invalid, storageError } from "./failure.ts";
import { JSON_BODY_BYTES_MAX } from "./limits.ts";

/** A request: its own, or one from a batch. */
export interface StorageRequest {
  readonly method: string;
  /** As sent, percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
  /** Scheme, host and port as the caller sees them, for the links in answers. */
  readonly origin: string;
}

/** The names in a request's path. */
export type Names = Readonly<Record<string, string>>;

export type Handler = (request: StorageRequest, names: Names) => Promise<Reply> | Reply;

const JSON_TYPE = "application/json; charset=UTF-8";

/** A JSON answer, cut to what the request's `fields` asks for. */
export function json(request: StorageRequest, value: unknown, status = 200): Reply {
  const fields = request.query.get("fields");
  const shown = fields ? select(value, parseFields(fields)) : value;
  return { status, headers: { "content-type": JSON_TYPE }, body: JSON.stringify(shown) };
}

export const xml = (body: string, status = 200): Reply => ({
  status,
  headers: { "content-type": "application/xml; charset=UTF-8" },
  body,
});

export const noContent = (): Reply => ({ status: 204 });

export { headerOf, type Reply } from "../kernel/http.ts";

/** The whole body; refused beyond `bytesMax`. */
export const bodyOf = (content: AsyncIterable<Buffer>, bytesMax: number, tooLarge: string): Promise<Buffer> =>
  readBody(content, { bytesMax, tooLarge: () => invalid(tooLarge) });

export type JsonObject = Readonly<Record<string, unknown>>;

export async function jsonBody(request: StorageRequest): Promise<JsonObject> {
  return parseJson(await bodyOf(request.body, JSON_BODY_BYTES_MAX, "The request body is too large."));
}

export function parseJson(bytes: Buffer): JsonObject {
  const text = bytes.toString().trim();
  if (text === "") return {};
  const value = parseJsonText(text, () =>
    storageError({
      status: 400,
      reason: "parseError",
      xmlCode: "MalformedPolicyDocument",
      message: "Parse Error",
    }),
  );
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

/** The selection of a `fields` parameter, by name; undefined selects the whole value. */
interface Selection {
  readonly [name: string]: Selection | undefined;
}

/**
 * Parses `items(name,size),nextPageToken` or `a/b`: cloud.google.com/storage/docs/json_api#partial-response.
 */
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
