import type { IncomingHttpHeaders } from "node:http";
import type { z } from "zod";
import type { App } from "../../shared/identity/app.ts";
import type { Caller } from "../../shared/identity/caller.ts";
import type { Permission } from "../../shared/identity/permissions.ts";
import type { Spend } from "../../shared/identity/spend.ts";
import type { Principal } from "../../shared/identity/principal.ts";
import type { HttpDeps } from "./http-deps.ts";
import type { Reply } from "./reply.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Who may call an endpoint: anyone, the operator, or whoever holds the permission in the app of the path. */
export type Access = "anyone" | "operator" | Permission;

/** When an endpoint was declared old, when it will be gone, and what comes after it. Times as RFC 3339. */
export interface Deprecation {
  readonly since: string;
  readonly sunset: string;
  /** Where the next version is described, or a path of it. */
  readonly successor: string;
}

/** What every endpoint is called with. */
export interface EndpointRequest<D, Params, Query, Body> {
  readonly deps: D;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The Idempotency-Key, on endpoints that take one. */
  readonly requestKey: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly caller: Caller;
  /**
   * Counts further operations against the caller's limit, once it is known how many there will be and before
   * they are made. @throws AppError `quota_exceeded`
   */
  readonly spend: Spend;
}

/** Only a path with {app} has an app. */
type AppOf<Path extends string> = Path extends `${string}{app}${string}` ? { readonly app: App } : unknown;
interface Called {
  readonly principal: Principal;
}

interface Spec<Path extends string, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly method: Method;
  /** As in the API's documentation: /v1/apps/{app}/chats/{chat} */
  readonly path: Path;
  /** What it does, in a sentence, for the API's description. */
  readonly summary: string;
  /** The statuses that it replies with; without them, that of its kind. */
  readonly statuses?: readonly number[];
  /** Whoever accepts an event stream gets one, with 200. */
  readonly streams?: true;
  /** It knows ETags: `If-None-Match` of what it reads, `If-Match` of what it changes. */
  readonly conditional?: "read" | "write";
  /** Counts under the stricter limit of sign-ins. */
  readonly signIn?: boolean;
  /** Who has a second factor must have proved it just now. */
  readonly sensitive?: boolean;
  /** Only for the person themselves: no server may ask for it in their name. */
  readonly own?: boolean;
  /** Takes a ticket (`?ticket=`) in place of a token. */
  readonly ticket?: boolean;
  /** It is to go; clients are told so with every reply. */
  readonly deprecated?: Deprecation;
  /**
   * Firestore operations that a request makes at most, where these may be more than OPERATIONS_FREE; by its
   * query, where that says how many rows are wanted. What is known only later is for `spend`.
   */
  readonly operations?: number | ((query: z.output<Q>) => number);
  /** Takes an Idempotency-Key. */
  readonly idempotent?: boolean;
  /** The path's parameters other than {app}; what does not fit is not found. */
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** A body as somebody would send it, for the API's description; a test sends it. */
  readonly example?: NoInfer<z.input<B>>;
  /** The body of a successful reply: JSON of this schema, or what else it is. */
  readonly reply: z.ZodType | "empty" | "event-stream" | "html";
}

/** A spec whose handler is called with `Extra` besides what every handler is called with. */
type Handled<
  D,
  Path extends string,
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  Extra,
> = Spec<Path, P, Q, B> & {
  handle(request: EndpointRequest<D, z.output<P>, z.output<Q>, z.output<B>> & Extra): Promise<Reply>;
  /**
   * The first reply to a request whose effect is stored under its key; undefined when there is none. Asked
   * when the request is refused: what it refers to may be gone since, and the caller's rights too.
   */
  replay?(
    request: EndpointRequest<D, z.output<P>, z.output<Q>, z.output<B>> &
      Extra & { readonly requestKey: string },
  ): Promise<Reply | undefined>;
};

/** An endpoint in a table of endpoints, where different schemas stand side by side. */
export interface Endpoint<D extends HttpDeps = HttpDeps> extends Omit<
  Spec<string, z.ZodType, z.ZodType, z.ZodType>,
  "operations"
> {
  readonly access: Access;
  // oxlint-disable-next-line typescript/no-explicit-any -- the schema of the query has checked it
  readonly operations?: number | ((query: any) => number);
  // oxlint-disable-next-line typescript/no-explicit-any -- the schemas of the spec have checked them
  handle(request: EndpointRequest<D, any, any, any> & { app?: App; principal?: Principal }): Promise<Reply>;
  replay?(
    // oxlint-disable-next-line typescript/no-explicit-any -- the schemas of the spec have checked them
    request: EndpointRequest<D, any, any, any> & { app?: App; principal?: Principal; requestKey: string },
  ): Promise<Reply | undefined>;
}

/**
 * The three kinds of endpoints, for endpoints that work with `D`. There is no default, so none can be
 * forgotten.
 */
export const endpointsOf = <D extends HttpDeps>() => ({
  /** For whoever holds a permission in the app of the path. */
  appEndpoint: <
    Path extends `${string}{app}${string}`,
    P extends z.ZodType,
    Q extends z.ZodType,
    B extends z.ZodType,
  >(
    spec: Handled<D, Path, P, Q, B, { readonly app: App } & Called> & { readonly access: Permission },
  ): Endpoint<D> => spec,
  /** For the operator of the deployment. */
  systemEndpoint: <Path extends string, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
    spec: Handled<D, Path, P, Q, B, AppOf<Path> & Called>,
  ): Endpoint<D> => ({ ...spec, access: "operator" }),
  /** For anyone: nobody is known to have called it. */
  publicEndpoint: <Path extends string, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
    spec: Handled<D, Path, P, Q, B, AppOf<Path>>,
  ): Endpoint<D> => ({ ...spec, access: "anyone" }),
});

/** The statuses of an endpoint's replies but those of problems: 204, 201 or 200 unless it says others. */
export const statusesOf = ({
  method,
  reply,
  statuses,
  conditional,
}: Pick<Endpoint, "method" | "reply" | "statuses" | "conditional">): readonly number[] => [
  ...(statuses ?? [reply === "empty" ? 204 : method === "POST" ? 201 : 200]),
  ...(conditional === "read" ? [304] : []),
];

/** `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and a link to what comes next. */
export const deprecationHeaders = ({ since, sunset, successor }: Deprecation): Record<string, string> => ({
  deprecation: `@${Math.floor(Date.parse(since) / 1000)}`,
  sunset: new Date(sunset).toUTCString(),
  link: `<${successor}>; rel="successor-version"`,
});
