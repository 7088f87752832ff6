import type { StorageCore } from "./core.ts";
import { StatusError } from "../kernel/status-error.ts";
import { DAY_MS, EXPIRED_SESSION_MS, SESSION_MS, SWEEP_BATCH } from "./limits.ts";
import type { LifecycleRule } from "./resources.ts";
import type { ScanPosition, StoredBucket, StoredObject, StoredUpload } from "./state.ts";
import { discard, displace } from "./versions.ts";

/** One sweep: lifecycle rules, expired sessions, the end of soft deletion. */
export async function sweep(core: StorageCore, isClosed: () => boolean): Promise<void> {
  for (const bucket of core.state.buckets(undefined)) {
    let position: ScanPosition | undefined = { name: "", afterGeneration: undefined };
    while (position !== undefined && !isClosed()) position = await sweepSome(core, bucket, position);
    if (isClosed()) return;
  }
  const nowMs = core.kernel.clock.now();
  const gone = core.state.uploads(undefined).filter((upload) => isExpired(core, upload, nowMs));
  const blobs = await core.state.database.write(() => gone.flatMap(({ id }) => core.state.removeUpload(id)));
  await core.release(blobs);
}

/** Sweeps one batch of versions; returns where the next one begins. */
async function sweepSome(
  core: StorageCore,
  { name: bucketName }: StoredBucket,
  from: ScanPosition,
): Promise<ScanPosition | undefined> {
  const { state, kernel } = core;
  const { next, blobs } = await state.database.write(() => {
    // Read anew: rules may have changed since the last batch.
    const bucket = state.bucket(bucketName);
    if (bucket === undefined) return { next: undefined, blobs: [] };
    const rows = state.scan(bucketName, from, ["live", "old", "softDeleted"], SWEEP_BATCH);
    const nowMs = kernel.clock.now();
    const released = rows.flatMap((object) => age(core, bucket, object, nowMs));
    const last = rows.at(-1);
    const more = rows.length === SWEEP_BATCH && last !== undefined;
    return {
      next: more ? { name: last.name, afterGeneration: last.generation } : undefined,
      blobs: released,
    };
  });
  await core.release(blobs);
  return next;
}

/** Applies to one version what is due. Where a hold or a retention forbids it, it waits for a later sweep. */
function age(core: StorageCore, bucket: StoredBucket, object: StoredObject, nowMs: number): string[] {
  if (object.standing === "softDeleted") {
    if (Date.parse(object.resource.hardDeleteTime ?? "") > nowMs) return [];
    core.state.removeObject(object);
    return [object.blob];
  }
  const due = (bucket.resource.lifecycle?.rule ?? []).filter((rule) => applies(core, rule, object, nowMs));
  try {
    if (due.some(({ action }) => action?.type === "Delete")) {
      return object.standing === "live"
        ? displace(core, bucket, object, undefined)
        : discard(core, bucket, object);
    }
  } catch (cause) {
    if (!(cause instanceof StatusError)) throw cause;
    return [];
  }
  const storageClass = due
    .find(({ action }) => action?.type === "SetStorageClass")
    ?.action?.storageClass?.toUpperCase();
  if (storageClass !== undefined && storageClass !== object.resource.storageClass) {
    const now = new Date(nowMs).toISOString();
    const resource = { ...object.resource, storageClass, timeStorageClassUpdated: now };
    core.state.putObject({ ...object, resource });
  }
  return [];
}

type Condition = Readonly<Record<string, unknown>>;

/** Whether all of a rule's conditions hold: cloud.google.com/storage/docs/lifecycle#conditions. */
function applies(
  core: StorageCore,
  { condition = {} }: LifecycleRule,
  object: StoredObject,
  nowMs: number,
): boolean {
  const { resource, name, standing } = object;
  return Object.entries(condition).every(([kind, value]) => {
    switch (kind) {
      case "age":
        return isOlder(resource.timeCreated, Number(value), nowMs);
      case "createdBefore":
        return isBefore(resource.timeCreated, value);
      case "isLive":
        return value === (standing === "live");
      case "matchesPrefix":
        return (value as string[]).some((prefix) => name.startsWith(prefix));
      case "matchesSuffix":
        return (value as string[]).some((suffix) => name.endsWith(suffix));
      case "matchesStorageClass":
        return (value as string[]).includes(resource.storageClass);
      case "numNewerVersions":
      case "numberOfNewerVersions":
        return core.state.newerVersions(object) >= Number(value);
      case "daysSinceNoncurrentTime":
        return standing === "old" && isOlder(resource.timeDeleted, Number(value), nowMs);
      case "noncurrentTimeBefore":
        return standing === "old" && isBefore(resource.timeDeleted, value);
      case "daysSinceCustomTime":
        return isOlder(resource.customTime, Number(value), nowMs);
      case "customTimeBefore":
        return isBefore(resource.customTime, value);
      default:
        // A condition that is not known must not delete anything.
        return false;
    }
  });
}

const isOlder = (time: string | undefined, days: number, nowMs: number): boolean =>
  time !== undefined && Date.parse(time) + days * DAY_MS <= nowMs;

/** A date is midnight UTC. */
const isBefore = (time: string | undefined, date: unknown): boolean =>
  time !== undefined && Date.parse(time) < Date.parse(String(date));

function isExpired({ state }: StorageCore, upload: StoredUpload, nowMs: number): boolean {
  if (upload.kind === "resumable") return upload.createdMs + SESSION_MS + EXPIRED_SESSION_MS <= nowMs;
  const rules = state.bucket(upload.bucket)?.resource.lifecycle?.rule ?? [];
  return rules.some(
    ({ action, condition }: LifecycleRule) =>
      action?.type === "AbortIncompleteMultipartUpload" && fitsUpload(condition ?? {}, upload, nowMs),
  );
}

function fitsUpload(
  { age: days, matchesPrefix, matchesSuffix }: Condition,
  upload: StoredUpload,
  nowMs: number,
): boolean {
  const fits = (list: unknown, test: (text: string) => boolean): boolean =>
    !Array.isArray(list) || list.some(test);
  return (
    typeof days === "number" &&
    upload.createdMs + days * DAY_MS <= nowMs &&
    fits(matchesPrefix, (prefix) => upload.name.startsWith(prefix)) &&
    fits(matchesSuffix, (suffix) => upload.name.endsWith(suffix))
  );
}
