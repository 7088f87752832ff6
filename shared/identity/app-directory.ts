import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { createAbsences } from "./absences.ts";
import { type App, appHandle } from "./app.ts";
import type { AppSettings } from "./contract.ts";
import { noSuchApp, readOpenApp } from "./manage-app.ts";
import type { Revocations } from "./revocations.ts";
import { completeSettings } from "./settings.ts";
import type { StoredHookSecret } from "./store.ts";

/** How old an instance's knowledge of an app may be; a change made through the API is heard of at once. */
export const APP_CACHE_MS = 60_000;
const APPS_KNOWN_MAX = 10_000;

/** What requests need to know of an app, and what costs no read each time. */
export interface AppDirectory {
  /**
   * The settings of the app. One read when it is not known here or its settings have just been changed;
   * what is older than APP_CACHE_MS is read again behind the request's back.
   * An app that is not there is remembered as such, and costs no read for ABSENT_MS.
   * @throws AppError `not_found`
   */
  settingsOf(app: App): Promise<AppSettings>;
  /** What signs requests to the app's hook; known with the settings. */
  hookSecretsOf(app: App): Promise<readonly StoredHookSecret[]>;
  /** What is known here, without looking any further. */
  knownSettingsOf(app: App): AppSettings | undefined;
  /** Forgets what was known, after a change made here; that there is none, too. */
  forget(appId: string): void;
}

interface Known {
  readonly settings: AppSettings;
  readonly hookSecrets: readonly StoredHookSecret[];
  readonly readAtMs: number;
}

export function openAppDirectory(deps: Deps, revocations: Revocations): AppDirectory {
  const known = new Map<string, Known>();
  const absent = createAbsences(deps.clock);
  const reading = new Map<string, Promise<Known>>();

  const read = (app: App): Promise<Known> => {
    const underWay = reading.get(app.id);
    if (underWay !== undefined) return underWay;
    const readAtMs = deps.clock.now();
    const begun = readOpenApp(appHandle(deps.firestore, app.id))
      .then((head) => {
        const { hookSecrets = [] } = head;
        const entry = { settings: completeSettings(head.settings), hookSecrets, readAtMs };
        if (known.size >= APPS_KNOWN_MAX) known.clear();
        known.set(app.id, entry);
        return entry;
      })
      .catch((cause: unknown) => {
        if (cause instanceof AppError && cause.code === "not_found") {
          known.delete(app.id);
          absent.note(app.id);
        }
        throw cause;
      })
      .finally(() => reading.delete(app.id));
    reading.set(app.id, begun);
    return begun;
  };

  const renew = (app: App): void => {
    deps.upkeep
      .run(() => read(app))
      .catch((cause: unknown) => {
        if (cause instanceof AppError && cause.code === "not_found") return;
        deps.log.error("An app could not be read again.", cause, { app: app.id });
      });
  };

  const knownOf = async (app: App): Promise<Known> => {
    if (absent.has(app.id)) throw noSuchApp();
    const entry = known.get(app.id);
    if (entry === undefined) return read(app);
    if ((await revocations.settingsChangedMs(app.id)) >= entry.readAtMs) return read(app);
    if (deps.clock.now() - entry.readAtMs > APP_CACHE_MS) renew(app);
    return entry;
  };

  return {
    settingsOf: async (app) => (await knownOf(app)).settings,
    hookSecretsOf: async (app) => (await knownOf(app)).hookSecrets,
    knownSettingsOf: (app) => known.get(app.id)?.settings,
    forget(appId) {
      known.delete(appId);
      absent.forget(appId);
    },
  };
}
