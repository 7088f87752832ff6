import type { z } from "zod";
import { fingerprint } from "../platform/ids.ts";
import type { AppHead } from "./store.ts";
import {
  type AppChange,
  type AppSettings,
  DEFAULT_SETTINGS,
  type History,
  type StoredSettings,
} from "./contract.ts";

/** What is stored, with the defaults for what is not: settings are added over time. */
export const completeSettings = (stored: StoredSettings): AppSettings => ({
  limits: { ...DEFAULT_SETTINGS.limits, ...stored.limits },
  allowedOrigins: stored.allowedOrigins ?? DEFAULT_SETTINGS.allowedOrigins,
  retention: { ...DEFAULT_SETTINGS.retention, ...stored.retention },
  claims: { ...DEFAULT_SETTINGS.claims, ...stored.claims },
  models: stored.models ?? DEFAULT_SETTINGS.models,
  assistant: { ...DEFAULT_SETTINGS.assistant, ...stored.assistant },
  secondFactor: stored.secondFactor ?? DEFAULT_SETTINGS.secondFactor,
  notifications: { ...DEFAULT_SETTINGS.notifications, ...stored.notifications },
  registration: { ...DEFAULT_SETTINGS.registration, ...stored.registration },
  directory: stored.directory ?? DEFAULT_SETTINGS.directory,
  contact: stored.contact ?? DEFAULT_SETTINGS.contact,
  history: (stored.history as History | undefined) ?? DEFAULT_SETTINGS.history,
  moderation: { ...DEFAULT_SETTINGS.moderation, ...stored.moderation },
  files: { ...DEFAULT_SETTINGS.files, ...stored.files },
});

/** Names what of an app can be changed, as it is: it changes whenever that does. */
export const appVersion = ({
  name,
  logoUrl,
  settings,
}: Pick<AppHead, "name" | "logoUrl" | "settings">): string =>
  fingerprint(name, ...(logoUrl == null ? [] : [logoUrl]), JSON.stringify(completeSettings(settings)));

/** The settings after a change: objects are merged field by field, lists replaced. */
export function changedSettings(
  before: AppSettings,
  change: NonNullable<z.infer<typeof AppChange>["settings"]>,
): AppSettings {
  return {
    limits: { ...before.limits, ...withoutUndefined(change.limits) },
    allowedOrigins: change.allowedOrigins ?? before.allowedOrigins,
    retention: { ...before.retention, ...withoutUndefined(change.retention) },
    claims: { ...before.claims, ...withoutUndefined(change.claims) },
    models: change.models ?? before.models,
    assistant: { ...before.assistant, ...withoutUndefined(change.assistant) },
    secondFactor: change.secondFactor ?? before.secondFactor,
    notifications: { ...before.notifications, ...withoutUndefined(change.notifications) },
    registration: { ...before.registration, ...withoutUndefined(change.registration) },
    directory: change.directory ?? before.directory,
    contact: change.contact ?? before.contact,
    history: change.history ?? before.history,
    moderation: { ...before.moderation, ...withoutUndefined(change.moderation) },
    files: { ...before.files, ...withoutUndefined(change.files) },
  };
}

type Present<T> = { [Name in keyof T]: Exclude<T[Name], undefined> };

const withoutUndefined = <T extends object>(fields: T | undefined): Partial<Present<T>> =>
  Object.fromEntries(Object.entries(fields ?? {}).filter(([, value]) => value !== undefined)) as Partial<
    Present<T>
  >;
