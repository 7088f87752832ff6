import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { StorageCore } from "./core.ts";
import { type Reply, type StorageRequest, headerOf } from "./exchange.ts";
import { noSuchObject, storageError } from "./failure.ts";
import type { StoredObject } from "./state.ts";
import { versionHeaders } from "./version-headers.ts";

/**
 * The bytes of a version, or those that a Range header asks for. `overrides`: response-content-* of the URL.
 */
export async function download(
  core: StorageCore,
  request: StorageRequest,
  object: StoredObject,
): Promise<Reply> {
  const headers = contentHeaders(request, object);
  if (isUnzippedFor(request, object)) {
    const { "content-encoding": _, ...rest } = headers;
    const body =
      request.method === "HEAD" ? undefined : (await open(core, object, 0, object.size)).pipe(createGunzip());
    return {
      status: 200,
      headers: { ...rest, warning: "214 UploadServer gunzipped", vary: "Accept-Encoding" },
      body,
    };
  }
  const range = rangeOf(headerOf(request, "range"), object);
  const [start, end] = range ?? [0, object.size];
  const partial = range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${object.size}` };
  return {
    status: range === undefined ? 200 : 206,
    headers: { ...headers, "content-length": end - start, "accept-ranges": "bytes", ...partial },
    body: request.method === "HEAD" ? undefined : await open(core, object, start, end),
  };
}

/** Between looking an object up and opening its blob it may have been replaced and removed. */
async function open(core: StorageCore, object: StoredObject, start: number, end: number): Promise<Readable> {
  try {
    return await core.blobs.read(object.blob, start, end);
  } catch (cause) {
    if (core.state.isReferenced(object.blob)) throw cause;
    throw noSuchObject(object.bucket, object.name);
  }
}

function contentHeaders(request: StorageRequest, object: StoredObject): Record<string, string | number> {
  const { resource } = object;
  const custom = Object.entries(resource.metadata ?? {}).map(
    ([key, value]) => [`x-goog-meta-${key.toLowerCase()}`, headerText(value)] as const,
  );
  const optional = (name: string, value: string | undefined): Record<string, string> =>
    value === undefined ? {} : { [name]: headerText(value) };
  return {
    "content-type": headerText(
      request.query.get("response-content-type") ?? resource.contentType ?? "application/octet-stream",
    ),
    ...optional("content-encoding", resource.contentEncoding),
    ...optional(
      "content-disposition",
      request.query.get("response-content-disposition") ?? resource.contentDisposition,
    ),
    ...optional("content-language", resource.contentLanguage),
    "cache-control": headerText(resource.cacheControl ?? "private, max-age=0"),
    "last-modified": new Date(resource.updated).toUTCString(),
    ...Object.fromEntries(custom.filter(([name]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name))),
    ...versionHeaders(object),
  };
}

/** Headers carry bytes; other characters are sent percent-encoded in UTF-8. */
const headerText = (value: string): string =>
  value.replaceAll(/[^\t\x20-\x7e]+/gu, (text) => encodeURIComponent(text.toWellFormed()));

/**
 * Decompressive transcoding: gzip is unpacked for whoever doesn't accept it. The request's Range
 * then means nothing, since the size is not known.
 */
function isUnzippedFor(request: StorageRequest, { resource, size }: StoredObject): boolean {
  if (resource.contentEncoding !== "gzip" || size === 0) return false;
  if (/\bno-transform\b/.test(resource.cacheControl ?? "")) return false;
  return !/\bgzip\b/.test(headerOf(request, "accept-encoding") ?? "");
}

/** The bytes from, up to not including; undefined: all of them. */
function rangeOf(text: string | undefined, object: StoredObject): [number, number] | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(text?.trim() ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  const { size } = object;
  const start = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(Number(last) + 1, size);
  if (first !== "" && last !== "" && Number(last) < Number(first)) return undefined;
  if (start >= size || (first === "" && Number(last) === 0)) {
    throw storageError({
      status: 416,
      reason: "requestedRangeNotSatisfiable",
      xmlCode: "InvalidRange",
      message: "The requested range cannot be satisfied.",
      headers: { "content-range": `bytes */${size}` },
    });
  }
  return [start, end];
}
