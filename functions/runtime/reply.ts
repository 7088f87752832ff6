import type { ServerResponse } from "node:http";

/** What an endpoint replies: a status, and `body` as JSON unless `json`, `text` or `stream` is given. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** The body where it is JSON already. */
  readonly json?: string;
  readonly text?: { readonly type: string; readonly content: string };
  /** Writes the body piece by piece, after the headers, and ends the response. */
  readonly stream?: (response: ServerResponse) => void;
}

/** The reply is that of an earlier request with the same key. */
export const REPLAYED = { "idempotency-replayed": "true" } as const;

export const ok = (body: object, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status: 200,
  body,
  headers,
});
export const okJson = (json: string, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status: 200,
  json,
  headers,
});
export const created = (body: object, replayed = false): Reply => ({
  status: 201,
  body,
  headers: replayed ? REPLAYED : {},
});
export const accepted = (body: object, replayed = false): Reply => ({
  status: 202,
  body,
  headers: replayed ? REPLAYED : {},
});
/** The reply is elsewhere. */
export const redirect = (url: string, headers: Readonly<Record<string, string>>): Reply => ({
  status: 302,
  headers: { ...headers, location: url },
});
export const noContent: Reply = { status: 204 };
export const notModified = (etag: string): Reply => ({ status: 304, headers: { etag } });
