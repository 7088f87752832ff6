import { parseEntry, predefinedAcl, requirePreventionKept, WRITER } from "./access.ts";
import { type Conditions, requireToChange } from "./conditions.ts";
import { accessBucket, type StorageCore } from "./core.ts";
import type { CustomerKey } from "./encryption.ts";
import type { JsonObject } from "./exchange.ts";
import { noSuchObject } from "./failure.ts";
import type { Digests } from "./hashes.ts";
import { changedFields, requireRemovable, requireRetentionChange, storageClassOf } from "./object-fields.ts";
import type { AccessEntry, ObjectResource } from "./resources.ts";
import type { StoredBucket, StoredObject } from "./state.ts";

/** The content of a new version. */
export interface Content extends Pick<Digests, "size" | "crc32c"> {
  readonly blob: string;
  readonly md5Hash?: string | undefined;
  readonly componentCount?: number | undefined;
}

/** A new version of an object. */
export interface Creation {
  readonly bucket: string;
  readonly name: string;
  /** The metadata that the caller gave. */
  readonly given: JsonObject;
  readonly content: Content;
  readonly conditions: Conditions;
  readonly predefinedAcl?: string | null | undefined;
  readonly customerKey?: CustomerKey | undefined;
  readonly kmsKeyName?: string | null | undefined;
}

/** Makes the new version what the name means; call inside `database.write`. Returns blobs to release. */
export function createVersion(
  core: StorageCore,
  creation: Creation,
): { object: StoredObject; replaced: string[] } {
  const { bucket: bucketName, name, content } = creation;
  const bucket = accessBucket(core, bucketName);
  const current = core.state.live(bucketName, name);
  requireToChange(creation.conditions, current);
  const nowMs = core.kernel.clock.now();
  const generation = core.nextGeneration();
  const replaced = current === undefined ? [] : displace(core, bucket, current, generation);
  const object: StoredObject = {
    bucket: bucketName,
    name,
    generation,
    metageneration: 1,
    standing: "live",
    blob: content.blob,
    size: content.size,
    resource: newResource(bucket, creation, nowMs),
  };
  requireRetentionChange(bucket.resource, undefined, object.resource.retention, false);
  core.state.putObject(object);
  core.announce("OBJECT_FINALIZE", bucket, object, { overwroteGeneration: current?.generation });
  return { object, replaced };
}

function newResource(bucket: StoredBucket, creation: Creation, nowMs: number): ObjectResource {
  const { given, content, customerKey, kmsKeyName } = creation;
  const now = new Date(nowMs).toISOString();
  const { resource } = bucket;
  const key =
    kmsKeyName ?? (given.kmsKeyName as string | undefined) ?? resource.encryption?.defaultKmsKeyName;
  const holds = resource.defaultEventBasedHold ? { eventBasedHold: true } : {};
  const acl = aclOf(bucket, creation);
  requirePreventionKept(
    resource,
    acl.map(({ entity }) => entity),
  );
  return {
    timeCreated: now,
    updated: now,
    timeStorageClassUpdated: now,
    storageClass: storageClassOf(given, resource),
    crc32c: content.crc32c,
    ...(content.md5Hash === undefined ? {} : { md5Hash: content.md5Hash }),
    ...(content.componentCount === undefined ? {} : { componentCount: content.componentCount }),
    ...changedFields(holds, given, nowMs),
    ...(customerKey === undefined
      ? {}
      : { customerEncryption: { encryptionAlgorithm: "AES256", keySha256: customerKey.keySha256 } }),
    ...(customerKey === undefined && key ? { kmsKeyName: versionedKey(key) } : {}),
    acl,
  };
}

/** Objects name the version of the key that encrypted them. */
const versionedKey = (key: string): string =>
  key.includes("/cryptoKeyVersions/") ? key : `${key}/cryptoKeyVersions/1`;

function aclOf(
  { project, resource }: StoredBucket,
  { given, predefinedAcl: name }: Creation,
): readonly AccessEntry[] {
  if (name) return predefinedAcl(name, project, "object");
  if (Array.isArray(given.acl)) return given.acl.map((entry) => parseEntry(entry, "object"));
  return [...resource.defaultObjectAcl, { entity: WRITER, role: "OWNER" }];
}

/** Takes the live version from its place: kept by versioning or soft deletion, or gone. */
export function displace(
  core: StorageCore,
  bucket: StoredBucket,
  current: StoredObject,
  by: number | undefined,
): string[] {
  const nowMs = core.kernel.clock.now();
  requireRemovable(`${bucket.name}/${current.name}`, bucket.resource, current.resource, nowMs);
  if (!bucket.resource.versioning?.enabled) return discard(core, bucket, current, by);
  const archived: StoredObject = {
    ...current,
    standing: "old",
    resource: { ...current.resource, timeDeleted: new Date(nowMs).toISOString() },
  };
  core.state.putObject(archived);
  core.announce("OBJECT_ARCHIVE", bucket, archived, { overwrittenByGeneration: by });
  return [];
}

/** Deletes a version for good, or softly where the bucket keeps what is deleted. */
export function discard(
  core: StorageCore,
  bucket: StoredBucket,
  object: StoredObject,
  by?: number,
): string[] {
  const nowMs = core.kernel.clock.now();
  requireRemovable(`${bucket.name}/${object.name}`, bucket.resource, object.resource, nowMs);
  const keepMs = Number(bucket.resource.softDeletePolicy.retentionDurationSeconds) * 1000;
  core.announce("OBJECT_DELETE", bucket, object, { overwrittenByGeneration: by });
  if (keepMs === 0) {
    core.state.removeObject(object);
    return [object.blob];
  }
  core.state.putObject({
    ...object,
    standing: "softDeleted",
    resource: {
      ...object.resource,
      timeDeleted: object.resource.timeDeleted ?? new Date(nowMs).toISOString(),
      softDeleteTime: new Date(nowMs).toISOString(),
      hardDeleteTime: new Date(nowMs + keepMs).toISOString(),
    },
  });
  return [];
}

export interface VersionChoice {
  readonly generation: number | undefined;
  readonly softDeleted?: boolean | undefined;
}

/** The version that a request is about: the live one, or the generation asked for. */
export function accessObject(
  core: StorageCore,
  bucket: string,
  name: string,
  { generation, softDeleted = false }: VersionChoice,
): StoredObject {
  accessBucket(core, bucket);
  const object =
    generation === undefined ? core.state.live(bucket, name) : core.state.version(bucket, name, generation);
  if (object === undefined || (object.standing === "softDeleted") !== softDeleted)
    throw noSuchObject(bucket, name);
  return object;
}
