import { parseEntry, requireAcls, requirePreventionKept, requireReadableAcls, withEntry } from "./access.ts";
import { accessBucket, type StorageCore } from "./core.ts";
import {
  type StorageRequest,
  type Handler,
  intOf,
  json,
  jsonBody,
  type Names,
  noContent,
} from "./exchange.ts";
import { notFound } from "./failure.ts";
import type { AccessEntry } from "./resources.ts";
import type { StoredBucket, StoredObject } from "./state.ts";
import { accessObject } from "./versions.ts";
import { bucketEntryView, defaultEntryView, objectEntryView } from "./views.ts";

/** One of the lists: a bucket's own, its default for objects, or an object's. */
interface List {
  readonly kind: string;
  readonly of: "bucket" | "object";
  read(core: StorageCore, request: StorageRequest, names: Names): Owner;
}

interface Owner {
  readonly bucket: StoredBucket;
  readonly entries: readonly AccessEntry[];
  view(entry: AccessEntry): unknown;
  /** Inside `database.write`. */
  put(core: StorageCore, entries: readonly AccessEntry[]): void;
}

const bucketList: List = {
  kind: "storage#bucketAccessControls",
  of: "bucket",
  read(core, request, names) {
    const bucket = accessBucket(core, names.bucket ?? "");
    return {
      bucket,
      entries: bucket.resource.acl,
      view: (entry) => bucketEntryView(request, bucket, entry),
      put: ({ state, kernel }, acl) => state.putBucket(nextBucket(bucket, kernel.clock.now(), { acl })),
    };
  },
};

const defaultList: List = {
  kind: "storage#objectAccessControls",
  of: "object",
  read(core, _ask, names) {
    const bucket = accessBucket(core, names.bucket ?? "");
    return {
      bucket,
      entries: bucket.resource.defaultObjectAcl,
      view: defaultEntryView,
      put: ({ state, kernel }, defaultObjectAcl) =>
        state.putBucket(nextBucket(bucket, kernel.clock.now(), { defaultObjectAcl })),
    };
  },
};

const objectList: List = {
  kind: "storage#objectAccessControls",
  of: "object",
  read(core, request, names) {
    const bucket = accessBucket(core, names.bucket ?? "");
    const object = accessObject(core, bucket.name, names.object ?? "", {
      generation: intOf(request.query, "generation"),
    });
    return {
      bucket,
      entries: object.resource.acl,
      view: (entry) => objectEntryView(request, object, entry),
      put({ state, kernel, announce }, acl) {
        const updated = new Date(kernel.clock.now()).toISOString();
        const next: StoredObject = {
          ...object,
          metageneration: object.metageneration + 1,
          resource: { ...object.resource, acl, updated },
        };
        state.putObject(next);
        announce("OBJECT_METADATA_UPDATE", bucket, next);
      },
    };
  },
};

function nextBucket(
  bucket: StoredBucket,
  nowMs: number,
  changed: Partial<StoredBucket["resource"]>,
): StoredBucket {
  const resource = { ...bucket.resource, ...changed, updated: new Date(nowMs).toISOString() };
  return { ...bucket, metageneration: bucket.metageneration + 1, resource };
}

export type AclCall = "list" | "get" | "insert" | "patch" | "update" | "delete";

/** The access controls of buckets and objects: kept, shown, and counted for readers without identity. */
export const aclHandlers = (core: StorageCore) => ({
  bucketAccessControls: handlersOf(core, bucketList),
  defaultObjectAccessControls: handlersOf(core, defaultList),
  objectAccessControls: handlersOf(core, objectList),
});

function handlersOf(core: StorageCore, list: List): Record<AclCall, Handler> {
  const found = (owner: Owner, entity: string): AccessEntry => {
    const entry = owner.entries.find((each) => each.entity === entity);
    if (entry === undefined) throw notFound("The specified ACL entry was not found.");
    return entry;
  };
  const put =
    (
      change: (owner: Owner, given: Readonly<Record<string, unknown>>, entity: string) => AccessEntry,
    ): Handler =>
    async (request, names) => {
      const given = await jsonBody(request);
      const entry = await core.state.database.write(() => {
        const owner = list.read(core, request, names);
        requireAcls(owner.bucket.resource, list.of);
        const changed = change(owner, given, names.entity ?? "");
        requirePreventionKept(owner.bucket.resource, [changed.entity]);
        owner.put(core, withEntry(owner.entries, changed));
        return changed;
      });
      return json(request, list.read(core, request, names).view(entry));
    };
  const update = put((_owner, given, entity) => parseEntry({ ...given, entity }, list.of));
  return {
    list(request, names) {
      const owner = list.read(core, request, names);
      requireReadableAcls(owner.bucket.resource, list.of);
      return json(request, { kind: list.kind, items: owner.entries.map((entry) => owner.view(entry)) });
    },
    get(request, names) {
      const owner = list.read(core, request, names);
      requireReadableAcls(owner.bucket.resource, list.of);
      return json(request, owner.view(found(owner, names.entity ?? "")));
    },
    insert: put((_owner, given) => parseEntry(given, list.of)),
    patch: put((owner, given, entity) => parseEntry({ ...found(owner, entity), ...given, entity }, list.of)),
    update,
    async delete(request, names) {
      await core.state.database.write(() => {
        const owner = list.read(core, request, names);
        requireAcls(owner.bucket.resource, list.of);
        const { entity } = found(owner, names.entity ?? "");
        owner.put(
          core,
          owner.entries.filter((entry) => entry.entity !== entity),
        );
      });
      return noContent();
    },
  };
}
