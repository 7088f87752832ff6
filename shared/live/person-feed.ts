import { chatHandle } from "../chat/chat-handle.ts";
import { listHeads } from "../chat/read/list-heads.ts";
import { storedAs } from "../platform/stored.ts";
import { changedAtOf, CROWD_FOLLOWED_MS, latestAtOf } from "../chat/log/crowd-times.ts";
import type { ChatHead } from "../chat/log/head.ts";
import { type StoredSignal, storedSignal } from "../chat/log/signal.ts";
import {
  blocksIn,
  chatsChangedSince,
  isSignal,
  lowestRevisionSince,
  readServerTime,
  readsRef,
} from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import type { Deps } from "../platform/deps.ts";
import type { QueryDocumentSnapshot } from "../platform/firestore.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { changeEvents, type Page, readPage } from "./change-events.ts";
import type { Answers } from "./chat-feed.ts";
import { type Allowance, isUsedUp, skipped, tellChanges, wholeAllowance } from "./catch-up.ts";
import { CATCH_UP, type LiveEvent, type Sink } from "./contract.ts";
import { createPersonCursor, OVERLAP_MS, type PersonCursor, type Position } from "./person-cursor.ts";
import { type Presence, type Watch, WATCHED_MAX, WATCHED_PEOPLE_MAX } from "./presence.ts";
import { concerns, hasCome, signalEvents, withoutSent } from "./signal-events.ts";

/**
 * The live changes of all chats of a person. All their streams in an instance share one Firestore listener,
 * on what has changed of late among the chats that they are a member of, and on what is signalled there. One
 * closure holds all that a feed shares, so its file is long.
 */
export interface PersonFeeds {
  /**
   * Tells the sink what has changed since the position, as much as CATCH_UP allows and as fast as it is read,
   * and then whatever comes; without one only what comes. Resolves with the end of the subscription once the
   * feed is open. Costs 1 read, and 1 for each chat and signal of the last OVERLAP_MS, for the first stream
   * of a person in an instance. Who is online in their latest chats is told at once: 1 query, 1 read, and a
   * read for each of WATCHED_CHATS_MAX chats and of WATCHED_PEOPLE_MAX people, for that first stream. A past
   * costs 1 read for each chat and signal changed since, and for each chat at most 2 queries and 1 read for
   * each changed message. Answers that are being made are told as they come, as in their chats. Each change
   * then costs 1 read, 1 query (2 in a chat that is new to the feed) and 1 read for each changed message,
   * each signal 1 read.
   */
  subscribe(app: App, person: Principal, since: Position | undefined, sink: Sink): Promise<() => void>;
  /** How many listeners are open. */
  listeners(): number;
}

interface Subscriber {
  readonly sink: Sink;
  cursor: PersonCursor;
  /** Pages that wait until the past has been told. */
  queue: Page[] | undefined;
  /** The ends of following answers that are being made. */
  readonly following: Map<string, () => void>;
}

interface Feed {
  readonly app: App;
  readonly person: string;
  readonly subscribers: Set<Subscriber>;
  readonly started: Promise<void>;
  /**
   * The newest heads of the chats that have changes still to be told, and since when by Firestore's clock.
   */
  readonly pending: Map<number, { readonly head: ChatHead; readonly sinceMs: number }>;
  readonly signals: Map<string, StoredSignal>;
  /** Chat → who has sent what of late: the newest message of each. */
  readonly sent: Map<number, ChatHead["sent"]>;
  /** Chat → everything up to this revision has been read. */
  readonly read: Map<number, number>;
  /** The latest chats, whose members are watched. */
  readonly latest: Map<number, ChatHead>;
  readonly watch: Watch;
  /** Whom the person had blocked when the feed was opened. */
  blocked: ReadonlySet<string>;
  /** Answers that are being made, by chat. */
  readonly answering: Map<number, readonly string[]>;
  /** Changes before this moment of Firestore's clock are not the feed's. */
  openedMs: number;
  pumping: boolean;
  stop(): void;
}

/** What of the signals replaces what: those of one member in one chat. */
const keyOf = ({ number, chat, user, job }: StoredSignal): string => {
  if (job !== undefined) return `job.${job.id}`;
  return chat === undefined ? `${number}.${user}` : `${chat}.own-${user}`;
};
const storedHead = storedAs<ChatHead>();

/** Pages that may wait for a subscriber who is still being told of the past; then they come back later. */
const QUEUED_PAGES_MAX = 20;

/** The chats whose members are watched: those with the latest message. */
export const WATCHED_CHATS_MAX = 20;

export function openPersonFeeds(
  deps: Pick<Deps, "upkeep" | "clock" | "log">,
  presence: Presence,
  answers: Answers,
): PersonFeeds {
  const feeds = new Map<string, Feed>();
  const unfollow = ({ following }: Subscriber): void => {
    for (const stop of following.values()) stop();
    following.clear();
  };
  const end = (feed: Feed): void => {
    feed.stop();
    for (const subscriber of feed.subscribers) {
      unfollow(subscriber);
      subscriber.sink.end();
    }
    feed.subscribers.clear();
  };
  deps.upkeep.onClose(() => {
    for (const feed of feeds.values()) {
      end(feed);
      feed.pending.clear();
    }
    feeds.clear();
  });

  const leave = (path: string, feed: Feed, subscriber: Subscriber): void => {
    unfollow(subscriber);
    feed.subscribers.delete(subscriber);
    if (feed.subscribers.size > 0 || feeds.get(path) !== feed) return;
    feeds.delete(path);
    feed.stop();
  };

  /** Subscribers that still catch up are told too, since each part of an answer says where it belongs. */
  const followAnswers = (feed: Feed, { sink, following }: Subscriber, chat: number): void => {
    for (const answer of feed.answering.get(chat) ?? []) {
      if (following.has(answer)) continue;
      const stop = answers.follow(chatHandle(feed.app, chat), answer, undefined, (events) => {
        // Changes of messages come with their chat's.
        sink.send(events.filter(({ event }) => event !== "message.changed"));
        if (events.at(-1)?.event !== "answer.done") return;
        following.delete(answer);
        stop();
      });
      following.set(answer, stop);
    }
  };

  const heedSignal = (feed: Feed, stored: StoredSignal): void => {
    const signal = withoutSent(stored, feed.sent.get(stored.number));
    const key = keyOf(signal);
    const before = feed.signals.get(key);
    feed.signals.set(key, signal);
    broadcast(feed, signalEvents(before, signal, deps.clock.now()));
    if (hasCome(before, signal)) feed.watch.refresh(signal.user);
    if (signal.left) feed.latest.delete(signal.number);
  };

  /** Watches the members of the latest chats, now that these heads are known. */
  const watchMembers = ({ person, latest, blocked, watch }: Feed, heads: readonly ChatHead[]): void => {
    for (const head of heads) {
      if ((latest.get(head.number)?.revision ?? 0) < head.revision) latest.set(head.number, head);
    }
    const ordered = [...latest.values()].sort((a, b) => latestAtOf(b).toMillis() - latestAtOf(a).toMillis());
    for (const { number } of ordered.splice(WATCHED_CHATS_MAX)) latest.delete(number);
    const people = new Set(ordered.filter(isWatched).flatMap(({ members }) => members));
    people.delete(person);
    watch.change([...people.difference(blocked)].slice(0, WATCHED_PEOPLE_MAX));
  };

  const heed = (feed: Feed, document: QueryDocumentSnapshot, wasThere: boolean): void => {
    if (isSignal(document.id)) {
      const signal = storedSignal(document);
      if (wasThere) feed.signals.set(keyOf(signal), withoutSent(signal, feed.sent.get(signal.number)));
      else heedSignal(feed, signal);
      return;
    }
    const head = storedHead(document);
    watchMembers(feed, [head]);
    feed.sent.set(head.number, head.sent);
    for (const signal of feed.signals.values()) if (signal.number === head.number) heedSignal(feed, signal);
    if ((head.answering ?? []).length === 0) feed.answering.delete(head.number);
    else feed.answering.set(head.number, head.answering ?? []);
    for (const subscriber of feed.subscribers) followAnswers(feed, subscriber, head.number);
    // The first snapshot is the past, which each subscriber reads by itself from where it left off.
    if (wasThere) feed.read.set(head.number, head.revision);
    else {
      const sinceMs = feed.pending.get(head.number)?.sinceMs ?? changedMsOf(head);
      feed.pending.set(head.number, { head, sinceMs });
    }
  };

  const open = (path: string, app: App, person: string): Feed => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined);
    const feed: Feed = {
      app,
      person,
      subscribers: new Set(),
      started: promise,
      pending: new Map(),
      signals: new Map(),
      sent: new Map(),
      read: new Map(),
      latest: new Map(),
      blocked: new Set(),
      watch: presence.watch(app, [], (event) => broadcast(feed, [event])),
      answering: new Map(),
      openedMs: 0,
      pumping: false,
      stop: () => undefined,
    };
    const fail = (cause: unknown): void => {
      reject(cause);
      if (feeds.get(path) === feed) feeds.delete(path);
      end(feed);
    };
    const listen = async (): Promise<void> => {
      feed.openedMs = (await readServerTime(app, person)) - OVERLAP_MS;
      if (feeds.get(path) !== feed) return;
      let isFirst = true;
      const stop = chatsChangedSince(app, person, feed.openedMs).onSnapshot((snapshot) => {
        for (const { type, doc } of snapshot.docChanges()) if (type !== "removed") heed(feed, doc, isFirst);
        isFirst = false;
        resolve();
        deps.upkeep.run(() => pump(feed)).catch(fail);
      }, fail);
      feed.stop = () => {
        stop();
        feed.watch.stop();
      };
    };
    const watchLatest = async (): Promise<void> => {
      const [{ heads }, reads] = await Promise.all([
        listHeads(app, person, { limit: WATCHED_CHATS_MAX }),
        within(READ_MS_MAX, readsRef(app, person).get()),
      ]);
      if (feeds.get(path) !== feed) return;
      feed.blocked = new Set(blocksIn(reads).keys());
      watchMembers(feed, heads);
    };
    feeds.set(path, feed);
    void deps.upkeep.run(() => listen().catch(fail));
    deps.upkeep
      .run(watchLatest)
      .catch((cause: unknown) => deps.log.error("Who is online could not be read.", cause));
    return feed;
  };

  /** Lets others know that the person has come; whether that works changes nothing for them. */
  const noteComing = ({ app }: Feed, { kind, id }: Principal): void => {
    if (kind !== "person") return;
    deps.upkeep
      .run(() => presence.beat(app, id))
      .catch((cause: unknown) => deps.log.error("Presence could not be noted.", cause));
  };

  /**
   * Tells the past, the chats that changed first at first. What is not told of a chat is named; of chats
   * beyond CATCH_UP.chatsMax only that there are more.
   */
  const tellPast = async (feed: Feed, { sink, cursor }: Subscriber, since: Position): Promise<void> => {
    const ms = pastOf(since, feed.openedMs + OVERLAP_MS);
    const sinceMs = ms - OVERLAP_MS;
    const changed = chatsChangedSince(feed.app, feed.person, sinceMs).limit(CATCH_UP.chatsMax + 1);
    const found = await within(READ_MS_MAX, changed.get());
    const allowance = wholeAllowance();
    // Whoever was taken out of a chat and is back has lost nothing.
    const theirs = new Set(found.docs.filter(({ id }) => !isSignal(id)).map(({ id }) => Number(id)));
    for (const document of found.docs.slice(0, CATCH_UP.chatsMax)) {
      if (!sink.isOpen) return;
      if (isSignal(document.id)) {
        const stored = storedSignal(document);
        if (stored.left === true && theirs.has(stored.number)) continue;
        const signal = withoutSent(stored, feed.sent.get(stored.number));
        const events = signalEvents(undefined, signal, deps.clock.now());
        const told = events.filter((event) => concerns(event, feed.person));
        if (told.length > 0) sink.send(told);
        continue;
      }
      const head = storedHead(document);
      // Crowds are found whether they have changed since or not.
      if (changedMsOf(head) <= sinceMs) continue;
      await tellPastOf(feed, head, { sink, cursor, sinceMs, floorMs: ms, allowance });
    }
    if (found.size > CATCH_UP.chatsMax) sink.send([skipped(cursor.id(ms), null, null)]);
  };

  const tellPastOf = async (
    feed: Feed,
    head: ChatHead,
    {
      sink,
      cursor,
      sinceMs,
      floorMs,
      allowance,
    }: {
      readonly sink: Sink;
      readonly cursor: PersonCursor;
      readonly sinceMs: number;
      readonly floorMs: number;
      readonly allowance: Allowance;
    },
  ): Promise<void> => {
    const skip = (revision: number | null): void => {
      cursor.advance(head.number, head.revision, changedMsOf(head));
      sink.send([skipped(cursor.id(floorMs), head.number, revision)]);
    };
    const told = cursor.told(head.number);
    if (isUsedUp(allowance)) {
      if ((told ?? 0) < head.revision) skip(told ?? null);
      return;
    }
    const after = told ?? (await baseOf(feed.app, head, sinceMs));
    const ofChat = { ...allowance, changes: Math.min(allowance.changes, CATCH_UP.changesOfChatMax) };
    const before = { ...ofChat };
    const through = await tellChanges(feed.app, after, sink, {
      allowance: ofChat,
      headNow: () => Promise.resolve(head),
      end: ({ revision }) => revision,
      eventsOf: (page) => eventsOf(cursor, page, { floorMs, person: feed.person }),
    });
    allowance.changes -= before.changes - ofChat.changes;
    allowance.chars -= before.chars - ofChat.chars;
    if (through < head.revision && sink.isOpen) skip(through);
  };

  /** Tells what has come while the past was being told, and from now on what comes. */
  const join = (feed: Feed, subscriber: Subscriber): void => {
    const waited = subscriber.queue ?? [];
    subscriber.queue = undefined;
    for (const page of waited) tell(feed, subscriber, page);
    subscriber.sink.setLastId(subscriber.cursor.id(floorOf(feed)));
    for (const chat of feed.answering.keys()) followAnswers(feed, subscriber, chat);
  };

  return {
    listeners: () => feeds.size,
    async subscribe(app, person, since, sink) {
      const path = `${app.id}/${person.id}`;
      const feed = feeds.get(path) ?? open(path, app, person.id);
      const subscriber: Subscriber = {
        sink,
        cursor: createPersonCursor(since),
        queue: [],
        following: new Map(),
      };
      // From now on they hear who comes and goes, so they are told now who is there.
      const present = feed.watch.present();
      if (present.length > 0) sink.send(present);
      feed.subscribers.add(subscriber);
      try {
        await feed.started;
      } catch (cause) {
        leave(path, feed, subscriber);
        throw cause;
      }
      noteComing(feed, person);
      if (since === undefined) {
        // A subscriber without a position begins at the present.
        subscriber.cursor = createPersonCursor({ ms: feed.openedMs + OVERLAP_MS, told: feed.read });
        join(feed, subscriber);
      } else {
        deps.upkeep
          .run(() => tellPast(feed, subscriber, since))
          .then(() => {
            if (feed.subscribers.has(subscriber)) join(feed, subscriber);
          })
          // They come back from where they are.
          .catch(() => sink.end());
      }
      return () => leave(path, feed, subscriber);
    },
  };
}

/**
 * A position of an instance whose code took what stands in a crowd for the time of its last change lies
 * ahead: it is gone back behind.
 */
const pastOf = ({ ms }: Position, nowMs: number): number =>
  ms > nowMs + OVERLAP_MS ? ms - CROWD_FOLLOWED_MS : ms;

const changedMsOf = (head: ChatHead): number => changedAtOf(head).toMillis();

/** Of large groups nobody is told who is there; nor is either of two of whom one has blocked the other. */
const isWatched = ({ members, blockedBy = [] }: ChatHead): boolean =>
  members.length <= WATCHED_MAX && blockedBy.length === 0;

/** Signals tell how things stand, so those who are still catching up hear them too. */
function broadcast(feed: Feed, events: readonly LiveEvent[]): void {
  const told = events.filter((event) => concerns(event, feed.person));
  if (told.length === 0) return;
  for (const { sink } of feed.subscribers) sink.send(told);
}

/** Reads and tells what is new, chat by chat. */
async function pump(feed: Feed): Promise<void> {
  if (feed.pumping) return;
  feed.pumping = true;
  try {
    for (let next = first(feed); next !== undefined; next = first(feed)) {
      const { head } = next;
      const after = feed.read.get(head.number) ?? (await baseOf(feed.app, head, feed.openedMs));
      if (after < head.revision) {
        const page = await readPage(feed.app, head, after);
        feed.read.set(head.number, page.through);
        for (const subscriber of feed.subscribers) {
          if (subscriber.queue === undefined) tell(feed, subscriber, page);
          else if (subscriber.queue.length < QUEUED_PAGES_MAX) subscriber.queue.push(page);
          else subscriber.sink.end();
        }
      }
      const reached = feed.read.get(head.number) ?? after;
      if ((feed.pending.get(head.number)?.head.revision ?? 0) <= reached) feed.pending.delete(head.number);
    }
  } finally {
    feed.pumping = false;
  }
}

function first(feed: Feed): { readonly head: ChatHead } | undefined {
  for (const next of feed.pending.values()) return next;
  return undefined;
}

/** Of what changed after this moment, something may still have to be told. */
const floorOf = (feed: Feed): number =>
  [...feed.pending.values()].reduce((floor, { sinceMs }) => Math.min(floor, sinceMs), Infinity);

/** The revision before the first change since a moment. 1 query. */
async function baseOf(app: App, head: ChatHead, sinceMs: number): Promise<number> {
  const lowest = (await lowestRevisionSince(chatHandle(app, head.number), sinceMs)) ?? head.revision + 1;
  const settings = head.settingsAt.toMillis() > sinceMs ? head.settingsRevision : head.revision + 1;
  return Math.min(lowest, settings) - 1;
}

function tell(feed: Feed, { sink, cursor }: Pick<Subscriber, "sink" | "cursor">, page: Page): void {
  const events = eventsOf(cursor, page, { floorMs: floorOf(feed), person: feed.person });
  if (events.length > 0) sink.send(events);
}

/** What is new in a page to whoever is at the cursor, which moves on. */
function eventsOf(
  cursor: PersonCursor,
  page: Page,
  { floorMs, person }: { readonly floorMs: number; readonly person: string },
): LiveEvent[] {
  const { number } = page.head;
  const known = cursor.told(number) ?? page.after;
  if (known >= page.through) return [];
  const changedMs = changedMsOf(page.head);
  const events = changeEvents(page, known, person).map((event): LiveEvent => {
    cursor.advance(number, event.id, changedMs);
    return { ...event, id: cursor.id(floorMs) };
  });
  cursor.advance(number, page.through, changedMs);
  return events;
}
