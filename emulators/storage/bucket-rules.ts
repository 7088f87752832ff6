import { defaultPolicy, parseEntry, predefinedAcl, projectPrivate } from "./access.ts";
import type { JsonObject } from "./exchange.ts";
import { forbidden, invalid } from "./failure.ts";
import * as limits from "./limits.ts";
import type { AccessEntry, BucketResource, LifecycleRule } from "./resources.ts";

const PART = /^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$/;
const ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;

/** The name, if a bucket may have it. */
export function parseBucketName(name: unknown): string {
  if (typeof name !== "string" || name === "") throw invalid("Required parameter: name");
  const parts = name.split(".");
  const charsMax = parts.length > 1 ? limits.BUCKET_NAME_DOTTED_CHARS_MAX : limits.BUCKET_NAME_CHARS_MAX;
  const fits = name.length >= limits.BUCKET_NAME_CHARS_MIN && name.length <= charsMax;
  const partsFit = parts.every((part) => PART.test(part) && part.length <= limits.BUCKET_NAME_CHARS_MAX);
  if (!fits || !partsFit || ADDRESS.test(name) || name.startsWith("goog") || /g[o0]{2}g[l1]e/.test(name)) {
    throw invalid(`Invalid bucket name: '${name}'`);
  }
  return name;
}

const MULTI_REGIONS = new Set(["US", "EU", "ASIA"]);
const DUAL_REGIONS = new Set(["NAM4", "EUR4", "EUR5", "EUR7", "EUR8", "ASIA1"]);

function locationTypeOf(location: string, placement: unknown): string {
  if (placement !== undefined || DUAL_REGIONS.has(location)) return "dual-region";
  return MULTI_REGIONS.has(location) ? "multi-region" : "region";
}

const STORAGE_CLASSES = new Set([
  "STANDARD",
  "NEARLINE",
  "COLDLINE",
  "ARCHIVE",
  "MULTI_REGIONAL",
  "REGIONAL",
  "DURABLE_REDUCED_AVAILABILITY",
]);

export function parseStorageClass(value: unknown): string {
  const name = typeof value === "string" ? value.toUpperCase() : "";
  if (!STORAGE_CLASSES.has(name)) throw invalid(`Invalid argument: storageClass ${String(value)}`);
  return name;
}

/** Fields that are kept as given, without any effect but those the README names. */
const PLAIN_FIELDS = [
  "website",
  "logging",
  "billing",
  "encryption",
  "defaultEventBasedHold",
  "rpo",
  "versioning",
  "ipFilter",
] as const;

interface Change {
  /** Fields as given; null removes one. */
  readonly given: JsonObject;
  readonly nowMs: number;
  readonly project: string;
}

/** The resource of a new bucket. */
export function newBucket(change: Change, query: URLSearchParams): BucketResource {
  const { given, nowMs, project } = change;
  const now = new Date(nowMs).toISOString();
  const location = (typeof given.location === "string" ? given.location : "US").toUpperCase();
  const placement = given.customPlacementConfig;
  const acl = query.get("predefinedAcl");
  const defaultAcl = query.get("predefinedDefaultObjectAcl");
  const base: BucketResource = {
    timeCreated: now,
    updated: now,
    location,
    locationType: locationTypeOf(location, placement ?? undefined),
    storageClass: "STANDARD",
    ...(placement ? { customPlacementConfig: placement } : {}),
    iamConfiguration: { publicAccessPrevention: "inherited", uniformBucketLevelAccess: { enabled: false } },
    acl: acl === null ? projectPrivate(project) : predefinedAcl(acl, project, "bucket"),
    defaultObjectAcl:
      defaultAcl === null ? projectPrivate(project) : predefinedAcl(defaultAcl, project, "object"),
    iamPolicy: defaultPolicy(project),
    softDeletePolicy: { retentionDurationSeconds: "0" },
    ...(MULTI_REGIONS.has(location) || DUAL_REGIONS.has(location) ? { rpo: "DEFAULT" } : {}),
    ...(query.get("enableObjectRetention") === "true" ? { objectRetention: { mode: "Enabled" } } : {}),
    ...hierarchyOf(given),
  };
  return changedBucket(base, change);
}

function hierarchyOf(given: JsonObject): Pick<BucketResource, "hierarchicalNamespace"> {
  if ((given.hierarchicalNamespace as { enabled?: boolean } | undefined)?.enabled !== true) return {};
  const access = given.iamConfiguration as { uniformBucketLevelAccess?: { enabled?: boolean } } | undefined;
  if (access?.uniformBucketLevelAccess?.enabled !== true) {
    throw invalid("Hierarchical namespace buckets must use uniform bucket-level access.");
  }
  return { hierarchicalNamespace: { enabled: true } };
}

/** The resource after a patch. */
export function changedBucket(known: BucketResource, change: Change): BucketResource {
  const { given, nowMs } = change;
  const changed: Record<string, unknown> = { ...known, updated: new Date(nowMs).toISOString() };
  const set = (field: string, value: unknown): void => {
    if (value === null || value === undefined || isEmpty(value)) delete changed[field];
    else changed[field] = value;
  };
  for (const field of PLAIN_FIELDS) if (field in given) set(field, merged(known[field], given[field]));
  if ("labels" in given)
    set("labels", given.labels === null ? null : parseLabels(merged(known.labels, given.labels)));
  if ("cors" in given) set("cors", given.cors);
  if ("lifecycle" in given) set("lifecycle", parseLifecycle(given.lifecycle));
  if (given.storageClass !== undefined) changed.storageClass = parseStorageClass(given.storageClass);
  if (given.iamConfiguration !== undefined) changed.iamConfiguration = parseAccess(known, change);
  if ("retentionPolicy" in given) set("retentionPolicy", parseRetention(known, change));
  if ("softDeletePolicy" in given) changed.softDeletePolicy = parseSoftDelete(change);
  if ("autoclass" in given) set("autoclass", parseAutoclass(known, change));
  if (Array.isArray(given.acl)) changed.acl = given.acl.map((entry) => parseEntry(entry, "bucket"));
  if (Array.isArray(given.defaultObjectAcl)) {
    changed.defaultObjectAcl = given.defaultObjectAcl.map((entry): AccessEntry =>
      parseEntry(entry, "object"),
    );
  }
  return changed as unknown as BucketResource;
}

const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

/** A merge patch (RFC 7396), which is what PATCH means in the JSON API. */
export function merged(known: unknown, given: unknown): unknown {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
  const result: Record<string, unknown> =
    typeof known === "object" && known !== null && !Array.isArray(known) ? { ...known } : {};
  for (const [name, value] of Object.entries(given)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

function parseLabels(labels: unknown): unknown {
  for (const [key, value] of Object.entries(labels as Record<string, unknown>)) {
    const fits = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;
    if (key === "" || !fits.test(key) || typeof value !== "string" || !fits.test(value)) {
      throw invalid(`Invalid argument: label ${key}`);
    }
  }
  return labels;
}

function parseLifecycle(value: unknown): unknown {
  if (value === null) return null;
  const rules = (value as { rule?: unknown }).rule;
  if (rules === undefined || rules === null) return null;
  if (!Array.isArray(rules) || rules.length > limits.LIFECYCLE_RULES_MAX)
    throw invalid("Invalid lifecycle configuration.");
  for (const { action, condition } of rules as LifecycleRule[]) {
    const type = action?.type;
    if (type !== "Delete" && type !== "SetStorageClass" && type !== "AbortIncompleteMultipartUpload") {
      throw invalid(`Invalid lifecycle action: ${String(type)}`);
    }
    if (condition === undefined || isEmpty(condition)) throw invalid("A lifecycle rule needs a condition.");
  }
  return rules.length === 0 ? null : { rule: rules };
}

function parseAccess(known: BucketResource, { given, nowMs }: Change): BucketResource["iamConfiguration"] {
  const requested = given.iamConfiguration as {
    publicAccessPrevention?: string;
    uniformBucketLevelAccess?: { enabled?: boolean };
    bucketPolicyOnly?: { enabled?: boolean };
  };
  const before = known.iamConfiguration;
  const prevention = requested.publicAccessPrevention ?? before.publicAccessPrevention;
  if (!["enforced", "inherited", "unspecified"].includes(prevention)) {
    throw invalid(`Invalid argument: publicAccessPrevention ${prevention}`);
  }
  const enabled = requested.uniformBucketLevelAccess?.enabled ?? requested.bucketPolicyOnly?.enabled;
  const { uniformBucketLevelAccess: uniform } = before;
  if (enabled === undefined || enabled === uniform.enabled) {
    return { publicAccessPrevention: prevention, uniformBucketLevelAccess: uniform };
  }
  if (!enabled && uniform.lockedTime !== undefined && Date.parse(uniform.lockedTime) <= nowMs) {
    throw invalid("Uniform bucket-level access is locked and cannot be disabled.");
  }
  const lockedTime = new Date(nowMs + limits.UNIFORM_ACCESS_LOCK_MS).toISOString();
  return {
    publicAccessPrevention: prevention === "unspecified" ? "inherited" : prevention,
    uniformBucketLevelAccess: enabled ? { enabled, lockedTime } : { enabled },
  };
}

function parseRetention(
  known: BucketResource,
  { given, nowMs }: Change,
): BucketResource["retentionPolicy"] | null {
  const before = known.retentionPolicy;
  const requested = given.retentionPolicy as { retentionPeriod?: unknown } | null;
  const period = requested === null ? 0 : Number(requested.retentionPeriod ?? 0);
  if (!Number.isInteger(period) || period < 0 || period > limits.RETENTION_SECONDS_MAX) {
    throw invalid(`Invalid argument: retentionPeriod ${String(requested?.retentionPeriod)}`);
  }
  if (before?.isLocked && period < Number(before.retentionPeriod)) {
    throw forbidden("Cannot reduce retention duration of a locked Retention Policy for bucket.");
  }
  if (period === 0) return null;
  return {
    retentionPeriod: String(period),
    effectiveTime: new Date(nowMs).toISOString(),
    ...(before?.isLocked ? { isLocked: true } : {}),
  };
}

function parseSoftDelete({ given, nowMs }: Change): BucketResource["softDeletePolicy"] {
  const requested = given.softDeletePolicy as { retentionDurationSeconds?: unknown } | null;
  const seconds = requested === null ? 0 : Number(requested.retentionDurationSeconds ?? 0);
  const { SOFT_DELETE_SECONDS_MIN: least, SOFT_DELETE_SECONDS_MAX: most } = limits;
  if (seconds !== 0 && !(Number.isInteger(seconds) && seconds >= least && seconds <= most)) {
    throw invalid(`Soft delete policy retention duration must be 0 or between ${least} and ${most} seconds.`);
  }
  return { retentionDurationSeconds: String(seconds), effectiveTime: new Date(nowMs).toISOString() };
}

function parseAutoclass(known: BucketResource, { given, nowMs }: Change): unknown {
  if (given.autoclass === null) return null;
  const requested = given.autoclass as Record<string, unknown>;
  const now = new Date(nowMs).toISOString();
  const before = known.autoclass ?? {};
  const enabled = requested.enabled === true;
  const toggleTime = before.enabled === enabled ? before.toggleTime : now;
  if (!enabled) return { enabled, toggleTime };
  const terminal = requested.terminalStorageClass ?? before.terminalStorageClass ?? "NEARLINE";
  return { enabled, toggleTime, terminalStorageClass: terminal, terminalStorageClassUpdateTime: now };
}
