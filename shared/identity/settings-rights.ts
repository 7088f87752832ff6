import type { z } from "zod";
import type { Deps } from "../platform/deps.ts";
import type { App } from "./app.ts";
import type { AppDirectory } from "./app-directory.ts";
import type { AppChange, App as AppView, AppSettings, ShownSettings } from "./contract.ts";
import { demandFactor } from "./factor.ts";
import { demand, holds, type Permission } from "./permissions.ts";
import type { Principal } from "./principal.ts";
import { completeSettings } from "./settings.ts";
import type { AppHead } from "./store.ts";

interface SettingRight {
  /** Who may set it: whoever holds this. */
  readonly set: Extract<Permission, "app:change" | "app:secure">;
  /** Who sees it; with `app:read` everyone sees what clients need of it, the others all of it. */
  readonly see: Extract<Permission, "app:read" | "app:change" | "app:secure">;
  /** Whoever has a second factor must have proved it just now. */
  readonly factor: boolean;
}

const OWNERS = { set: "app:secure", factor: true } as const;
const ADMINS = { set: "app:change", factor: false } as const;

/**
 * The one table of what of an app may be set and seen by whom. What could make somebody more than they are is
 * the owner's, behind the second factor: which pages may call, who is vouched for, who may join, whether a
 * factor is demanded, where messages are sent to be judged. A limit lifted altogether is the operator's
 * (change-app.ts).
 */
export const SETTING_RIGHTS = {
  name: { ...ADMINS, see: "app:read" },
  limits: { ...ADMINS, see: "app:read" },
  allowedOrigins: { ...OWNERS, see: "app:change" },
  retention: { ...ADMINS, see: "app:read" },
  claims: { ...OWNERS, see: "app:secure" },
  models: { ...ADMINS, see: "app:read" },
  assistant: { ...ADMINS, see: "app:change" },
  secondFactor: { ...OWNERS, see: "app:change" },
  notifications: { ...ADMINS, see: "app:read" },
  registration: { ...OWNERS, see: "app:read" },
  directory: { ...ADMINS, see: "app:read" },
  contact: { ...ADMINS, see: "app:read" },
  history: { ...ADMINS, see: "app:read" },
  moderation: { ...OWNERS, see: "app:secure" },
  files: { ...ADMINS, see: "app:read" },
} as const satisfies Record<"name" | keyof AppSettings, SettingRight>;

export type Setting = keyof typeof SETTING_RIGHTS;

/**
 * Checks field by field that the principal may make the change. 1 read at most, for the second factor.
 * @throws AppError `forbidden`, `factor_required`
 */
export async function demandSettings(
  deps: Pick<Deps, "clock"> & { readonly apps: AppDirectory },
  app: App,
  by: Principal,
  change: z.infer<typeof AppChange>,
): Promise<void> {
  const { settings = {}, ...own } = change;
  const fields = Object.keys({ ...own, ...settings }) as Setting[];
  for (const field of fields) demand(by, SETTING_RIGHTS[field].set);
  if (fields.some((field) => SETTING_RIGHTS[field].factor)) await demandFactor(deps, deps.apps, app, by);
}

/** What clients need to know of the limits and of who may join. */
const forClients = (settings: AppSettings, reader: Principal): ShownSettings => {
  const { limits, registration } = settings;
  const ofRole = reader.role === "service" ? undefined : limits.roles[reader.role];
  return {
    ...settings,
    limits: { personPerMinute: ofRole === undefined ? limits.personPerMinute : ofRole },
    registration: { mode: registration.mode, guests: registration.guests },
  };
};

/** An app as the reader may see it. */
export function appView(head: AppHead, reader: Principal): AppView {
  const all = completeSettings(head.settings);
  const mayChange = holds(reader, "app:change");
  const shown = Object.entries(mayChange ? all : forClients(all, reader)).filter(([name]) =>
    holds(reader, SETTING_RIGHTS[name as Setting].see),
  );
  return {
    id: head.id,
    name: head.name,
    ...(head.logoUrl == null ? {} : { logoUrl: head.logoUrl }),
    ...(mayChange ? { chatsCount: head.lastChatNumber } : {}),
    settings: Object.fromEntries(shown) as ShownSettings,
    createdAt: head.createdAt.toDate().toISOString(),
  };
}
