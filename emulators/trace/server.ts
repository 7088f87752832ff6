import type { IncomingMessage, ServerResponse } from "node:http";
import { gunzipSync } from "node:zlib";
import type { Kernel } from "../kernel/grpc.ts";
import { ownMachineOnly } from "../kernel/own-machine.ts";
import { statusNumber } from "../kernel/rpc-error.ts";
import type { RequestListener } from "../kernel/loopback.ts";
import { BODY_BYTES_MAX } from "./limits.ts";
import { parseExport, responseOf } from "./otlp.ts";
import { decodeProtobuf, encodeResponse, encodeStatus } from "./otlp-protobuf.ts";
import { createTraces, type Span, type Traces } from "./state.ts";

export type { Span, TraceFilter, TraceSummary } from "./state.ts";

export interface TraceServer extends Pick<Traces, "list" | "spans"> {
  readonly listener: RequestListener;
}

const JSON_TYPE = "application/json";
const PROTOBUF_TYPE = "application/x-protobuf";

/** What OTLP answers in place of success: a status of HTTP with a `google.rpc.Status`. */
class ExportFailure extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, text: string) {
    super(text);
    this.status = status;
    this.code = code;
  }
}

/** A collector of traces that speaks OTLP over HTTP, in protobuf and JSON, and keeps what it is sent in memory. */
export function openTrace(kernel: Kernel): TraceServer {
  const traces = createTraces();

  const keep = (spans: readonly Span[]): number => spans.filter((span) => !traces.add(span)).length;

  /** Undefined: no answer, ever or any more. */
  const accept = async (request: IncomingMessage): Promise<object | undefined> => {
    const spans = parse(request, await readBody(request));
    const projects = [...new Set(spans.map(({ project }) => `projects/${project}`))].join(" ");
    const fault = kernel.faults.take("trace", "Export", projects);
    if (fault?.kind === "drop") request.socket.destroy();
    if (fault?.kind === "drop" || fault?.kind === "hang") return undefined;
    if (fault?.kind === "before") throw plannedFailure(fault.code);
    if (fault?.kind === "slow") {
      await new Promise<void>((resolve) => kernel.clock.at(kernel.clock.now() + fault.ms, resolve));
    }
    if (fault?.kind === "twice") keep(spans);
    const rejected = keep(spans);
    if (fault?.kind === "after") throw plannedFailure(fault.code);
    return responseOf(rejected);
  };

  return {
    listener: ownMachineOnly((request, response) => {
      route(request, accept).then(
        (answer) => answer !== undefined && respond(request, response, 200, answer),
        (cause: unknown) => {
          const failure =
            cause instanceof ExportFailure
              ? cause
              : new ExportFailure(500, "INTERNAL", "The emulator failed.");
          // A sender that hangs up amid its request is no event here.
          if (failure !== cause && request.complete) console.error(cause);
          request.resume();
          const { status, code, message } = failure;
          if (RETRYABLE.has(status)) response.setHeader("retry-after", "1");
          respond(request, response, status, { code: statusNumber(code), message });
        },
      );
    }),
    list: traces.list,
    spans: traces.spans,
  };
}

async function route(
  request: IncomingMessage,
  accept: (request: IncomingMessage) => Promise<object | undefined>,
): Promise<object | undefined> {
  const path = (request.url ?? "/").split("?", 1)[0];
  if (path === "/v1/metrics" || path === "/v1/logs") {
    throw new ExportFailure(501, "UNIMPLEMENTED", "Only traces are collected here.");
  }
  if (path !== "/v1/traces")
    throw new ExportFailure(404, "NOT_FOUND", "There is nothing here but POST /v1/traces.");
  if (request.method !== "POST") throw new ExportFailure(405, "UNIMPLEMENTED", "Traces are sent by POST.");
  return accept(request);
}

const typeOf = (request: IncomingMessage): string =>
  (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";

function parse(request: IncomingMessage, body: Buffer): Span[] {
  const type = typeOf(request);
  if (type !== JSON_TYPE && type !== PROTOBUF_TYPE) {
    throw new ExportFailure(415, "INVALID_ARGUMENT", `Send ${PROTOBUF_TYPE} or ${JSON_TYPE}.`);
  }
  try {
    return parseExport(type === JSON_TYPE ? JSON.parse(body.toString("utf8")) : decodeProtobuf(body));
  } catch {
    throw new ExportFailure(400, "INVALID_ARGUMENT", "The body is no export of traces.");
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk as Buffer);
  }
  const tooLarge = new ExportFailure(413, "INVALID_ARGUMENT", "The request is too large.");
  if (bytes > BODY_BYTES_MAX) throw tooLarge;
  const body = Buffer.concat(chunks);
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return body;
  if (encoding !== "gzip")
    throw new ExportFailure(415, "INVALID_ARGUMENT", "Compress with gzip or not at all.");
  try {
    return gunzipSync(body, { maxOutputLength: BODY_BYTES_MAX });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge;
    throw new ExportFailure(400, "INVALID_ARGUMENT", "The body is not what gzip makes.");
  }
}

/** The statuses after which OTLP has a sender come again. */
const RETRYABLE = new Set([429, 502, 503, 504]);

const HTTP_STATUS: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

const plannedFailure = (code: string): ExportFailure =>
  new ExportFailure(HTTP_STATUS[code] ?? 500, code, "A planned fault.");

/** In the encoding of the request, as OTLP has it. */
function respond(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  if (response.destroyed) return;
  const isJson = typeOf(request) !== PROTOBUF_TYPE;
  response.writeHead(status, { "content-type": isJson ? JSON_TYPE : PROTOBUF_TYPE });
  response.end(isJson ? JSON.stringify(body) : status === 200 ? encodeResponse(body) : encodeStatus(body));
}
