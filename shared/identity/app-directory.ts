import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { ABSENCES_MAX, createAbsences } from "./absences.ts";
import { type App, appHandle } from "./app.ts";
import type { AppSettings } from "./contract.ts";
import { findHome, livesElsewhere } from "./homes.ts";
import { noSuchApp, readOpenApp } from "./manage-app.ts";
import type { Revocations } from "./revocations.ts";
import { completeSettings } from "./settings.ts";
import type { StoredHookSecret } from "./store.ts";

/** How old an instance's knowledge of an app may be; a change made through the API is heard of at once. */
export const APP_CACHE_MS = 60_000;
/**
 * What is older is not answered from: the instance has slept, and what was said of a change meanwhile may be
 * forgotten by now. Announcements outlive it.
 */
export const APP_STALE_MS_MAX = 5 * 60_000;
const APPS_KNOWN_MAX = 10_000;

/** What requests need to know of an app, and what costs no read each time. */
export interface AppDirectory {
  /**
   * The settings of the app. One read when it is not known here or its settings have just been changed;
   * what is older than APP_CACHE_MS is read again behind the request's back, and what is older than
   * APP_STALE_MS_MAX before it goes on.
   * An app that is not there is remembered as such, and costs no read for ABSENT_MS. Where there are cells,
   * an app that is not there costs a read of the directory more.
   * @throws AppError `not_found`; `moved`, with the cell that it lives in
   */
  settingsOf(app: App): Promise<AppSettings>;
  /** Whether the app is on its way to another cell, as far as this instance has heard. As `settingsOf`. */
  standingOf(app: App): Promise<Standing>;
  /** What signs requests to the app's hook; known with the settings. */
  hookSecretsOf(app: App): Promise<readonly StoredHookSecret[]>;
  /** What is known here, without looking any further. */
  knownSettingsOf(app: App): AppSettings | undefined;
  /** Forgets what was known, after a change made here; that there is none, too. */
  forget(appId: string): void;
}

export type Standing = "open" | "moving";

interface Known {
  readonly settings: AppSettings;
  readonly hookSecrets: readonly StoredHookSecret[];
  readonly standing: Standing;
  readonly readAtMs: number;
}

export function openAppDirectory(deps: Deps, revocations: Revocations): AppDirectory {
  const known = new Map<string, Known>();
  const absent = createAbsences(deps.clock);
  /** By app, the cell that it lives in; as old as what is noted as absent. */
  const elsewhere = new Map<string, string>();
  const reading = new Map<string, Promise<Known>>();

  const read = (app: App): Promise<Known> => {
    const underWay = reading.get(app.id);
    if (underWay !== undefined) return underWay;
    const readAtMs = deps.clock.now();
    const begun = readOpenApp(appHandle(deps.firestore, app.id))
      .then((head) => {
        const { hookSecrets = [] } = head;
        const standing: Standing = head.status === "moving" ? "moving" : "open";
        const entry = { settings: completeSettings(head.settings), hookSecrets, standing, readAtMs };
        if (known.size >= APPS_KNOWN_MAX) known.clear();
        known.set(app.id, entry);
        return entry;
      })
      .catch(async (cause: unknown) => {
        if (!(cause instanceof AppError) || cause.code !== "not_found") throw cause;
        known.delete(app.id);
        const home = await findHome(deps, app.id);
        note(app.id, home === deps.cells.own?.name ? undefined : home);
        throw notHere(app.id);
      })
      .finally(() => reading.delete(app.id));
    reading.set(app.id, begun);
    return begun;
  };

  const note = (appId: string, home: string | undefined): void => {
    if (elsewhere.size >= ABSENCES_MAX) elsewhere.clear();
    elsewhere.delete(appId);
    if (home !== undefined) elsewhere.set(appId, home);
    absent.note(appId);
  };
  const notHere = (appId: string): AppError => {
    const home = elsewhere.get(appId);
    return home === undefined ? noSuchApp() : livesElsewhere(deps, home);
  };

  const renew = (app: App): void => {
    deps.upkeep
      .run(() => read(app))
      .catch((cause: unknown) => {
        if (cause instanceof AppError && (cause.code === "not_found" || cause.code === "moved")) return;
        deps.log.error("An app could not be read again.", cause, { app: app.id });
      });
  };

  const knownOf = async (app: App): Promise<Known> => {
    if (absent.has(app.id)) throw notHere(app.id);
    const entry = known.get(app.id);
    if (entry === undefined) return read(app);
    if ((await revocations.settingsChangedMs(app.id)) >= entry.readAtMs) return read(app);
    const ageMs = deps.clock.now() - entry.readAtMs;
    if (ageMs > APP_STALE_MS_MAX) return read(app);
    if (ageMs > APP_CACHE_MS) renew(app);
    return entry;
  };

  return {
    settingsOf: async (app) => (await knownOf(app)).settings,
    standingOf: async (app) => (await knownOf(app)).standing,
    hookSecretsOf: async (app) => (await knownOf(app)).hookSecrets,
    knownSettingsOf: (app) => known.get(app.id)?.settings,
    forget(appId) {
      known.delete(appId);
      absent.forget(appId);
    },
  };
}
