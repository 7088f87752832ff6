import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { z } from "zod";
import type { App } from "../../shared/identity/app.ts";
import type { Caller } from "../../shared/identity/caller.ts";
import type { Permission } from "../../shared/identity/permissions.ts";
import type { Principal } from "../../shared/identity/principal.ts";
import type { ApiDeps } from "../http/api-deps.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/**
 * Who may call an endpoint: anyone, the operator, or whoever holds the permission in the app of the
 * path. There is no default, so none can be forgotten.
 */
export type Access = "anyone" | "operator" | Permission;

/** What a handler answers: a status, and JSON unless `text` is given. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly text?: { readonly type: string; readonly content: string };
  /** Writes the answer as it comes, after the headers, and ends it. */
  readonly stream?: (response: ServerResponse) => void;
}

/** When an endpoint was declared old, when it will be gone, and what comes after it. Times as RFC 3339. */
export interface Deprecation {
  readonly since: string;
  readonly sunset: string;
  /** Where the next version is described, or a path of it. */
  readonly successor: string;
}

export interface EndpointRequest<Params, Query, Body> {
  readonly deps: ApiDeps;
  /** The app of the path. Endpoints without one have no use for it and get a handle to no app. */
  readonly app: App;
  /** The caller. Endpoints open to anyone get one without rights. */
  readonly principal: Principal;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The Idempotency-Key, on endpoints that take one. */
  readonly requestKey: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly caller: Caller;
}

export interface EndpointSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly method: Method;
  /** As in the API's documentation: /v1/apps/{app}/chats/{chat} */
  readonly path: string;
  readonly access: Access;
  /** Counts under the stricter limit of sign-ins. */
  readonly signIn?: boolean;
  /** Who has a second factor must have proved it just now. */
  readonly sensitive?: boolean;
  /** Takes a ticket (`?ticket=`) in place of a token. */
  readonly ticket?: boolean;
  /** It is to go; clients are told so with every answer. */
  readonly deprecated?: Deprecation;
  /** Takes an Idempotency-Key. */
  readonly idempotent?: boolean;
  /** The path's parameters other than {app}; what does not fit is not found. */
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** The successful answer's body. */
  readonly answer?: z.ZodType;
  handle(request: EndpointRequest<z.output<P>, z.output<Q>, z.output<B>>): Promise<Answer>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a table of endpoints holds different schemas side by side
export type Endpoint = EndpointSpec<any, any, any>;

export const endpoint = <P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  spec: EndpointSpec<P, Q, B>,
): Endpoint => spec;

export const ok = (body: object, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status: 200,
  body,
  headers,
});
export const created = (body: object, replayed = false): Answer => ({
  status: 201,
  body,
  headers: replayed ? { "idempotency-replayed": "true" } : {},
});
export const accepted = (body: object): Answer => ({ status: 202, body });
export const noContent: Answer = { status: 204 };
/** `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and a link to what comes next. */
export const deprecationHeaders = ({ since, sunset, successor }: Deprecation): Record<string, string> => ({
  deprecation: `@${Math.floor(Date.parse(since) / 1000)}`,
  sunset: new Date(sunset).toUTCString(),
  link: `<${successor}>; rel="successor-version"`,
});

export const notModified = (etag: string): Answer => ({ status: 304, headers: { etag } });
