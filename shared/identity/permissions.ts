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
  "usage:read": ["owner", "admin"],
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof PERMISSIONS;

export const holds = (principal: Principal, permission: Permission): boolean =>
  (PERMISSIONS[permission] as readonly Role[]).includes(principal.role);

/** @throws AppError `forbidden` */
export function demand(principal: Principal, permission: Permission): void {
  if (!holds(principal, permission)) throw new AppError("forbidden", "Your role does not permit this.");
}
