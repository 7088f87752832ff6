import { newBlobId } from "./blobs.ts";
import type { StorageCore } from "./core.ts";
import { type StorageRequest, headerOf, type JsonObject } from "./exchange.ts";
import { badDigest, invalid, storageError } from "./failure.ts";
import { createHasher, type Digests } from "./hashes.ts";
import { OBJECT_BYTES_MAX } from "./limits.ts";

/** Bytes that are on disk, of which no object knows yet. */
export interface Received extends Digests {
  readonly blob: string;
}

/** Streams the bytes into a new blob; when it throws, nothing of them is left. */
export async function receive(core: StorageCore, content: AsyncIterable<Buffer>): Promise<Received> {
  const blob = newBlobId();
  const sink = await core.blobs.write(blob, 0);
  const hasher = createHasher();
  try {
    for await (const chunk of content) {
      hasher.update(chunk);
      if (hasher.size() > OBJECT_BYTES_MAX) throw invalid("The object exceeds the maximum size of 5 TiB.");
      await sink.write(chunk);
    }
    await sink.finish(hasher.size());
  } catch (cause) {
    await sink.abandon().catch(() => undefined);
    await core.blobs.remove(blob);
    throw cause;
  }
  return { blob, ...hasher.digests() };
}

/** Uses what has been received; when `use` throws, the bytes are removed. */
export async function withReceived<T>(
  core: StorageCore,
  received: Received,
  use: (received: Received) => Promise<T>,
): Promise<T> {
  try {
    return await use(received);
  } catch (cause) {
    await core.release([received.blob]);
    throw cause;
  }
}

/** Hashes that the caller claims for the content, by any of the ways to claim them. */
export interface Claims {
  readonly md5Hash?: string | undefined;
  readonly crc32c?: string | undefined;
}

export function claimsOf(request: StorageRequest, given: JsonObject = {}): Claims {
  const inHeader = Object.fromEntries(
    (headerOf(request, "x-goog-hash") ?? "")
      .split(",")
      .map((claim) => claim.trim().split(/=(.*)/s) as [string, string]),
  );
  const text = (value: unknown): string | undefined =>
    typeof value === "string" && value !== "" ? value : undefined;
  return {
    md5Hash: text(given.md5Hash) ?? text(inHeader.md5) ?? headerOf(request, "content-md5"),
    crc32c: text(given.crc32c) ?? text(inHeader.crc32c),
  };
}

/** 400 where a claimed hash is not that of the content. */
export function requireClaims(claims: Claims, digests: Digests): void {
  if (claims.md5Hash !== undefined && claims.md5Hash !== digests.md5Hash) {
    throw badDigest(
      `Provided MD5 hash "${claims.md5Hash}" doesn't match calculated MD5 hash "${digests.md5Hash}".`,
    );
  }
  if (claims.crc32c !== undefined && claims.crc32c !== digests.crc32c) {
    throw badDigest(
      `Provided CRC32C "${claims.crc32c}" doesn't match calculated CRC32C "${digests.crc32c}".`,
    );
  }
}

/** Sizes that an upload may have. */
export interface ByteRange {
  readonly min: number;
  readonly max: number;
}

/** The sizes that `x-goog-content-length-range: min,max` allows; all where it is absent. */
export function byteRangeOf(request: StorageRequest): ByteRange {
  const text = headerOf(request, "x-goog-content-length-range");
  if (text === undefined) return { min: 0, max: Number.MAX_SAFE_INTEGER };
  const [, min, max] = /^(\d+),(\d+)$/.exec(text.trim()) ?? [];
  if (min === undefined || max === undefined) throw invalid(`Invalid x-goog-content-length-range: ${text}`);
  return { min: Number(min), max: Number(max) };
}

/** Passes the bytes on, as long as they are of an allowed size. */
export async function* within(
  content: AsyncIterable<Buffer>,
  { min, max }: ByteRange,
): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > max) requireSize(size, { min, max });
    yield chunk;
  }
  requireSize(size, { min, max });
}

export function requireSize(size: number, { min, max }: ByteRange): void {
  if (size > max) {
    throw storageError({
      status: 400,
      reason: "invalid",
      xmlCode: "EntityTooLarge",
      message: "Your proposed upload exceeds the maximum allowed object size.",
    });
  }
  if (size < min) {
    throw storageError({
      status: 400,
      reason: "invalid",
      xmlCode: "EntityTooSmall",
      message:
        "Your proposed upload is smaller than the minimum object size specified in your Policy Document.",
    });
  }
}
