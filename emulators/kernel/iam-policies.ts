import { randomBytes } from "node:crypto";
import type { Type } from "protobufjs";
import type { Database } from "./database.ts";
import type { Message, Unary } from "./rpc.ts";
import { StatusError } from "./status-error.ts";

/** The access policies of a service's resources: kept as given and shown, without any effect on calls. */
export interface IamPolicies {
  /** google.iam.v1's three calls. `access` throws where there is no such resource. */
  calls(
    access: (resource: string) => void,
  ): Record<"GetIamPolicy" | "SetIamPolicy" | "TestIamPermissions", Unary>;
  /** For inside `database.write`: a resource made anew under an old name starts without a policy. */
  forget(resource: string): void;
}

/** The version from which bindings may be conditional: cloud.google.com/iam/docs/policies#versions. */
const CONDITIONS_VERSION = 3;
const VERSIONS: readonly number[] = [0, 1, CONDITIONS_VERSION];
/** google.iam.v1.Policy: 1,500 principals in all. */
const MEMBERS_MAX = 1500;
/** What the service answers as the etag of a policy that nobody has set: "ACAB" in base64. */
const UNSET_ETAG = Buffer.from([0, 0x20, 0x01]);

const SCHEMA = "CREATE TABLE IF NOT EXISTS iamPolicies (resource TEXT PRIMARY KEY, policy BLOB NOT NULL)";

/** `policyType` is google.iam.v1.Policy. */
export function createIamPolicies(database: Database, policyType: Type): IamPolicies {
  const { sql } = database;
  sql.exec(SCHEMA);
  const select = sql.prepare("SELECT policy FROM iamPolicies WHERE resource = ?");
  const upsert = sql.prepare("INSERT OR REPLACE INTO iamPolicies VALUES (?, ?)");
  const remove = sql.prepare("DELETE FROM iamPolicies WHERE resource = ?");
  const read = (resource: string): Message => {
    const row = select.get(resource);
    return row === undefined
      ? { version: 0, bindings: [], etag: UNSET_ETAG }
      : policyType.decode(row["policy"] as Uint8Array);
  };
  return {
    calls: (access) => ({
      GetIamPolicy({ resource }) {
        access(resource);
        return read(resource);
      },
      SetIamPolicy: ({ resource, policy, updateMask }) =>
        database.write(() => {
          access(resource);
          const known = read(resource);
          const given = policy ?? {};
          if (given.etag?.length > 0 && Buffer.compare(given.etag, known.etag) !== 0) {
            throw new StatusError(
              "ABORTED",
              "The policy has been changed since it was read: the etag is another.",
            );
          }
          const changed = parsePolicy(known, given, updateMask?.paths);
          upsert.run(resource, policyType.encode(changed).finish());
          return changed;
        }),
      TestIamPermissions({ resource, permissions }) {
        access(resource);
        const broad = (permissions as string[]).find((permission) => permission.includes("*"));
        if (broad !== undefined)
          throw new StatusError("INVALID_ARGUMENT", `Permissions can't have wildcards: ${broad}`);
        // The emulator refuses nobody, so every caller has every permission.
        return { permissions };
      },
    }),
    forget: (resource) => void remove.run(resource),
  };
}

function parsePolicy(known: Message, given: Message, mask: readonly string[] | undefined): Message {
  const paths = mask !== undefined && mask.length > 0 ? mask : ["bindings", "auditConfigs", "version"];
  const isNamed = (field: string): boolean =>
    paths.some((path) => path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) === field);
  const bindings: Message[] = isNamed("bindings") ? (given.bindings ?? []) : known.bindings;
  const version: number = given.version ?? 0;
  if (!VERSIONS.includes(version))
    throw new StatusError("INVALID_ARGUMENT", `There are no policies of version ${version}.`);
  if (bindings.some(({ condition }) => condition) && version !== CONDITIONS_VERSION) {
    throw new StatusError("INVALID_ARGUMENT", "Conditional bindings need a policy of version 3.");
  }
  return {
    // As the service does, which shows 1 where 0 was given.
    version: version === 0 ? 1 : version,
    bindings: merged(bindings),
    auditConfigs: isNamed("auditConfigs") ? (given.auditConfigs ?? []) : known.auditConfigs,
    etag: randomBytes(UNSET_ETAG.length + 5),
  };
}

const MEMBER =
  /^(allUsers|allAuthenticatedUsers|(user|serviceAccount|group|domain|projectOwner|projectEditor|projectViewer|principal|principalSet|deleted):.+)$/;

/** As the service keeps them: the members of one role, under one condition, in one binding. */
function merged(bindings: readonly Message[]): Message[] {
  const byRole = new Map<string, Message>();
  let count = 0;
  for (const binding of bindings) {
    if (!binding.role) throw new StatusError("INVALID_ARGUMENT", "A binding needs a role.");
    const stranger = (binding.members as string[]).find((member) => !MEMBER.test(member));
    if (stranger !== undefined)
      throw new StatusError("INVALID_ARGUMENT", `This is no principal: ${stranger}`);
    const key = JSON.stringify([binding.role, binding.condition ?? null]);
    const members = new Set<string>([...(byRole.get(key)?.members ?? []), ...binding.members]);
    count += binding.members.length;
    if (members.size > 0)
      byRole.set(key, { role: binding.role, members: [...members], condition: binding.condition });
  }
  if (count > MEMBERS_MAX)
    throw new StatusError("INVALID_ARGUMENT", `A policy names at most ${MEMBERS_MAX} principals.`);
  return [...byRole.values()];
}
