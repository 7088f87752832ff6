import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { type Reply, type StorageRequest, bodyOf, headerOf } from "./exchange.ts";
import { invalid } from "./failure.ts";
import { BATCH_BODY_BYTES_MAX, BATCH_CALLS_MAX } from "./limits.ts";
import { boundaryOf, headersOf, partsOf } from "./multipart.ts";

/** Many calls of the JSON API in one request: cloud.google.com/storage/docs/batch. */
export async function answerBatch(
  request: StorageRequest,
  reply: (inner: StorageRequest) => Promise<Reply>,
): Promise<Reply> {
  const calls: { readonly id: string | undefined; readonly inner: StorageRequest }[] = [];
  for await (const part of partsOf(request.body, boundaryOf(headerOf(request, "content-type")))) {
    const text = (await bodyOf(part.content, BATCH_BODY_BYTES_MAX, "The batch is too large.")).toString();
    calls.push({ id: part.headers["content-id"], inner: parseCall(request, text) });
    if (calls.length > BATCH_CALLS_MAX) throw invalid(`A batch has at most ${BATCH_CALLS_MAX} calls.`);
  }
  const boundary = `batch_${randomBytes(12).toString("hex")}`;
  const parts: string[] = [];
  // The calls run one after the other: the order is not promised, and concurrency would gain nothing.
  for (const { id, inner } of calls) parts.push(await partOf(id, await reply(inner)));
  const body = `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join("")}--${boundary}--\r\n`;
  return { status: 200, headers: { "content-type": `multipart/mixed; boundary=${boundary}` }, body };
}

function parseCall(request: StorageRequest, text: string): StorageRequest {
  const end = text.search(/\r?\n\r?\n/);
  const head = (end < 0 ? text : text.slice(0, end)).trimStart().replaceAll(/\r?\n/g, "\r\n");
  const body = end < 0 ? "" : text.slice(end).replace(/^\r?\n\r?\n/, "");
  const [first = ""] = head.split("\r\n");
  const [, method = "", target = ""] = /^(GET|POST|PUT|PATCH|DELETE) (\S+)/.exec(first) ?? [];
  if (method === "") throw invalid(`Malformed request in batch: ${first}`);
  const url = new URL(target, request.origin);
  if (
    /^\/(upload|download|resumable|batch)\//.test(url.pathname) ||
    url.searchParams.get("alt") === "media"
  ) {
    throw invalid("Uploads and downloads can't be batched.");
  }
  return {
    method,
    path: url.pathname,
    query: url.searchParams,
    headers: { ...headersOf(head), host: headerOf(request, "host") },
    body: Readable.from(body === "" ? [] : [Buffer.from(body)]),
    origin: request.origin,
  };
}

async function partOf(id: string | undefined, { status, headers, body = "" }: Reply): Promise<string> {
  const content = body instanceof Readable ? Buffer.concat(await body.toArray()) : Buffer.from(body);
  const lines = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  return [
    "Content-Type: application/http\r\n",
    id === undefined ? "" : `Content-ID: ${id.replace(/^<?/, "<response-").replace(/>?$/, ">")}\r\n`,
    `\r\nHTTP/1.1 ${status} \r\n`,
    ...lines,
    `Content-Length: ${content.length}\r\n\r\n`,
    content.toString(),
  ].join("");
}
