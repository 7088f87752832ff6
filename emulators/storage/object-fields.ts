import { merged, parseStorageClass } from "./bucket-rules.ts";
import type { JsonObject } from "./exchange.ts";
import { forbidden, invalid } from "./failure.ts";
import * as limits from "./limits.ts";
import type { BucketResource, ObjectContext, ObjectResource } from "./resources.ts";

/** The fields of an object that its writer decides on. */
export type ObjectFields = Pick<
  ObjectResource,
  | "contentType"
  | "contentEncoding"
  | "contentDisposition"
  | "contentLanguage"
  | "cacheControl"
  | "metadata"
  | "contexts"
  | "customTime"
  | "eventBasedHold"
  | "temporaryHold"
  | "retention"
>;

const TEXT_FIELDS = [
  "contentType",
  "contentEncoding",
  "contentDisposition",
  "contentLanguage",
  "cacheControl",
] as const;
const HOLD_FIELDS = ["eventBasedHold", "temporaryHold"] as const;

type Mutable<T> = { -readonly [Key in keyof T]?: T[Key] | undefined };

/** The writable fields after a patch; a field that is null is taken away, one that is absent stays. */
export function changedFields(known: ObjectFields, given: JsonObject, nowMs: number): ObjectFields {
  const changed: Mutable<ObjectFields> = {};
  for (const field of TEXT_FIELDS) {
    const value = field in given ? given[field] : known[field];
    if (value === null || value === undefined) continue;
    if (typeof value !== "string") throw invalid(`Invalid value for ${field}.`);
    changed[field] = value;
  }
  for (const field of HOLD_FIELDS) {
    const value = field in given ? given[field] : known[field];
    if (typeof value === "boolean") changed[field] = value;
  }
  const metadata = "metadata" in given ? parseMetadata(known.metadata, given.metadata) : known.metadata;
  if (metadata !== undefined) changed.metadata = metadata;
  const contexts =
    "contexts" in given ? parseContexts(known.contexts, given.contexts, nowMs) : known.contexts;
  if (contexts !== undefined) changed.contexts = contexts;
  const customTime = "customTime" in given ? parseCustomTime(known, given.customTime) : known.customTime;
  if (customTime !== undefined) changed.customTime = customTime;
  const retention = "retention" in given ? parseObjectRetention(given.retention) : known.retention;
  if (retention !== undefined) changed.retention = retention;
  return changed as ObjectFields;
}

function parseMetadata(known: ObjectFields["metadata"], given: unknown): ObjectFields["metadata"] {
  if (given === null || given === undefined) return undefined;
  if (typeof given !== "object" || Array.isArray(given)) throw invalid("Invalid value for metadata.");
  const result = merged(known, given) as Record<string, unknown>;
  let bytes = 0;
  for (const [key, value] of Object.entries(result)) {
    // The service keeps texts; numbers and truth values are taken as what they look like.
    if (typeof value === "object") throw invalid(`Invalid value for metadata key ${key}.`);
    const text = typeof value === "string" ? value : JSON.stringify(value);
    result[key] = text;
    bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
  }
  if (bytes > limits.CUSTOM_METADATA_BYTES_MAX) {
    throw invalid(
      `The total size of custom metadata exceeds the limit of ${limits.CUSTOM_METADATA_BYTES_MAX} bytes.`,
    );
  }
  return Object.keys(result).length === 0 ? undefined : (result as Record<string, string>);
}

function parseContexts(
  known: ObjectFields["contexts"],
  given: unknown,
  nowMs: number,
): ObjectFields["contexts"] {
  const requested = (given as { custom?: unknown } | null)?.custom;
  if (given === null || requested === null || requested === undefined)
    return given === null || requested === null ? undefined : known;
  const custom: Record<string, ObjectContext> = { ...known?.custom };
  const now = new Date(nowMs).toISOString();
  for (const [key, context] of Object.entries(requested as Record<string, { value?: unknown } | null>)) {
    if (context === null) {
      delete custom[key];
      continue;
    }
    const { value } = context;
    const fits = (text: string): boolean =>
      text.length <= limits.CONTEXT_CHARS_MAX && /^[\p{L}\p{N}]/u.test(text) && !/['"\\/]/.test(text);
    if (typeof value !== "string" || !fits(key) || !fits(value))
      throw invalid(`Invalid object context: ${key}`);
    const before = custom[key];
    if (before?.value !== value)
      custom[key] = { value, createTime: before?.createTime ?? now, updateTime: now };
  }
  if (Object.keys(custom).length > limits.CONTEXTS_MAX)
    throw invalid(`An object has at most ${limits.CONTEXTS_MAX} contexts.`);
  return Object.keys(custom).length === 0 ? undefined : { custom };
}

function parseTime(value: unknown, field: string): string {
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw invalid(`Invalid value for ${field}: ${String(value)}`);
  return new Date(ms).toISOString();
}

/** Once set, a custom time only moves forward. */
function parseCustomTime({ customTime }: ObjectFields, given: unknown): string | undefined {
  if (given === null || given === undefined) {
    if (customTime !== undefined) throw invalid("Custom time cannot be removed once set.");
    return undefined;
  }
  const time = parseTime(given, "customTime");
  if (customTime !== undefined && Date.parse(time) < Date.parse(customTime)) {
    throw invalid("Custom time cannot be set to an earlier time.");
  }
  return time;
}

function parseObjectRetention(given: unknown): ObjectFields["retention"] {
  if (given === null || given === undefined) return undefined;
  const { mode, retainUntilTime } = given as Record<string, unknown>;
  if (mode === undefined && retainUntilTime === undefined) return undefined;
  if (mode !== "Unlocked" && mode !== "Locked") throw invalid(`Invalid retention mode: ${String(mode)}`);
  return { mode, retainUntilTime: parseTime(retainUntilTime, "retainUntilTime") };
}

/** Checks a change of retention: the bucket must allow it, and a retention in force needs an override. */
export function requireRetentionChange(
  bucket: BucketResource,
  known: ObjectFields["retention"],
  changed: ObjectFields["retention"],
  override: boolean,
): void {
  if (JSON.stringify(known) === JSON.stringify(changed)) return;
  if (changed !== undefined && bucket.objectRetention === undefined) {
    throw invalid("Object retention can only be used in a bucket with object retention enabled.");
  }
  if (known === undefined) return;
  const shorter =
    changed === undefined || Date.parse(changed.retainUntilTime) < Date.parse(known.retainUntilTime);
  if (known.mode === "Locked" && (shorter || changed?.mode !== "Locked")) {
    throw forbidden("The retention configuration is locked and cannot be removed or shortened.");
  }
  if (shorter && !override) {
    throw forbidden("Reducing or removing an Unlocked retention needs overrideUnlockedRetention.");
  }
}

/** The storage class that a request asks for, or else the bucket's. */
export const storageClassOf = (given: JsonObject, bucket: BucketResource): string =>
  given.storageClass ? parseStorageClass(given.storageClass) : bucket.storageClass;

/**
 * The time until which the bucket's policy protects the object; undefined without a policy, or while a hold
 * postpones it.
 */
export function retentionExpiry(bucket: BucketResource, object: ObjectResource): string | undefined {
  const seconds = Number(bucket.retentionPolicy?.retentionPeriod ?? 0);
  if (seconds === 0 || object.eventBasedHold) return undefined;
  return new Date(Date.parse(object.timeCreated) + seconds * 1000).toISOString();
}

/** 403 while a hold or a retention forbids to delete or replace the object. */
export function requireRemovable(
  path: string,
  bucket: BucketResource,
  object: ObjectResource,
  nowMs: number,
): void {
  const hold = object.temporaryHold ? "Temporary" : object.eventBasedHold ? "Event-Based" : undefined;
  if (hold !== undefined) {
    throw forbidden(
      `Object '${path}' is under active ${hold} hold and cannot be deleted, overwritten or archived until hold is removed.`,
      "objectUnderActiveHold",
      "ObjectUnderActiveHold",
    );
  }
  for (const until of [retentionExpiry(bucket, object), object.retention?.retainUntilTime]) {
    if (until === undefined || Date.parse(until) <= nowMs) continue;
    throw forbidden(
      `Object '${path}' is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until ${until}`,
      "retentionPolicyNotMet",
      "RetentionPolicyNotMet",
    );
  }
}
