import { createHash } from "node:crypto";
import { metadataView } from "../platform/metadata.ts";
import type { User } from "./contract.ts";
import type { StoredUser } from "./store.ts";

/** A user as others see it; the address is shown to the person and to administrators only. */
export function userView(id: string, stored: StoredUser, withEmail: boolean): User {
  return {
    id,
    name: stored.name,
    ...(withEmail && stored.email !== "" ? { email: stored.email } : {}),
    avatarUrl: stored.avatarUrl ?? generatedAvatar(id, stored.name),
    role: stored.role,
    language: stored.language,
    timeZone: stored.timeZone,
    createdAt: stored.createdAt.toDate().toISOString(),
    lastSeenAt: stored.lastSeenAt.toDate().toISOString(),
    ...metadataView(stored.metadata),
    ...(withEmail && stored.warnedAt !== undefined
      ? { warnedAt: stored.warnedAt.toDate().toISOString() }
      : {}),
  };
}

/** A picture with the initials on a colour of the person's own, as a data URL: nothing to fetch or store. */
export function generatedAvatar(id: string, name: string): string {
  const hue = createHash("sha256").update(id).digest().readUInt16BE(0) % 360;
  const initials = [...name.matchAll(/(?<!\p{L})\p{L}/gu)]
    .slice(0, 2)
    .map(([letter]) => letter.toUpperCase());
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="hsl(${hue} 45% 42%)"/>` +
    `<text x="32" y="41" font-family="system-ui,sans-serif" font-size="26" text-anchor="middle" fill="#fff">${initials.join("")}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
