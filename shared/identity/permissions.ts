import { AppError } from "../platform/errors.ts";
import type { Role } from "./contract.ts";
import type { Principal } from "./principal.ts";

/** Every permission there is, and the roles that hold it. Each route names the one it needs. */
export const PERMISSIONS = {
  "app:read": ["owner", "admin", "member", "viewer", "service"],
  "app:change": ["owner", "admin"],
  /** The settings by which rights could grow; settings-rights.ts says which. */
  "app:secure": ["owner"],
  "app:delete": ["owner"],
  /** All that is in the app, as an archive. */
  "app:export": ["owner"],
  /** API tokens that one has made oneself. */
  "token:manage": ["owner", "admin"],
  "token:any": ["owner"],
  "user:read": ["owner", "admin", "member", "viewer", "service"],
  "user:change": ["owner", "admin"],
  "user:create": ["owner", "admin", "service"],
  /** Sessions for people, and requests in their name. */
  "user:act-for": ["owner", "service"],
  "invitation:manage": ["owner", "admin"],
  "me:read": ["owner", "admin", "member", "viewer"],
  "me:change": ["owner", "admin", "member", "viewer"],
  "session:end": ["owner", "admin", "member", "viewer"],
  "chat:read": ["owner", "admin", "member", "viewer", "service"],
  "chat:create": ["owner", "admin", "member", "service"],
  "chat:change": ["owner", "admin", "member", "service"],
  "chat:delete": ["owner", "admin", "member", "service"],
  /** Chats that one is not a member of. */
  "chat:any": ["owner", "service"],
  "message:read": ["owner", "admin", "member", "viewer", "service"],
  "message:write": ["owner", "admin", "member", "service"],
  /** Messages of a bot, or of the app itself. */
  "message:write-as": ["owner", "service"],
  /** Messages that someone else sent. */
  "message:delete-any": ["owner", "admin", "service"],
  /** One's own: notifications, and the devices and chats that are pushed. */
  "notification:read": ["owner", "admin", "member", "viewer"],
  "notification:change": ["owner", "admin", "member", "viewer"],
  "report:create": ["owner", "admin", "member", "viewer"],
  "report:decide": ["owner", "admin"],
  /** One's own: what one brings from elsewhere, takes out, and how that stands. */
  "import:create": ["owner", "admin", "member"],
  "export:create": ["owner", "admin", "member", "viewer"],
  "job:read": ["owner", "admin", "member", "viewer"],
  "usage:read": ["owner", "admin"],
  "rollout:read": ["owner", "admin"],
  "rollout:change": ["owner", "admin"],
  "security:read": ["owner", "admin"],
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof PERMISSIONS;

/** What only a person can do: an API token has no profile, sessions, devices or notifications of its own. */
export const PERSONAL: ReadonlySet<string> = new Set<Permission>([
  "me:read",
  "me:change",
  "session:end",
  "notification:read",
  "notification:change",
  "report:create",
  "import:create",
  "export:create",
  "job:read",
]);

/**
 * What must not be done on an old list of revocations: with these an instance that has lost Firestore
 * refuses instead of trusting what it knows.
 */
export const NEEDS_FRESH: ReadonlySet<string> = new Set<Permission>([
  "app:change",
  "app:secure",
  "app:delete",
  "token:manage",
  "user:change",
  "user:create",
  "user:act-for",
  "invitation:manage",
  "report:decide",
  "security:read",
  "rollout:change",
]);

const ALL = Object.keys(PERMISSIONS) as Permission[];

export const isPermission = (name: string): name is Permission => Object.hasOwn(PERMISSIONS, name);

const roleHolds = (role: Role, permission: Permission): boolean =>
  (PERMISSIONS[permission] as readonly Role[]).includes(role);

/** Everything that a role stands for. */
export const rightsOf = (role: Role): ReadonlySet<Permission> =>
  new Set(ALL.filter((permission) => roleHolds(role, permission)));

/** A principal with scopes holds these and no more, whatever its role. */
export const holds = (
  { role, scopes }: Pick<Principal, "role" | "scopes">,
  permission: Permission,
): boolean => (scopes === undefined ? roleHolds(role, permission) : scopes.has(permission));

/** @throws AppError `forbidden` */
export function demand(principal: Principal, permission: Permission): void {
  if (!holds(principal, permission)) throw new AppError("forbidden", "Your role does not permit this.");
}

/**
 * Whether the principal holds all that a role stands for, apart from what is personal. Only such a role may
 * be given, taken or acted for: nobody makes anybody more than they are, or reaches those above them.
 */
export const covers = (principal: Pick<Principal, "role" | "scopes">, role: Role): boolean =>
  ALL.every(
    (permission) => PERSONAL.has(permission) || !roleHolds(role, permission) || holds(principal, permission),
  );
