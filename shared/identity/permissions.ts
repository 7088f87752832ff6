import { AppError } from "../platform/errors.ts";
import type { Role } from "./contract.ts";
import type { Principal } from "./principal.ts";

/** Every permission there is, and the roles that hold it. Each route names the one it needs. */
export const PERMISSIONS = {
  "app:read": ["owner", "admin", "member", "viewer", "service"],
  "app:change": ["owner", "admin"],
  "app:delete": ["owner"],
  "token:manage": ["owner", "admin"],
  "user:read": ["owner", "admin", "member", "viewer", "service"],
  "user:change": ["owner", "admin"],
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
  /** Messages that someone else sent. */
  "message:delete-any": ["owner", "admin", "service"],
  /** One's own: notifications, and the devices and chats that are pushed. */
  "notification:read": ["owner", "admin", "member", "viewer"],
  "notification:change": ["owner", "admin", "member", "viewer"],
  "usage:read": ["owner", "admin"],
  "rollout:read": ["owner", "admin"],
  "rollout:change": ["owner", "admin"],
  "security:read": ["owner", "admin"],
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof PERMISSIONS;

/**
 * What must not be done on an old list of revocations: with these an instance that has lost Firestore
 * refuses instead of trusting what it knows.
 */
export const NEEDS_FRESH: ReadonlySet<string> = new Set<Permission>([
  "app:change",
  "app:delete",
  "token:manage",
  "user:change",
  "security:read",
  "rollout:change",
]);

export const holds = (principal: Principal, permission: Permission): boolean =>
  (PERMISSIONS[permission] as readonly Role[]).includes(principal.role);

/** @throws AppError `forbidden` */
export function demand(principal: Principal, permission: Permission): void {
  if (!holds(principal, permission)) throw new AppError("forbidden", "Your role does not permit this.");
}
