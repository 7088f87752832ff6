import { chatHandle, type ChatHandle } from "../chat/chat-handle.ts";
import { access, type ChatHead, noSuchChat } from "../chat/log/head.ts";
import { type StoredSignal, signalPresent, storedSignal } from "../chat/log/signal.ts";
import { headOf, isSignal, readHead } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import type { Deps } from "../platform/deps.ts";
import type { QueryDocumentSnapshot } from "../platform/firestore.ts";
import { isUsedUp, skipped, tellChanges, wholeAllowance } from "./catch-up.ts";
import { changeEvents, type Page, readPage } from "./change-events.ts";
import type { LiveEvent, Sink } from "./contract.ts";
import { type Presence, WATCHED_MAX, type Watch } from "./presence.ts";
import { concerns, hasCome, signalEvents, withoutSent } from "./signal-events.ts";

/**
 * The live changes of chats. All subscribers of a chat in an instance share one Firestore listener, on the
 * head and the members' signals; when the head moves, the changed messages are read once for all of them.
 * Numbers of revisions have no gaps, so a subscriber that says where it left off misses nothing and sees
 * nothing twice, on any instance. One closure holds all that a feed shares, so its file is long.
 */
export interface ChatFeeds {
  /**
   * Tells the sink what changed after the revision `since`, as much as CATCH_UP allows and as fast as it is
   * read, and then whatever comes; without `since` only what comes; what members signal at present in both
   * cases. Resolves with the end of the subscription once it is known that they may read the chat. Costs 1
   * read for the first subscriber of a chat and 1 for each member that has signalled lately, and 1 query for
   * a past; each change then costs 1 read for the head, 1 query and 1 read for each changed message, for all
   * subscribers together; each signal 1 read. For presence see presence.ts.
   * @throws AppError `not_found` for those who may not read the chat
   */
  subscribe(
    chat: ChatHandle,
    principal: Principal,
    since: number | undefined,
    sink: Sink,
  ): Promise<() => void>;
  /**
   * Calls `end` once the principal may not read the chat any more. Costs 1 read for the first in an instance.
   * Returns the end of that.
   */
  attend(chat: ChatHandle, principal: Principal, end: () => void): () => void;
  /** How many listeners are open. */
  listeners(): number;
}

interface Subscriber {
  readonly principal: Principal;
  readonly sink: Sink;
  /** Everything up to this revision has been told. */
  through: number;
  /** Answers that are being made → the end of following them. */
  readonly following: Map<string, () => void>;
  /** Receives nothing: this subscriber only keeps the feed open. */
  readonly isHolder?: true;
}

interface Feed {
  readonly app: App;
  readonly chat: number;
  readonly subscribers: Set<Subscriber>;
  /** Resolves with the first head, rejects when there is none. */
  readonly started: Promise<ChatHead>;
  readonly signals: Map<string, StoredSignal>;
  head: ChatHead | undefined;
  /** Everything up to this revision has been told to those who were there. */
  through: number;
  pumping: boolean;
  watch: Watch | undefined;
  stop(): void;
}

/** Answers that have ended and are still followed, for their last words. */
const ANSWERS_ENDED_MAX = 2;
/** Tells of an answer that is being made; returns the end of it. */
export interface Answers {
  follow(
    chat: ChatHandle,
    answer: string,
    from: undefined,
    tell: (events: readonly LiveEvent[]) => void,
  ): () => void;
}

export function openChatFeeds(
  deps: Pick<Deps, "upkeep" | "clock" | "log">,
  presence: Presence,
  answers: Answers,
): ChatFeeds {
  const feeds = new Map<string, Feed>();
  deps.upkeep.onClose(() => {
    for (const feed of feeds.values()) {
      feed.stop();
      feed.head = undefined;
      for (const { sink } of feed.subscribers) sink.end();
    }
    feeds.clear();
  });

  const leave = (path: string, feed: Feed, subscriber: Subscriber): void => {
    feed.subscribers.delete(subscriber);
    for (const stop of subscriber.following.values()) stop();
    if (feed.subscribers.size > 0 || feeds.get(path) !== feed) return;
    feeds.delete(path);
    feed.stop();
  };

  const open = (path: string, app: App, chat: number): Feed => {
    const { promise, resolve, reject } = Promise.withResolvers<ChatHead>();
    const feed: Feed = {
      app,
      chat,
      subscribers: new Set(),
      started: promise,
      signals: new Map(),
      head: undefined,
      through: 0,
      pumping: false,
      watch: undefined,
      stop: () => undefined,
    };
    const fail = (cause: unknown): void => {
      reject(cause);
      if (feeds.get(path) === feed) feeds.delete(path);
      feed.watch?.stop();
      for (const { sink } of feed.subscribers) sink.end();
      feed.subscribers.clear();
    };
    const take = (head: ChatHead | undefined): void => {
      const isFirst = feed.head === undefined;
      if (isFirst && head !== undefined) feed.through = head.revision;
      feed.head = head;
      dismiss(feed, head);
      for (const signal of feed.signals.values()) heed(signal);
      watchMembers(feed, head);
      for (const subscriber of feed.subscribers) if (!subscriber.isHolder) followAnswers(feed, subscriber);
      if (head === undefined) reject(noSuchChat());
      else if (isFirst) resolve(head);
      else deps.upkeep.run(() => pump(feed)).catch(fail);
    };
    const heed = (stored: StoredSignal): void => {
      if (stored.left) return;
      const signal = withoutSent(stored, feed.head?.sent);
      const before = feed.signals.get(signal.user);
      feed.signals.set(signal.user, signal);
      broadcast(feed, signalEvents(before, signal, deps.clock.now()));
      if (hasCome(before, signal)) feed.watch?.refresh(signal.user);
    };
    const query = app.collection("chats").where("number", "==", chat);
    const stop = deps.upkeep.run(() =>
      query.onSnapshot((snapshot) => {
        const changed = snapshot.docChanges().filter(({ type }) => type !== "removed");
        for (const { doc } of changed) if (isSignal(doc.id)) heed(storedSignal(doc));
        const head = headIn(snapshot.docs);
        if (head === undefined || changed.some(({ doc }) => !isSignal(doc.id))) take(head);
      }, fail),
    );
    feed.stop = () => {
      stop();
      feed.watch?.stop();
    };
    promise.catch(() => undefined);
    feeds.set(path, feed);
    return feed;
  };

  const watchMembers = (feed: Feed, head: ChatHead | undefined): void => {
    const of = head === undefined || head.members.length > WATCHED_MAX ? [] : head.members;
    if (feed.watch !== undefined) feed.watch.change(of);
    else feed.watch = presence.watch(feed.app, of, (event) => broadcast(feed, [event]));
  };

  const followAnswers = (feed: Feed, { sink, following }: Subscriber): void => {
    const making = feed.head?.answering ?? [];
    for (const answer of making) {
      if (following.has(answer)) continue;
      following.set(
        answer,
        answers.follow(chatHandle(feed.app, feed.chat), answer, undefined, (events) => {
          // Changes of messages come with the chat's.
          sink.send(events.filter(({ event }) => event !== "message.changed"));
        }),
      );
    }
    for (const [answer, stop] of following) {
      // The answer's end may arrive later than the chat's change, so following goes on until it is told.
      if (!making.includes(answer) && following.size > making.length + ANSWERS_ENDED_MAX) {
        stop();
        following.delete(answer);
      }
    }
  };

  /** Reads and tells what lies between what has been told and the head; one at a time for each feed. */
  const pump = async (feed: Feed): Promise<void> => {
    if (feed.pumping) return;
    feed.pumping = true;
    try {
      while (feed.head !== undefined && feed.through < feed.head.revision) {
        const page = await readPage(feed.app, feed.head, feed.through);
        feed.through = page.through;
        for (const subscriber of feed.subscribers) tell(subscriber, page);
      }
    } finally {
      feed.pumping = false;
    }
  };

  /** Lets others know that somebody has come; whether they do changes nothing for who came. */
  const announce = (feed: Feed, head: ChatHead, { kind, id }: Principal): void => {
    if (kind !== "person" || !head.members.includes(id)) return;
    deps.upkeep
      .run(async () => {
        if ((await presence.beat(feed.app, id)) && head.members.length <= WATCHED_MAX) {
          await signalPresent(deps, feed.app, head, id);
        }
      })
      .catch((cause: unknown) => deps.log.error("Presence could not be noted.", cause));
  };

  /** From now on the subscriber hears what comes. In one turn, so that nothing comes in between. */
  const join = (feed: Feed, subscriber: Subscriber): void => {
    const { sink, principal } = subscriber;
    const signalled = [...feed.signals.values()].flatMap((signal) =>
      signalEvents(undefined, signal, deps.clock.now()),
    );
    const present = [...signalled, ...(feed.watch?.present() ?? [])].filter((event) =>
      concerns(event, principal.id),
    );
    if (present.length > 0) sink.send(present);
    sink.setLastId(subscriber.through);
    feed.subscribers.add(subscriber);
    followAnswers(feed, subscriber);
  };

  return {
    listeners: () => feeds.size,
    async subscribe({ app, number }, principal, since, sink) {
      const path = `${app.id}/${number}`;
      const feed = feeds.get(path) ?? open(path, app, number);
      const subscriber: Subscriber = { principal, sink, through: since ?? 0, following: new Map() };
      // Holds the feed open while the past is read; nothing is told before that.
      const holder = holderOf(principal, sink.end);
      feed.subscribers.add(holder);
      try {
        await feed.started;
        announce(feed, await currentHead(feed, principal), principal);
      } catch (cause) {
        leave(path, feed, holder);
        throw cause;
      }
      subscriber.through = Math.min(since ?? feed.through, feed.through);
      const joinUnlessLeft = (): void => {
        if (sink.isOpen && feed.subscribers.has(holder)) join(feed, subscriber);
      };
      deps.upkeep
        .run(() => catchUp(feed, subscriber, joinUnlessLeft))
        // They come back from where they are, or are refused.
        .catch(() => sink.end())
        .finally(() => leave(path, feed, holder));
      return () => {
        leave(path, feed, holder);
        leave(path, feed, subscriber);
      };
    },
    attend({ app, number }, principal, end) {
      const path = `${app.id}/${number}`;
      const feed = feeds.get(path) ?? open(path, app, number);
      const holder = holderOf(principal, end);
      feed.subscribers.add(holder);
      feed.started.then(() => currentHead(feed, principal)).catch(() => end());
      return () => leave(path, feed, holder);
    },
  };
}

/** Keeps a feed open, and hears of nothing but its end. */
const holderOf = (principal: Principal, end: () => void): Subscriber => ({
  principal,
  sink: {
    send: () => 0,
    setLastId: () => undefined,
    end,
    finish: () => undefined,
    isOpen: true,
    pay: () => Promise.resolve(),
    room: () => Promise.resolve(),
  },
  through: 0,
  following: new Map(),
  isHolder: true,
});

/** Tells a subscriber of the past, or how much of it is not told, and joins it to the others. */
async function catchUp(feed: Feed, subscriber: Subscriber, join: () => void): Promise<void> {
  const { sink, principal } = subscriber;
  const allowance = wholeAllowance();
  while (sink.isOpen) {
    subscriber.through = await tellChanges(feed.app, subscriber.through, sink, {
      allowance,
      headNow: () => currentHead(feed, principal),
      end: () => feed.through,
      eventsOf: (page, known) => changeEvents(page, known, principal.id),
    });
    // The feed may have moved on in this very moment. Nothing may come between looking and joining.
    if (subscriber.through < feed.through) {
      if (!isUsedUp(allowance)) continue;
      sink.send([skipped(feed.through, feed.chat, subscriber.through)]);
      subscriber.through = feed.through;
    }
    return join();
  }
}

/**
 * The head as it is for this person: who has just been added is not in the feed's, if the listener has yet to
 * hear of it. @throws AppError `not_found`
 */
async function currentHead(feed: Feed, principal: Principal): Promise<ChatHead> {
  if (feed.head !== undefined && mayRead(feed.head, principal)) return feed.head;
  return access(headOf(await readHead(chatHandle(feed.app, feed.chat))), principal);
}

const headIn = (documents: readonly QueryDocumentSnapshot[]): ChatHead | undefined =>
  headOf(documents.find(({ id }) => !isSignal(id)));

function broadcast(feed: Feed, events: readonly LiveEvent[]): void {
  for (const { sink, principal } of feed.subscribers) {
    const told = events.filter((event) => concerns(event, principal.id));
    if (told.length > 0) sink.send(told);
  }
}

/** Ends the streams of those who may no longer read. */
function dismiss(feed: Feed, head: ChatHead | undefined): void {
  for (const subscriber of feed.subscribers) {
    if (mayRead(head, subscriber.principal)) continue;
    feed.subscribers.delete(subscriber);
    subscriber.sink.end();
  }
}

function mayRead(head: ChatHead | undefined, principal: Principal): boolean {
  try {
    access(head, principal);
    return true;
  } catch {
    return false;
  }
}

/** Tells one subscriber what is new to it. */
function tell(subscriber: Subscriber, page: Page): void {
  const events = changeEvents(page, subscriber.through, subscriber.principal.id);
  subscriber.through = Math.max(subscriber.through, page.through);
  if (events.length > 0) subscriber.sink.send(events);
}
