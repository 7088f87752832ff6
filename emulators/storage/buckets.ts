import { mergedBindings, predefinedAcl, requirePreventionKept } from "./access.ts";
import { changedBucket, newBucket, parseBucketName } from "./bucket-rules.ts";
import { conditionsOf, requireToChange, requireToRead } from "./conditions.ts";
import { accessBucket, type StorageCore } from "./core.ts";
import { type StorageRequest, type Handler, intOf, json, jsonBody, noContent } from "./exchange.ts";
import { conflict, forbidden, invalid, required } from "./failure.ts";
import { PAGE_MAX } from "./limits.ts";
import type { BucketResource, IamPolicy } from "./resources.ts";
import type { StoredBucket } from "./state.ts";
import { bucketView } from "./views.ts";

type BucketCall = "insert" | "get" | "list" | "patch" | "update" | "delete" | "lockRetentionPolicy";
type IamCall = "getIamPolicy" | "setIamPolicy" | "testIamPermissions" | "getStorageLayout";

export function bucketHandlers(core: StorageCore): Record<BucketCall, Handler> {
  const { state, kernel } = core;
  const patch = change(core, (_bucket, given) => given);
  return {
    async insert(request) {
      const project = request.query.get("project");
      if (!project) throw required("Required parameter: project");
      const given = await jsonBody(request);
      const name = parseBucketName(given.name);
      const resource = newBucket({ given, nowMs: kernel.clock.now(), project }, request.query);
      const bucket: StoredBucket = { name, project, metageneration: 1, resource };
      await state.database.write(() => {
        if (state.bucket(name) !== undefined) {
          throw conflict(
            "Your previous request to create the named bucket succeeded and you already own it.",
            "BucketAlreadyOwnedByYou",
          );
        }
        state.putBucket(bucket);
      });
      return json(request, bucketView(request, bucket, request.query.get("projection") === "full"));
    },
    get(request, names) {
      const bucket = accessBucket(core, names.bucket ?? "");
      requireToRead(conditionsOf(request), bucket);
      return json(request, bucketView(request, bucket));
    },
    list(request) {
      const project = request.query.get("project");
      if (!project) throw required("Required parameter: project");
      const prefix = request.query.get("prefix") ?? "";
      const after = Buffer.from(request.query.get("pageToken") ?? "", "base64url").toString();
      const max = Math.min(intOf(request.query, "maxResults") || PAGE_MAX, PAGE_MAX);
      const rest = state.buckets(project).filter(({ name }) => name.startsWith(prefix) && name > after);
      const page = rest.slice(0, max);
      const last = page.at(-1);
      const more = rest.length > max && last !== undefined;
      return json(request, {
        kind: "storage#buckets",
        ...(more ? { nextPageToken: Buffer.from(last.name).toString("base64url") } : {}),
        ...(page.length === 0 ? {} : { items: page.map((bucket) => bucketView(request, bucket)) }),
      });
    },
    patch,
    update: change(core, (bucket, given) => ({ ...clearing(bucket), ...given })),
    async delete(request, names) {
      const conditions = conditionsOf(request);
      const blobs = await state.database.write(() => {
        const bucket = accessBucket(core, names.bucket ?? "");
        requireToChange(conditions, bucket);
        if (!state.isEmpty(bucket.name)) {
          throw conflict("The bucket you tried to delete is not empty.", "BucketNotEmpty");
        }
        return removeBucket(core, bucket.name);
      });
      await core.release(blobs);
      return noContent();
    },
    async lockRetentionPolicy(request, names) {
      const conditions = conditionsOf(request);
      if (conditions.ifMetagenerationMatch === undefined)
        throw required("Required parameter: ifMetagenerationMatch");
      const bucket = await write(core, names.bucket ?? "", (known) => {
        requireToChange(conditions, known);
        const { retentionPolicy } = known.resource;
        if (retentionPolicy === undefined) throw forbidden("There is no retention policy to lock.");
        return { ...known.resource, retentionPolicy: { ...retentionPolicy, isLocked: true } };
      });
      return json(request, bucketView(request, bucket));
    },
  };
}

/** Forgets the bucket with what is left below it: soft-deleted versions and unfinished uploads. */
function removeBucket(core: StorageCore, name: string): string[] {
  const { state } = core;
  const blobs = state.uploads(name).flatMap(({ id }) => state.removeUpload(id));
  const everything = { name: "", afterGeneration: undefined };
  for (;;) {
    const rows = state.scan(name, everything, ["softDeleted"], PAGE_MAX);
    if (rows.length === 0) break;
    for (const object of rows) {
      state.removeObject(object);
      blobs.push(object.blob);
    }
  }
  state.removeBucket(name);
  return blobs;
}

/** Applies a change in one transaction, as the bucket's next metageneration. */
function write(
  core: StorageCore,
  name: string,
  apply: (bucket: StoredBucket) => BucketResource,
): Promise<StoredBucket> {
  return core.state.database.write(() => {
    const known = accessBucket(core, name);
    const resource = { ...apply(known), updated: new Date(core.kernel.clock.now()).toISOString() };
    const bucket = { ...known, metageneration: known.metageneration + 1, resource };
    core.state.putBucket(bucket);
    return bucket;
  });
}

type Given = Readonly<Record<string, unknown>>;

function change(core: StorageCore, complete: (bucket: BucketResource, given: Given) => Given): Handler {
  return async (request, names) => {
    const given = await jsonBody(request);
    const conditions = conditionsOf(request);
    const bucket = await write(core, names.bucket ?? "", (known) => {
      requireToChange(conditions, known);
      if (
        given.location !== undefined &&
        JSON.stringify(given.location).toUpperCase() !== JSON.stringify(known.resource.location)
      ) {
        throw invalid("A bucket's location cannot be changed.");
      }
      const nowMs = core.kernel.clock.now();
      const changed = changedBucket(known.resource, {
        given: complete(known.resource, given),
        nowMs,
        project: known.project,
      });
      return withPredefined(request, known, changed);
    });
    return json(request, bucketView(request, bucket, request.query.get("projection") !== "noAcl"));
  };
}

/** PUT replaces the resource: fields that it does not name are removed. */
const clearing = (bucket: BucketResource): Given =>
  Object.fromEntries(
    [
      "labels",
      "cors",
      "lifecycle",
      "website",
      "logging",
      "versioning",
      "billing",
      "encryption",
      "retentionPolicy",
    ]
      .filter((field) => bucket[field] !== undefined)
      .map((field) => [field, null]),
  );

function withPredefined(
  request: StorageRequest,
  { project, resource }: StoredBucket,
  changed: BucketResource,
): BucketResource {
  const acl = request.query.get("predefinedAcl");
  const defaultAcl = request.query.get("predefinedDefaultObjectAcl");
  const next: BucketResource = {
    ...changed,
    ...(acl === null ? {} : { acl: predefinedAcl(acl, project, "bucket") }),
    ...(defaultAcl === null ? {} : { defaultObjectAcl: predefinedAcl(defaultAcl, project, "object") }),
  };
  if (next.acl !== resource.acl)
    requirePreventionKept(
      next,
      next.acl.map(({ entity }) => entity),
    );
  return next;
}

/** Policies are stored as given. What they grant to everybody applies to requests without identity. */
export function iamHandlers(core: StorageCore): Record<IamCall, Handler> {
  const policyView = (request: StorageRequest, { name, metageneration, resource }: StoredBucket) =>
    json(request, {
      kind: "storage#policy",
      resourceId: `projects/_/buckets/${name}`,
      ...resource.iamPolicy,
      version: resource.iamPolicy.version ?? 1,
      etag: Buffer.from(`policy-${metageneration}`).toString("base64"),
    });
  return {
    getIamPolicy: (request, names) => policyView(request, accessBucket(core, names.bucket ?? "")),
    async setIamPolicy(request, names) {
      const given = await jsonBody(request);
      if (!Array.isArray(given.bindings ?? [])) throw invalid("Invalid policy.");
      const bindings = mergedBindings((given.bindings ?? []) as IamPolicy["bindings"]);
      const bucket = await write(core, names.bucket ?? "", (known) => {
        const etag = Buffer.from(`policy-${known.metageneration}`).toString("base64");
        if (given.etag && given.etag !== etag) {
          throw conflict("The policy has been changed since it was read.");
        }
        const conditional = bindings.some(({ condition }) => condition !== undefined);
        if (conditional && given.version !== 3) throw invalid("Conditional bindings need policy version 3.");
        if (conditional && !known.resource.iamConfiguration.uniformBucketLevelAccess.enabled) {
          throw invalid("Conditional bindings need uniform bucket-level access.");
        }
        requirePreventionKept(
          known.resource,
          bindings.flatMap(({ members }) => members),
        );
        return { ...known.resource, iamPolicy: { version: Number(given.version ?? 1), bindings } };
      });
      return policyView(request, bucket);
    },
    testIamPermissions(request, names) {
      accessBucket(core, names.bucket ?? "");
      return json(request, {
        kind: "storage#testIamPermissionsResponse",
        permissions: request.query.getAll("permissions"),
      });
    },
    getStorageLayout(request, names) {
      const { name, resource } = accessBucket(core, names.bucket ?? "");
      return json(request, {
        kind: "storage#storageLayout",
        bucket: name,
        location: resource.location,
        locationType: resource.locationType,
        hierarchicalNamespace: { enabled: resource.hierarchicalNamespace?.enabled ?? false },
      });
    },
  };
}
