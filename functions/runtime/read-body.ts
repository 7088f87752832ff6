import type { IncomingMessage } from "node:http";
import { AppError } from "../../shared/platform/errors.ts";
import { announcedBody } from "./incoming.ts";
import { parseJson } from "./parse-json.ts";

/** The largest body of the API; larger things are uploaded to storage. */
export const BODY_BYTES_MAX = 1024 * 1024;
/** Pub/Sub messages (10 MB) and tasks (1 MB) are larger in their envelope, in base64. */
export const DELIVERY_BYTES_MAX = 16 * 1024 * 1024;
/** A body that has not arrived by then is not waited for. */
export const BODY_MS_MAX = 15_000;

/**
 * The request's body as JSON; undefined when it has none.
 * @throws AppError `payload_too_large`, `unsupported_media_type`, `malformed_json`, `request_timeout`
 */
export async function readJsonBody(
  request: IncomingMessage,
  bytesMax: number,
  valuesMax?: number,
): Promise<unknown> {
  const announced = announcedBody(request);
  if (announced === undefined || announced.length === 0) return undefined;
  demandJson(request);
  if (announced.length !== undefined && announced.length > bytesMax) throw tooLarge(bytesMax);
  const bytes = await readAll(request, bytesMax);
  return bytes.length === 0 ? undefined : parseJson(bytes, valuesMax);
}

function demandJson(request: IncomingMessage): void {
  const [type = "", ...parameters] = (request.headers["content-type"] ?? "").toLowerCase().split(";");
  const isJson = /^application\/(?:[\w.-]+\+)?json$/.test(type.trim());
  const charset = parameters.map((text) => text.trim()).find((text) => text.startsWith("charset="));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (!isJson || !isUtf8 || encoding !== "identity") {
    throw new AppError(
      "unsupported_media_type",
      "The body must be application/json in UTF-8, not compressed.",
    );
  }
}

const tooLarge = (bytesMax: number): AppError =>
  new AppError("payload_too_large", `The body must not be larger than ${bytesMax} bytes.`);

function readAll(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("error", onGone).off("close", onGone);
      end();
    };
    const fail = (error: AppError): void => settle(() => reject(error));
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > bytesMax) fail(tooLarge(bytesMax));
      else chunks.push(chunk);
    };
    const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks, length)));
    const onGone = (): void => fail(new AppError("request_timeout", "The connection ended within the body."));
    const timer = setTimeout(
      () => fail(new AppError("request_timeout", "The body did not arrive in time.")),
      BODY_MS_MAX,
    );
    request.on("data", onData).on("end", onEnd).on("error", onGone).on("close", onGone);
  });
}

/** More than this of a refused body is not read away. */
const DISCARD_BYTES_MAX = 16 * 1024 * 1024;
const DISCARD_MS_MAX = 3_000;

/**
 * Reads away what is left of a body, so that a client that is still sending gets to see the reply instead
 * of a reset connection. Bounded in bytes and time. A request without a body is complete already.
 */
export function discardBody(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (request.complete || request.destroyed) return resolve();
    let length = 0;
    const done = (): void => {
      clearTimeout(timer);
      request.pause();
      resolve();
    };
    const timer = setTimeout(done, DISCARD_MS_MAX);
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > DISCARD_BYTES_MAX) done();
    });
    request.on("end", done).on("close", done).on("error", done).resume();
  });
}
