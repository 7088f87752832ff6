import { type Metadata, status } from "@grpc/grpc-js";

export type StatusName = keyof typeof status;

/** HTTP's status for a gRPC status, as `google/rpc/code.proto` maps them; 500 for those that are not here. */
const HTTP_STATUS: Readonly<Partial<Record<StatusName, number>>> = {
  OK: 200,
  CANCELLED: 499,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  UNAUTHENTICATED: 401,
};

/** The gRPC status that is nearest to one of HTTP, for the services that have only the latter. */
const NAME_OF_HTTP: Readonly<Record<number, StatusName>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  412: "FAILED_PRECONDITION",
  416: "OUT_OF_RANGE",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  500: "INTERNAL",
  501: "UNIMPLEMENTED",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

export interface StatusOptions<Words> {
  /** Absent: what google/rpc/code.proto maps the status to. */
  readonly httpStatus?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent after a gRPC status, for clients that read error details from there. */
  readonly trailers?: Metadata | undefined;
  readonly words?: Words;
}

/**
 * What an emulated service answers instead of a result. It is the same for all services; each protocol
 * renders it: gRPC as a status, REST as Google's error body, the others in the words of the service.
 */
export class StatusError<Words = unknown> extends Error {
  readonly code: StatusName;
  readonly httpStatus: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Metadata | undefined;
  /** What only the service's own protocol says: a reason, a parameter, an XML code. */
  readonly words: Words;

  constructor(code: StatusName, message: string, options: StatusOptions<Words> = {}) {
    super(message);
    this.name = "StatusError";
    this.code = code;
    this.httpStatus = options.httpStatus ?? HTTP_STATUS[code] ?? 500;
    this.headers = options.headers ?? {};
    this.trailers = options.trailers;
    this.words = options.words as Words;
  }
}

/** The error of a service that has HTTP's statuses only. */
export const httpError = <Words>(
  httpStatus: number,
  message: string,
  options: Omit<StatusOptions<Words>, "httpStatus" | "trailers"> & { readonly words: Words },
): StatusError<Words> =>
  new StatusError(NAME_OF_HTTP[httpStatus] ?? "UNKNOWN", message, { ...options, httpStatus });

/** The status number of a name; UNKNOWN for a name that is none. */
export const statusNumber = (code: string): number => status[code as StatusName] ?? status.UNKNOWN;

/** The name that planned faults give as text; UNKNOWN for a name that is none. */
export const statusName = (code: string): StatusName =>
  Object.hasOwn(status, code) ? (code as StatusName) : "UNKNOWN";

/** The error's body as Google's JSON APIs have it: https://cloud.google.com/apis/design/errors. */
export const googleErrorBody = (
  { code, httpStatus, message }: Pick<StatusError, "code" | "httpStatus" | "message">,
  details?: readonly object[],
): { readonly error: { readonly code: number; readonly message: string; readonly status: string } } => ({
  error: { code: httpStatus, message, status: code, ...(details === undefined ? {} : { details }) },
});
