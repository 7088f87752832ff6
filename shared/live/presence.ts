import { storedAs } from "../platform/stored.ts";
import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import type { DocumentReference } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { LAST_SEEN_MS, noteSeen } from "../identity/last-seen.ts";
import type { LiveEvent } from "./contract.ts";

/** Who is online: whoever has a stream open, and for up to ONLINE_MS after it was closed. */
export interface Presence {
  /**
   * Notes that the person is there, and in their account that they were seen. From one instance at most 1
   * write in RENEW_MS, and 1 to the account in LAST_SEEN_MS; resolves with whether it wrote.
   */
  beat(app: App, person: string): Promise<boolean>;
  /** Notes that who was noted is still there, as above; nobody else. */
  keep(app: App, person: string): Promise<boolean>;
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
  /** From now on these are watched. Of those who are new, the document is read at once. */
  change(people: readonly string[]): void;
  /** Looks at this person at once: they have just come. */
  refresh(person: string): void;
  stop(): void;
}

export interface StoredPresence {
  readonly onlineUntil: Timestamp;
  readonly lastSeenAt: Timestamp;
  readonly expireAt: Timestamp;
}
export const storedPresence = storedAs<StoredPresence>();
export const presenceRef = (app: App, person: string): DocumentReference =>
  app.collection("presence").doc(person);

export const ONLINE_MS = 120_000;
/** Soon enough before that, and no sooner: it is most of what an open stream writes. */
export const RENEW_MS = 100_000;
export const WATCH_MS = 15_000;
/** In chats with more members nobody is told who is online. */
export const WATCHED_MAX = 30;
/** Of the members of all chats of a person, so many are watched for them. */
export const WATCHED_PEOPLE_MAX = 50;
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
  const seen = new Map<string, number>();
  const watched = new Map<string, Watched>();
  let timer: NodeJS.Timeout | undefined;

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

  /** Whether it is time again, after so long. The times noted longest ago are forgotten. */
  const isDue = (times: Map<string, number>, path: string, everyMs: number): boolean => {
    const nowMs = deps.clock.now();
    if ((times.get(path) ?? 0) > nowMs - everyMs) return false;
    times.delete(path);
    times.set(path, nowMs);
    const [oldest] = times.keys();
    if (times.size > BEATS_MAX && oldest !== undefined) times.delete(oldest);
    return true;
  };

  const presence: Presence = {
    keep: async (app, person) => beats.has(presenceRef(app, person).path) && presence.beat(app, person),
    async beat(app, person) {
      const nowMs = deps.clock.now();
      const ref = presenceRef(app, person);
      if (!isDue(beats, ref.path, RENEW_MS)) return false;
      const stored: StoredPresence = {
        onlineUntil: Timestamp.fromMillis(nowMs + ONLINE_MS),
        lastSeenAt: Timestamp.fromMillis(nowMs),
        expireAt: Timestamp.fromMillis(nowMs + KEPT_MS),
      };
      const isToNote = isDue(seen, ref.path, LAST_SEEN_MS);
      await Promise.all([
        within(READ_MS_MAX, ref.set({ ...stored })),
        isToNote ? noteSeen(app, person, nowMs) : undefined,
      ]);
      return true;
    },
    async leave(app, person) {
      const ref = presenceRef(app, person);
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
      const entries = new Map<string, Watched>();
      const leave = (entry: Watched): void => {
        entries.delete(entry.person);
        entry.tells.delete(tellOne);
        if (entry.tells.size === 0) watched.delete(entry.ref.path);
      };
      const enter = (person: string): Watched => {
        const ref = presenceRef(app, person);
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
        entries.set(person, entry);
        entry.tells.add(tellOne);
        if (entry.online) tell(entry, [tellOne]);
        return entry;
      };
      const change = (now: readonly string[]): void => {
        const wanted = new Set(now);
        for (const entry of entries.values()) if (!wanted.has(entry.person)) leave(entry);
        const entered = [...wanted].filter((person) => !entries.has(person)).map(enter);
        refresh(entered.filter(({ online }) => online === undefined));
        stopWhenIdle();
        if (watched.size > 0) timer ??= setInterval(() => refresh([...watched.values()]), WATCH_MS);
      };
      change(people);
      return {
        present: () => [...entries.values()].filter(({ online }) => online).map(eventOf),
        change,
        refresh(person) {
          refresh([...entries.values()].filter((entry) => entry.person === person));
        },
        stop: () => change([]),
      };
    },
  };
  return presence;
}
