import { parseEntry, predefinedAcl, requirePreventionKept } from "./access.ts";
import { conditionsOf, requireToChange, requireToRead } from "./conditions.ts";
import { accessBucket, type StorageCore } from "./core.ts";
import { download } from "./download.ts";
import { customerKeyOf, requireKey } from "./encryption.ts";
import {
  type Reply,
  type StorageRequest,
  flagOf,
  type Handler,
  intOf,
  type JsonObject,
  json,
  jsonBody,
  noContent,
} from "./exchange.ts";
import { invalid, notFound } from "./failure.ts";
import { listObjects, listOrderOf } from "./listing.ts";
import { changedFields, type ObjectFields, requireRetentionChange, storageClassOf } from "./object-fields.ts";
import type { ObjectResource } from "./resources.ts";
import type { StoredBucket, StoredObject } from "./state.ts";
import { accessObject, discard, displace } from "./versions.ts";
import { objectView, wantsSoftDeleted } from "./views.ts";

/** The JSON API's calls on one object, and the list of them. */
export function objectHandlers(
  core: StorageCore,
): Record<"get" | "list" | "patch" | "update" | "delete" | "restore", Handler> {
  const { state } = core;
  return {
    get: (request, names) => getObject(core, request, names.bucket ?? "", names.object ?? ""),
    list(request, names) {
      const bucket = accessBucket(core, names.bucket ?? "");
      const { objects, prefixes, nextPageToken } = listObjects(state, bucket.name, listOrderOf(request));
      return json(request, {
        kind: "storage#objects",
        ...(nextPageToken === undefined ? {} : { nextPageToken }),
        ...(prefixes.length === 0 ? {} : { prefixes }),
        ...(objects.length === 0
          ? {}
          : { items: objects.map((object) => objectView(request, bucket.resource, object)) }),
      });
    },
    patch: (request, names) =>
      change(core, request, { bucketName: names.bucket ?? "", name: names.object ?? "", replace: false }),
    update: (request, names) =>
      change(core, request, { bucketName: names.bucket ?? "", name: names.object ?? "", replace: true }),
    async delete(request, names) {
      await deleteObject(core, request, names.bucket ?? "", names.object ?? "");
      return noContent();
    },
    restore: (request, names) => restore(core, request, names.bucket ?? "", names.object ?? ""),
  };
}

async function getObject(
  core: StorageCore,
  request: StorageRequest,
  bucketName: string,
  name: string,
): Promise<Reply> {
  const bucket = accessBucket(core, bucketName);
  const generation = intOf(request.query, "generation");
  const softDeleted = wantsSoftDeleted(request);
  if (softDeleted && generation === undefined)
    throw invalid("A generation is required to get a soft-deleted object.");
  const object = accessObject(core, bucketName, name, { generation, softDeleted });
  requireToRead(conditionsOf(request), object);
  const key = customerKeyOf(request);
  if (request.query.get("alt") !== "media")
    return json(request, objectView(request, bucket.resource, object, { key }));
  requireKey(object.resource, key);
  return download(core, request, object);
}

/** Deletes the live version (kept as an old one by versioning) or the generation asked for. */
export async function deleteObject(
  core: StorageCore,
  request: StorageRequest,
  bucketName: string,
  name: string,
): Promise<void> {
  const generation = intOf(request.query, "generation");
  const conditions = conditionsOf(request);
  const blobs = await core.state.database.write(() => {
    const bucket = accessBucket(core, bucketName);
    const object = accessObject(core, bucketName, name, { generation });
    requireToChange(conditions, object);
    return generation === undefined
      ? displace(core, bucket, object, undefined)
      : discard(core, bucket, object);
  });
  await core.release(blobs);
}

interface ObjectChange {
  readonly bucketName: string;
  readonly name: string;
  readonly replace: boolean;
}

async function change(
  core: StorageCore,
  request: StorageRequest,
  { bucketName, name, replace }: ObjectChange,
): Promise<Reply> {
  const given = await jsonBody(request);
  const conditions = conditionsOf(request);
  const generation = intOf(request.query, "generation");
  const changed = await core.state.database.write(() => {
    const bucket = accessBucket(core, bucketName);
    const object = accessObject(core, bucketName, name, { generation });
    requireToChange(conditions, object);
    const next: StoredObject = {
      ...object,
      metageneration: object.metageneration + 1,
      resource: changedResource(core, request, { bucket, known: object.resource, given, replace }),
    };
    core.state.putObject(next);
    core.announce("OBJECT_METADATA_UPDATE", bucket, next);
    return next;
  });
  const bucket = accessBucket(core, bucketName);
  return json(
    request,
    objectView(request, bucket.resource, changed, {
      key: customerKeyOf(request),
      full: request.query.get("projection") !== "noAcl",
    }),
  );
}

interface ResourceChange {
  readonly bucket: StoredBucket;
  readonly known: ObjectResource;
  readonly given: JsonObject;
  readonly replace: boolean;
}

function changedResource(
  core: StorageCore,
  request: StorageRequest,
  { bucket: { project, resource: bucket }, known, given, replace }: ResourceChange,
): ObjectResource {
  const nowMs = core.kernel.clock.now();
  const before: ObjectFields = replace ? withoutFields(known) : known;
  const fields = changedFields(before, given, nowMs);
  requireRetentionChange(
    bucket,
    known.retention,
    fields.retention,
    flagOf(request.query, "overrideUnlockedRetention"),
  );
  const predefined = request.query.get("predefinedAcl");
  const acl =
    predefined !== null
      ? predefinedAcl(predefined, project, "object")
      : Array.isArray(given.acl) && given.acl.length > 0
        ? given.acl.map((entry) => parseEntry(entry, "object"))
        : known.acl;
  requirePreventionKept(
    bucket,
    acl.map(({ entity }) => entity),
  );
  const now = new Date(nowMs).toISOString();
  const storageClass = given.storageClass ? storageClassOf(given, bucket) : known.storageClass;
  return {
    ...fixedFields(known),
    ...fields,
    acl,
    updated: now,
    storageClass,
    timeStorageClassUpdated: storageClass === known.storageClass ? known.timeStorageClassUpdated : now,
  };
}

/** A request cannot remove a custom time, and changes only the holds that it names. */
function withoutFields({
  customTime,
  eventBasedHold,
  temporaryHold,
  retention,
}: ObjectResource): ObjectFields {
  return {
    ...(customTime === undefined ? {} : { customTime }),
    ...(eventBasedHold === undefined ? {} : { eventBasedHold }),
    ...(temporaryHold === undefined ? {} : { temporaryHold }),
    ...(retention === undefined ? {} : { retention }),
  };
}

/** The fields that no change of metadata affects. */
function fixedFields(known: ObjectResource): ObjectResource {
  const {
    contentType: _type,
    contentEncoding: _encoding,
    contentDisposition: _disposition,
    contentLanguage: _language,
    cacheControl: _cache,
    metadata: _metadata,
    contexts: _contexts,
    customTime: _time,
    eventBasedHold: _event,
    temporaryHold: _temporary,
    retention: _retention,
    ...fixed
  } = known;
  return fixed;
}

/** Makes a soft-deleted version live again, as a new generation of the same bytes. */
async function restore(
  core: StorageCore,
  request: StorageRequest,
  bucketName: string,
  name: string,
): Promise<Reply> {
  const generation = intOf(request.query, "generation");
  if (generation === undefined) throw invalid("Required parameter: generation");
  const conditions = conditionsOf(request);
  const { restored, blobs } = await core.state.database.write(() => {
    const bucket = accessBucket(core, bucketName);
    const deleted = core.state.version(bucketName, name, generation);
    if (deleted?.standing !== "softDeleted")
      throw notFound(`No such soft-deleted object: ${bucketName}/${name}`);
    const current = core.state.live(bucketName, name);
    requireToChange(conditions, current);
    const next = core.nextGeneration();
    const replaced = current === undefined ? [] : displace(core, bucket, current, next);
    const {
      timeDeleted: _deleted,
      softDeleteTime: _soft,
      hardDeleteTime: _hard,
      ...resource
    } = deleted.resource;
    const now = new Date(core.kernel.clock.now()).toISOString();
    const acl = flagOf(request.query, "copySourceAcl") ? resource.acl : bucket.resource.defaultObjectAcl;
    const object: StoredObject = {
      ...deleted,
      generation: next,
      metageneration: 1,
      standing: "live",
      resource: { ...resource, acl, timeCreated: now, updated: now },
    };
    core.state.putObject(object);
    core.announce("OBJECT_FINALIZE", bucket, object, { overwroteGeneration: current?.generation });
    return { restored: object, blobs: replaced };
  });
  await core.release(blobs);
  return json(
    request,
    objectView(request, accessBucket(core, bucketName).resource, restored, { key: customerKeyOf(request) }),
  );
}
