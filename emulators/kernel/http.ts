import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RequestListener } from "./loopback.ts";
import { StatusError } from "./status-error.ts";
import type { NoReply } from "./with-fault.ts";

export type { NoReply } from "./with-fault.ts";

export interface Reply {
  readonly status: number;
  /** HTTP's own text for the status, where the service has another one. */
  readonly statusMessage?: string | undefined;
  readonly headers?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly body?: string | Uint8Array | Readable | undefined;
}

export const jsonReply = (
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  type = "application/json; charset=UTF-8",
): Reply => ({ status, headers: { ...headers, "content-type": type }, body: JSON.stringify(body) });

export interface HttpHandler {
  /** Resolves with undefined when it has written the response itself. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<Reply | NoReply | undefined>;
  /** An error in the words of the service. */
  render(error: StatusError, request: IncomingMessage): Reply;
  /** What the service says when the emulator itself fails. */
  internal(): StatusError;
}

/**
 * Serves requests over HTTP/1.1: every failure is rendered, and what a handler leaves unread is read and
 * dropped.
 */
export const serveHttp =
  ({ handle, render, internal }: HttpHandler): RequestListener =>
  (request, response) => {
    handle(request, response)
      .catch((cause: unknown) => render(toStatusError(cause, internal), request))
      .then(async (reply) => {
        if (reply !== undefined) await sendReply(request, response, reply);
      })
      .catch(() => response.destroy());
  };

/**
 * The error to answer with. What is no StatusError is a defect of ours and is logged, unless the caller is
 * gone.
 */
export function toStatusError(cause: unknown, internal: () => StatusError): StatusError {
  if (cause instanceof StatusError) return cause;
  if (!isBrokenConnection(cause)) console.error(cause);
  return internal();
}

const BROKEN_CONNECTION = new Set(["ECONNRESET", "ERR_STREAM_PREMATURE_CLOSE", "ERR_STREAM_DESTROYED"]);

const isBrokenConnection = (cause: unknown): boolean =>
  BROKEN_CONNECTION.has((cause as { code?: string } | undefined)?.code ?? "");

async function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply | NoReply,
): Promise<void> {
  if (reply === "drop") return void request.socket.destroy();
  // The connection can be used again only when the whole request has been read.
  request.on("error", () => undefined).resume();
  if (reply === "hang" || response.destroyed) return;
  // The failure came after the beginning of the response: only the end of the connection can tell of it.
  if (response.headersSent) return void response.destroy();
  const { status, statusMessage, headers = {}, body } = reply;
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) response.setHeader(name, value);
  }
  response.statusCode = status;
  if (statusMessage !== undefined) response.statusMessage = statusMessage;
  if (body instanceof Readable) await pipeline(body, response);
  else response.end(body);
}

export interface BodyLimit {
  readonly bytesMax: number;
  /** The error for a larger body. */
  tooLarge(): Error;
}

/**
 * Reads the whole body. Bytes beyond the limit are read and dropped, so that the caller can receive the
 * response.
 */
export async function readBody(
  content: AsyncIterable<Buffer>,
  { bytesMax, tooLarge }: BodyLimit,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (bytes > bytesMax) throw tooLarge();
  return Buffer.concat(chunks);
}

/** The value of a JSON text; `malformed` is thrown for any other. */
export function parseJson(text: Buffer | string, malformed: (cause: unknown) => Error): unknown {
  try {
    return JSON.parse(text.toString());
  } catch (cause) {
    throw malformed(cause);
  }
}

/** A header as one text. */
export function headerOf({ headers }: Pick<IncomingMessage, "headers">, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}
