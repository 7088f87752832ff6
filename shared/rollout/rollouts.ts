import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import { type Followed, follow, wholeIndex } from "../platform/follow.ts";
import type { RolloutSet } from "./choose.ts";
import { rolloutFrom, rolloutsOf } from "./store.ts";

/**
 * How long ago an instance may have heard of an app's rollouts last. While the listener lives a change is
 * here in milliseconds; when Firestore can't be reached, nothing is chosen by what is older.
 */
export const ROLLOUTS_STALE_MS_MAX = 60_000;
/** A listener that nobody has used for so long is closed. */
export const ROLLOUTS_IDLE_MS = 10 * 60_000;
/** Listeners of an instance; above that those are closed that have been used least lately. */
export const ROLLOUTS_FOLLOWED_MAX = 500;

/** The rollouts of the apps that an instance serves, each app's followed by one listener. */
export interface Rollouts {
  /**
   * An app's rollouts. No Firestore operation, unless the app has not been asked for lately or nothing has
   * been heard for a while: then one query, of the instance's own.
   * @throws AppError `unavailable`, or a Google client error
   */
  of(app: App): Promise<RolloutSet>;
  /** Reads what is new now, after a change made here. 1 query. */
  confirm(app: App): Promise<void>;
  /** How many listeners are open. */
  listeners(): number;
}

interface Entry {
  readonly followed: Followed<RolloutSet>;
  usedMs: number;
  stop(): void;
}

export function openRollouts(
  deps: Pick<Deps, "upkeep" | "log" | "clock">,
  followedMax: number = ROLLOUTS_FOLLOWED_MAX,
): Rollouts {
  // In the order of their last use.
  const entries = new Map<string, Entry>();
  deps.upkeep.onClose(() => {
    for (const { stop } of entries.values()) stop();
    entries.clear();
  });

  const open = (app: App, usedMs: number): Entry => {
    const stops: (() => void)[] = [];
    const upkeep = { ...deps.upkeep, onClose: (stop: () => void) => void stops.push(stop) };
    const collection = rolloutsOf(app);
    const index = wholeIndex<RolloutSet>(
      (documents) => new Map(documents.map((document) => [document.id, rolloutFrom(document)])),
    );
    const followed = follow({ upkeep, log: deps.log }, collection, collection, index);
    const stop = (): void => {
      for (const each of stops) each();
    };
    return { followed, usedMs, stop };
  };

  const closeIdle = (nowMs: number): void => {
    for (const [id, { usedMs, stop }] of entries) {
      if (nowMs - usedMs <= ROLLOUTS_IDLE_MS && entries.size <= followedMax) return;
      entries.delete(id);
      stop();
    }
  };

  const entryOf = (app: App): Entry => {
    const nowMs = deps.clock.now();
    const entry = entries.get(app.id) ?? open(app, nowMs);
    entry.usedMs = nowMs;
    entries.delete(app.id);
    entries.set(app.id, entry);
    closeIdle(nowMs);
    return entry;
  };

  return {
    of: (app) => entryOf(app).followed.read(ROLLOUTS_STALE_MS_MAX),
    confirm: async (app) => void (await entryOf(app).followed.confirm()),
    listeners: () => entries.size,
  };
}
