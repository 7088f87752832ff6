import { storedAs } from "../platform/stored.ts";
import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import type { DocumentReference } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { LiveEvent } from "./contract.ts";

/** Who is online: whoever has a stream open, and for ONLINE_MS after it was opened. */
export interface Presence {
  /**
   * Notes that the person is there. At most 1 write in RENEW_MS from one instance; resolves with whether it
   * wrote.
   */
  beat(app: App, person: string): Promise<boolean>;
  /** Notes that the person is not there any more: they have been signed out. 1 write. */
  leave(app: App, person: string): Promise<void>;
  /**
   * Tells who of these people is online, now and whenever it changes. Their documents are read every
   * WATCH_MS, once for all who watch them in this instance.
   */
  watch(app: App, people: readonly string[], tell: (event: LiveEvent) => void): Watch;
}

export interface Watch {
  /** Who is online of those watched, as far as is known. */
  present(): LiveEvent[];
  /** Looks at this person at once: they have just come. */
  refresh(person: string): void;
  stop(): void;
}

interface StoredPresence {
  readonly onlineUntil: Timestamp;
  readonly lastSeenAt: Timestamp;
  readonly expireAt: Timestamp;
}
export const storedPresence = storedAs<StoredPresence>();

/** Streams are opened again every STREAM_MS_MAX. */
export const ONLINE_MS = 120_000;
export const RENEW_MS = 60_000;
export const WATCH_MS = 15_000;
/** In chats with more members nobody is told who is online. */
export const WATCHED_MAX = 30;
const KEPT_MS = 90 * 24 * 3600 * 1000;
const READ_AT_ONCE = 100;
const BEATS_MAX = 20_000;

interface Watched {
  readonly ref: DocumentReference;
  readonly person: string;
  readonly tells: Set<(event: LiveEvent) => void>;
  /** What was told last; undefined until it is known. */
  online: boolean | undefined;
  lastSeenMs: number;
  onlineUntilMs: number;
}

export function openPresence(deps: Pick<Deps, "firestore" | "clock" | "log" | "upkeep">): Presence {
  const beats = new Map<string, number>();
  const watched = new Map<string, Watched>();
  let timer: NodeJS.Timeout | undefined;

  const refOf = (app: App, person: string): DocumentReference => app.collection("presence").doc(person);

  const eventOf = ({ person: user, online, lastSeenMs }: Watched): LiveEvent => {
    const lastSeenAt = lastSeenMs === 0 ? null : new Date(lastSeenMs).toISOString();
    return { event: "presence", data: { user, online, lastSeenAt } };
  };
  const tell = (entry: Watched, tells: Iterable<(event: LiveEvent) => void>): void => {
    for (const each of tells) each(eventOf(entry));
  };

  const judge = (entry: Watched): void => {
    const online = entry.onlineUntilMs > deps.clock.now();
    const before = entry.online;
    entry.online = online;
    // A person who was never online is not announced as offline.
    if (before !== online && (online || before !== undefined)) tell(entry, entry.tells);
  };

  const read = async (entries: readonly Watched[]): Promise<void> => {
    for (let from = 0; from < entries.length; from += READ_AT_ONCE) {
      const some = entries.slice(from, from + READ_AT_ONCE);
      const found = await within(READ_MS_MAX, deps.firestore.getAll(...some.map(({ ref }) => ref)));
      for (const [index, entry] of some.entries()) {
        const stored = storedPresence(found[index]);
        entry.onlineUntilMs = stored?.onlineUntil.toMillis() ?? 0;
        entry.lastSeenMs = stored?.lastSeenAt.toMillis() ?? 0;
        judge(entry);
      }
    }
  };
  const refresh = (entries: readonly Watched[]): void => {
    deps.upkeep
      .run(() => read(entries))
      .catch((cause: unknown) => deps.log.error("Who is online could not be read.", cause));
  };
  const stopWhenIdle = (): void => {
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  deps.upkeep.onClose(() => {
    watched.clear();
    stopWhenIdle();
  });

  return {
    async beat(app, person) {
      const nowMs = deps.clock.now();
      const ref = refOf(app, person);
      if ((beats.get(ref.path) ?? 0) > nowMs - RENEW_MS) return false;
      beats.delete(ref.path);
      beats.set(ref.path, nowMs);
      const [oldest] = beats.keys();
      if (beats.size > BEATS_MAX && oldest !== undefined) beats.delete(oldest);
      const stored: StoredPresence = {
        onlineUntil: Timestamp.fromMillis(nowMs + ONLINE_MS),
        lastSeenAt: Timestamp.fromMillis(nowMs),
        expireAt: Timestamp.fromMillis(nowMs + KEPT_MS),
      };
      await within(READ_MS_MAX, ref.set({ ...stored }));
      return true;
    },
    async leave(app, person) {
      const ref = refOf(app, person);
      const nowMs = deps.clock.now();
      beats.delete(ref.path);
      const stored: StoredPresence = {
        onlineUntil: Timestamp.fromMillis(nowMs),
        lastSeenAt: Timestamp.fromMillis(nowMs),
        expireAt: Timestamp.fromMillis(nowMs + KEPT_MS),
      };
      await within(READ_MS_MAX, ref.set({ ...stored }));
      const entry = watched.get(ref.path);
      if (entry !== undefined) refresh([entry]);
    },
    watch(app, people, tellOne) {
      const entries = people.slice(0, WATCHED_MAX).map((person) => {
        const ref = refOf(app, person);
        const known = watched.get(ref.path);
        const entry: Watched = known ?? {
          ref,
          person,
          tells: new Set(),
          online: undefined,
          lastSeenMs: 0,
          onlineUntilMs: 0,
        };
        watched.set(ref.path, entry);
        entry.tells.add(tellOne);
        if (entry.online) tell(entry, [tellOne]);
        return entry;
      });
      refresh(entries.filter(({ online }) => online === undefined));
      timer ??= setInterval(() => refresh([...watched.values()]), WATCH_MS);
      return {
        present: () => entries.filter(({ online }) => online).map(eventOf),
        refresh(person) {
          refresh(entries.filter((entry) => entry.person === person));
        },
        stop() {
          for (const entry of entries) {
            entry.tells.delete(tellOne);
            if (entry.tells.size === 0) watched.delete(entry.ref.path);
          }
          stopWhenIdle();
        },
      };
    },
  };
}
