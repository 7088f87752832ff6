import { WRITER } from "./access.ts";
import type { CustomerKey } from "./encryption.ts";
import type { StorageRequest } from "./exchange.ts";
import { flagOf } from "./exchange.ts";
import { retentionExpiry } from "./object-fields.ts";
import {
  type AccessEntry,
  type BucketResource,
  etagOf,
  type NotificationResource,
  projectNumber,
} from "./resources.ts";
import type { StoredBucket, StoredObject } from "./state.ts";

/** Stored resources as the JSON API shows them. */

const encode = encodeURIComponent;
const linkTo = (origin: string, path: string): string => `${origin}/storage/v1/b/${path}`;

const isFull = (request: StorageRequest): boolean => request.query.get("projection") === "full";

export function bucketView(request: StorageRequest, bucket: StoredBucket, full = isFull(request)): unknown {
  const { name, project, metageneration, resource } = bucket;
  const { acl, defaultObjectAcl, iamPolicy: _policy, iamConfiguration, ...rest } = resource;
  const { uniformBucketLevelAccess: uniform } = iamConfiguration;
  return {
    kind: "storage#bucket",
    id: name,
    selfLink: linkTo(request.origin, name),
    name,
    projectNumber: projectNumber(project),
    generation: String(Date.parse(resource.timeCreated) * 1000),
    metageneration: String(metageneration),
    etag: etagOf(metageneration, 0),
    ...rest,
    iamConfiguration: { ...iamConfiguration, bucketPolicyOnly: uniform },
    ...(full && !uniform.enabled
      ? {
          acl: acl.map((entry) => bucketEntryView(request, bucket, entry)),
          defaultObjectAcl: defaultObjectAcl.map((entry) => defaultEntryView(entry)),
          owner: { entity: `project-owners-${projectNumber(project)}` },
        }
      : {}),
  };
}

export interface ObjectViewOptions {
  readonly key?: CustomerKey | undefined;
  readonly full?: boolean | undefined;
}

export function objectView(
  request: StorageRequest,
  bucket: BucketResource,
  object: StoredObject,
  { key, full = isFull(request) }: ObjectViewOptions = {},
): Record<string, unknown> {
  const { name, generation, metageneration, resource } = object;
  const { acl, crc32c, md5Hash, ...rest } = resource;
  const path = `${object.bucket}/o/${encode(name)}`;
  const expiry = retentionExpiry(bucket, resource);
  // Hashes would tell of the content, which is the key holder's alone.
  const shown =
    resource.customerEncryption === undefined || key?.keySha256 === resource.customerEncryption.keySha256;
  const uniform = bucket.iamConfiguration.uniformBucketLevelAccess.enabled;
  return {
    kind: "storage#object",
    id: `${object.bucket}/${name}/${generation}`,
    selfLink: linkTo(request.origin, path),
    mediaLink: `${request.origin}/download/storage/v1/b/${path}?generation=${generation}&alt=media`,
    name,
    bucket: object.bucket,
    generation: String(generation),
    metageneration: String(metageneration),
    size: String(object.size),
    etag: etagOf(generation, metageneration),
    ...rest,
    timeFinalized: resource.timeCreated,
    ...(expiry === undefined ? {} : { retentionExpirationTime: expiry }),
    ...(shown ? { crc32c, ...(md5Hash === undefined ? {} : { md5Hash }) } : {}),
    ...(full && !uniform
      ? { acl: acl.map((entry) => objectEntryView(request, object, entry)), owner: { entity: WRITER } }
      : {}),
  };
}

const teamOf = ({ entity }: AccessEntry): Record<string, unknown> => {
  const [, team, number] = /^project-(owners|editors|viewers)-(.+)$/.exec(entity) ?? [];
  if (team !== undefined) return { projectTeam: { projectNumber: number, team } };
  const [, kind, rest] = /^(user|group|domain)-(.+)$/.exec(entity) ?? [];
  if (kind === undefined) return {};
  return kind === "domain" ? { domain: rest } : { email: rest };
};

export function bucketEntryView(
  request: StorageRequest,
  { name, metageneration }: StoredBucket,
  entry: AccessEntry,
): unknown {
  return {
    kind: "storage#bucketAccessControl",
    id: `${name}/${entry.entity}`,
    selfLink: linkTo(request.origin, `${name}/acl/${encode(entry.entity)}`),
    bucket: name,
    ...entry,
    ...teamOf(entry),
    etag: etagOf(metageneration, 0),
  };
}

export const defaultEntryView = (entry: AccessEntry): unknown => ({
  kind: "storage#objectAccessControl",
  ...entry,
  ...teamOf(entry),
  etag: etagOf(1, 0),
});

export function objectEntryView(request: StorageRequest, object: StoredObject, entry: AccessEntry): unknown {
  const { bucket, name, generation, metageneration } = object;
  return {
    kind: "storage#objectAccessControl",
    id: `${bucket}/${name}/${generation}/${entry.entity}`,
    selfLink: linkTo(request.origin, `${bucket}/o/${encode(name)}/acl/${encode(entry.entity)}`),
    bucket,
    object: name,
    generation: String(generation),
    ...entry,
    ...teamOf(entry),
    etag: etagOf(generation, metageneration),
  };
}

export const notificationView = (
  request: StorageRequest,
  bucket: string,
  notification: NotificationResource,
): unknown => ({
  kind: "storage#notification",
  selfLink: linkTo(request.origin, `${bucket}/notificationConfigs/${notification.id}`),
  ...notification,
});

/** Whether the caller wants soft-deleted versions. */
export const wantsSoftDeleted = (request: StorageRequest): boolean => flagOf(request.query, "softDeleted");
