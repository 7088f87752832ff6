import { AppError } from "./errors.ts";
import { type Metadata, METADATA_PAIRS_MAX, type MetadataChange } from "./contract.ts";

/** @throws AppError `invalid_request` beyond METADATA_PAIRS_MAX */
export function changedMetadata(before: Metadata = {}, change: MetadataChange): Metadata {
  if (change === null) return {};
  const pairs = new Map(Object.entries(before));
  for (const [key, value] of Object.entries(change)) {
    if (value === null || value === "") pairs.delete(key);
    else pairs.set(key, value);
  }
  if (pairs.size > METADATA_PAIRS_MAX) {
    throw new AppError("invalid_request", "Some fields are not valid; see errors.", {
      errors: [{ path: "metadata", message: `must have at most ${METADATA_PAIRS_MAX} pairs` }],
    });
  }
  return Object.fromEntries(pairs);
}

export const metadataView = (metadata: Metadata = {}): { metadata?: Record<string, string> } =>
  Object.keys(metadata).length === 0 ? {} : { metadata: { ...metadata } };

export const isSameMetadata = (a: Metadata = {}, b: Metadata = {}): boolean =>
  Object.keys(a).length === Object.keys(b).length && hasPairs(a, b);

/** Whether all of these pairs are there. */
export const hasPairs = (metadata: Metadata = {}, pairs: Metadata = {}): boolean =>
  Object.entries(pairs).every(([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value);
