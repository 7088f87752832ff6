import { invalid, storageError } from "./failure.ts";
import { type AccessEntry, type BucketResource, type IamPolicy, projectNumber } from "./resources.ts";

/** The user that owns what is written: requests bear no identity that could be checked. */
export const WRITER = "user-local@emulator.test";

const PROJECT_TEAMS = ["owners", "editors", "viewers"] as const;
const teamEntity = (team: (typeof PROJECT_TEAMS)[number], project: string): string =>
  `project-${team}-${projectNumber(project)}`;

/** What the service grants where nobody says otherwise: projectPrivate. */
export const projectPrivate = (project: string): AccessEntry[] => [
  { entity: teamEntity("owners", project), role: "OWNER" },
  { entity: teamEntity("editors", project), role: "OWNER" },
  { entity: teamEntity("viewers", project), role: "READER" },
];

const all = (entity: "allUsers" | "allAuthenticatedUsers", role: string): AccessEntry => ({ entity, role });
const owner: AccessEntry = { entity: WRITER, role: "OWNER" };

/** The entries of a predefined list, in either API's spelling. */
export function predefinedAcl(name: string, project: string, of: "bucket" | "object"): AccessEntry[] {
  const owners: AccessEntry[] =
    of === "object" ? [owner] : [{ entity: teamEntity("owners", project), role: "OWNER" }];
  switch (name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())) {
    case "private":
      return owners;
    case "publicRead":
      return [...owners, all("allUsers", "READER")];
    case "publicReadWrite":
      return [...owners, all("allUsers", of === "bucket" ? "WRITER" : "READER")];
    case "authenticatedRead":
      return [...owners, all("allAuthenticatedUsers", "READER")];
    case "bucketOwnerRead":
      return [...owners, { entity: teamEntity("owners", project), role: "READER" }];
    case "bucketOwnerFullControl":
      return [...owners, { entity: teamEntity("owners", project), role: "OWNER" }];
    case "projectPrivate":
      return of === "object" ? [...projectPrivate(project), owner] : projectPrivate(project);
    default:
      throw invalid(`Invalid value for predefined ACL: ${name}`);
  }
}

export const defaultPolicy = (project: string): IamPolicy => ({
  version: 1,
  bindings: [
    {
      members: [`projectEditor:${project}`, `projectOwner:${project}`],
      role: "roles/storage.legacyBucketOwner",
    },
    { members: [`projectViewer:${project}`], role: "roles/storage.legacyBucketReader" },
  ],
});

/** As the service keeps them: the members of one role, under one condition, in one binding. */
export function mergedBindings(bindings: IamPolicy["bindings"]): IamPolicy["bindings"] {
  const byRole = new Map<string, IamPolicy["bindings"][number]>();
  for (const binding of bindings) {
    const key = JSON.stringify([binding.role, binding.condition ?? null]);
    const members = new Set([...(byRole.get(key)?.members ?? []), ...(binding.members ?? [])]);
    if (members.size > 0) byRole.set(key, { ...binding, members: [...members] });
  }
  return [...byRole.values()];
}

/** ACLs are out of force while access is uniform. */
export function requireAcls(bucket: BucketResource, of: "bucket" | "object"): void {
  if (!bucket.iamConfiguration.uniformBucketLevelAccess.enabled) return;
  throw invalid(
    `Cannot use ACL API to update ${of === "bucket" ? "bucket policy" : "object policy"} when uniform bucket-level access is enabled.`,
  );
}

/** As `requireAcls`, for reading them. */
export function requireReadableAcls(bucket: BucketResource, of: "bucket" | "object"): void {
  if (!bucket.iamConfiguration.uniformBucketLevelAccess.enabled) return;
  throw invalid(
    `Cannot get legacy ACL for ${of === "bucket" ? "a bucket" : "an object"} when uniform bucket-level access is enabled.`,
  );
}

const isPublic = (member: string): boolean => member === "allUsers" || member === "allAuthenticatedUsers";

/** 412 where the bucket forbids public access and the entries grant it. */
export function requirePreventionKept(bucket: BucketResource, members: readonly string[]): void {
  if (bucket.iamConfiguration.publicAccessPrevention !== "enforced" || !members.some(isPublic)) return;
  throw storageError({
    status: 412,
    reason: "conditionNotMet",
    xmlCode: "PreconditionFailed",
    message:
      "The member bindings allUsers and allAuthenticatedUsers are not allowed since public access prevention is enforced.",
  });
}

const ENTITY =
  /^(allUsers|allAuthenticatedUsers|(user|group|domain)-.+|project-(owners|editors|viewers)-.+)$/;
const ROLES = { bucket: ["READER", "WRITER", "OWNER"], object: ["READER", "OWNER"] } as const;

export function parseEntry(value: unknown, of: "bucket" | "object"): AccessEntry {
  const { entity, role } = (value ?? {}) as Record<string, unknown>;
  if (typeof entity !== "string" || !ENTITY.test(entity))
    throw invalid(`Invalid value for entity: ${String(entity)}`);
  const upper = typeof role === "string" ? role.toUpperCase() : "";
  if (!(ROLES[of] as readonly string[]).includes(upper))
    throw invalid(`Invalid value for role: ${String(role)}`);
  return { entity, role: upper };
}

/** The list with the entry in it, in the place of what its entity had. */
export const withEntry = (list: readonly AccessEntry[], entry: AccessEntry): AccessEntry[] => [
  ...list.filter(({ entity }) => entity !== entry.entity),
  entry,
];

const OBJECT_READ_ROLES = new Set([
  "roles/storage.objectViewer",
  "roles/storage.legacyObjectReader",
  "roles/storage.objectAdmin",
  "roles/storage.objectUser",
  "roles/storage.admin",
]);
const LIST_ROLES = new Set([
  "roles/storage.objectViewer",
  "roles/storage.objectAdmin",
  "roles/storage.objectUser",
  "roles/storage.admin",
  "roles/storage.legacyBucketReader",
  "roles/storage.legacyBucketWriter",
]);

const granted = (bucket: BucketResource, roles: ReadonlySet<string>): boolean =>
  bucket.iamPolicy.bindings.some(
    ({ role, members, condition }) =>
      roles.has(role) && condition === undefined && members.includes("allUsers"),
  );

/** Whether anybody may read the object without signing in. */
export function isPublicObject(bucket: BucketResource, acl: readonly AccessEntry[]): boolean {
  if (bucket.iamConfiguration.publicAccessPrevention === "enforced") return false;
  if (granted(bucket, OBJECT_READ_ROLES)) return true;
  const uniform = bucket.iamConfiguration.uniformBucketLevelAccess.enabled;
  return !uniform && acl.some(({ entity }) => entity === "allUsers");
}

/** Whether anybody may list the bucket's objects. */
export function isPublicBucket(bucket: BucketResource): boolean {
  if (bucket.iamConfiguration.publicAccessPrevention === "enforced") return false;
  if (granted(bucket, LIST_ROLES)) return true;
  const uniform = bucket.iamConfiguration.uniformBucketLevelAccess.enabled;
  return !uniform && bucket.acl.some(({ entity }) => entity === "allUsers");
}
