import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import { AppId } from "../../shared/identity/contract.ts";
import { AppError } from "../../shared/platform/errors.ts";
import { fieldErrors } from "../../shared/platform/field-errors.ts";
import type { Endpoint } from "./endpoint.ts";
import { oneHeader } from "./request-context.ts";
import type { Route } from "./router.ts";

/** Two Host headers make two servers on the way disagree about whose request it is (RFC 9112, 3.2). */
export function demandOneHost(request: IncomingMessage): void {
  const hosts = request.rawHeaders.filter((text, index) => index % 2 === 0 && /^host$/i.test(text));
  if (hosts.length > 1) {
    throw new AppError("invalid_request", "The request names two hosts.", { closeConnection: true });
  }
}

/** For the log: a number says nothing of anybody, where other parts of a path may. */
export const chatOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;

/** A malformed id names no app, so it is not found. */
export function appIdOf(text: string | undefined): string {
  const parsed = AppId.safeParse(text);
  if (!parsed.success) throw new AppError("not_found", "There is no such app.");
  return parsed.data;
}

export function parseParams(endpoint: Pick<Endpoint, "params">, params: Route<unknown>["params"]): unknown {
  if (endpoint.params === undefined) return {};
  const { app: _app, ...own } = params;
  const parsed = endpoint.params.safeParse(own);
  if (!parsed.success) throw new AppError("not_found", "There is no such thing here.");
  return parsed.data;
}

export const searchOf = ({ url = "" }: IncomingMessage): URLSearchParams =>
  new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?")) : "");

export function queryOf(search: URLSearchParams): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of search) {
    if (Object.hasOwn(query, name)) {
      throw new AppError("invalid_request", "A query parameter stands twice.", {
        errors: [{ path: name, message: "must stand once" }],
      });
    }
    Object.defineProperty(query, name, { value, enumerable: true });
  }
  return query;
}

/** @throws AppError `invalid_request` naming the first fields that are wrong */
export function parseInput(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AppError("invalid_request", "Some fields are not valid; see errors.", fieldErrors(parsed.error));
}

export const KEY_CHARS_MAX = 255;

/** A quoted string as in the draft standard, or bare. */
export function requestKeyOf(request: IncomingMessage): string | undefined {
  const header = oneHeader(request.headers["idempotency-key"]);
  if (header === undefined) return undefined;
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header.trim());
  const key = quoted?.[1]?.replace(/\\(["\\])/g, "$1") ?? header.trim();
  if (key.length < 1 || key.length > KEY_CHARS_MAX || (quoted === null && key.includes('"'))) {
    throw new AppError("invalid_request", "The Idempotency-Key is not valid.", {
      errors: [{ path: "Idempotency-Key", message: `must be a string of 1 to ${KEY_CHARS_MAX} characters` }],
    });
  }
  return key;
}
