import type { IncomingMessage } from "node:http";
import { gunzipSync } from "node:zlib";
import type { Kernel } from "../kernel/kernel.ts";
import { type NoReply, readBody, type Reply, serveHttp } from "../kernel/http.ts";
import type { RequestListener } from "../kernel/loopback.ts";
import { ownMachineOnly } from "../kernel/own-machine.ts";
import { StatusError, statusName, statusNumber } from "../kernel/status-error.ts";
import { pauseOn, withFault } from "../kernel/with-fault.ts";
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

/** The error of OTLP: an HTTP status with a `google.rpc.Status`. */
const exportError = (
  httpStatus: number,
  code: "INTERNAL" | "INVALID_ARGUMENT" | "NOT_FOUND" | "UNIMPLEMENTED",
  message: string,
): StatusError => new StatusError(code, message, { httpStatus });

/** Opens a collector of traces (OTLP over HTTP, in protobuf and JSON) that keeps spans in memory. */
export function openTrace(kernel: Kernel): TraceServer {
  const traces = createTraces();

  const keep = (spans: readonly Span[]): number => spans.filter((span) => !traces.add(span)).length;

  const accept = async (request: IncomingMessage): Promise<Reply | NoReply> => {
    const spans = parse(request, await readRequest(request));
    const projects = [...new Set(spans.map(({ project }) => `projects/${project}`))].join(" ");
    const response = await withFault(kernel.faults.take("trace", "Export", projects), {
      work: () => responseOf(keep(spans)),
      failure: (code) => new StatusError(statusName(code), "A planned fault."),
      pause: pauseOn(kernel.clock),
      repeatable: true,
    });
    return typeof response === "string" ? response : replyTo(request, 200, response);
  };

  return {
    listener: ownMachineOnly(
      serveHttp({
        handle: (request) => route(request, accept),
        render: (error, request) => {
          const { httpStatus, code, message } = error;
          const headers = RETRYABLE.has(httpStatus) ? { "retry-after": "1" } : {};
          return replyTo(request, httpStatus, { code: statusNumber(code), message }, headers);
        },
        internal: () => exportError(500, "INTERNAL", "The emulator failed."),
      }),
    ),
    list: traces.list,
    spans: traces.spans,
  };
}

async function route(
  request: IncomingMessage,
  accept: (request: IncomingMessage) => Promise<Reply | NoReply>,
): Promise<Reply | NoReply> {
  const path = (request.url ?? "/").split("?", 1)[0];
  if (path === "/v1/metrics" || path === "/v1/logs") {
    throw exportError(501, "UNIMPLEMENTED", "Only traces are collected here.");
  }
  if (path !== "/v1/traces")
    throw exportError(404, "NOT_FOUND", "There is nothing here but POST /v1/traces.");
  if (request.method !== "POST") throw exportError(405, "UNIMPLEMENTED", "Traces are sent by POST.");
  return accept(request);
}

const typeOf = (request: IncomingMessage): string =>
  (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";

function parse(request: IncomingMessage, body: Buffer): Span[] {
  const type = typeOf(request);
  if (type !== JSON_TYPE && type !== PROTOBUF_TYPE) {
    throw exportError(415, "INVALID_ARGUMENT", `Send ${PROTOBUF_TYPE} or ${JSON_TYPE}.`);
  }
  try {
    return parseExport(type === JSON_TYPE ? JSON.parse(body.toString("utf8")) : decodeProtobuf(body));
  } catch {
    throw exportError(400, "INVALID_ARGUMENT", "The body is no export of traces.");
  }
}

const tooLarge = (): StatusError => exportError(413, "INVALID_ARGUMENT", "The request is too large.");

/** The body, decompressed. */
async function readRequest(request: IncomingMessage): Promise<Buffer> {
  const body = await readBody(request, { bytesMax: BODY_BYTES_MAX, tooLarge });
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return body;
  if (encoding !== "gzip") throw exportError(415, "INVALID_ARGUMENT", "Compress with gzip or not at all.");
  try {
    return gunzipSync(body, { maxOutputLength: BODY_BYTES_MAX });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge();
    throw exportError(400, "INVALID_ARGUMENT", "The body is not what gzip makes.");
  }
}

/** The statuses after which a sender retries, according to OTLP. */
const RETRYABLE = new Set([429, 502, 503, 504]);

/** In the encoding of the request, as OTLP has it. */
function replyTo(
  request: IncomingMessage,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const isJson = typeOf(request) !== PROTOBUF_TYPE;
  const encode = status === 200 ? encodeResponse : encodeStatus;
  return {
    status,
    headers: { ...headers, "content-type": isJson ? JSON_TYPE : PROTOBUF_TYPE },
    body: isJson ? JSON.stringify(body) : encode(body),
  };
}
