import { access, type ChatHead, noSuchChat } from "../chat/head.ts";
import { messageView, type StoredMessage } from "../chat/message.ts";
import { chatRef, headOf, listChanged } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import type { Deps } from "../platform/deps.ts";
import type { DocumentSnapshot } from "../platform/firestore.ts";
import type { LiveEvent } from "./contract.ts";

/** Where a subscriber's events go. */
export interface Sink {
  send(events: readonly LiveEvent[]): void;
  /** No more will come: the subscriber may not read the chat any longer, or the feed has failed. */
  end(): void;
}

/**
 * The live changes of chats. All subscribers of a chat in an instance share one Firestore listener, on the
 * head; when that moves, the changed messages are read once for all of them. Numbers of revisions have no
 * gaps, so a subscriber that says where it left off misses nothing and sees nothing twice, on any instance.
 */
export interface ChatFeeds {
  /**
   * Tells the sink everything after the revision `since`, and then whatever comes; without `since` only
   * what comes. Resolves with the end of the subscription once the past has been told.
   * Costs 1 read for the first subscriber of a chat and 1 query for a past; each change then costs 1 read
   * for the head, 1 query and 1 read for each changed message, for all subscribers together.
   * @throws AppError `not_found` for those who may not read the chat
   */
  subscribe(
    app: App,
    chat: number,
    principal: Principal,
    since: number | undefined,
    sink: Sink,
  ): Promise<() => void>;
  /** How many listeners are open. */
  listeners(): number;
}

interface Subscriber {
  readonly principal: Principal;
  readonly sink: Sink;
  /** Everything up to this revision has been told. */
  through: number;
}

interface Feed {
  readonly app: App;
  readonly chat: number;
  readonly subscribers: Set<Subscriber>;
  /** Resolves with the first head, rejects when there is none. */
  readonly started: Promise<ChatHead>;
  head: ChatHead | undefined;
  /** Everything up to this revision has been told to those who were there. */
  through: number;
  pumping: boolean;
  stop(): void;
}

/** Messages read at once. */
const PAGE = 200;

export function openChatFeeds(deps: Pick<Deps, "upkeep">): ChatFeeds {
  const feeds = new Map<string, Feed>();
  deps.upkeep.onClose(() => {
    for (const feed of feeds.values()) {
      feed.stop();
      for (const { sink } of feed.subscribers) sink.end();
    }
    feeds.clear();
  });

  const leave = (path: string, feed: Feed, subscriber: Subscriber): void => {
    feed.subscribers.delete(subscriber);
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
      head: undefined,
      through: 0,
      pumping: false,
      stop: () => undefined,
    };
    const fail = (cause: unknown): void => {
      reject(cause);
      if (feeds.get(path) === feed) feeds.delete(path);
      for (const { sink } of feed.subscribers) sink.end();
      feed.subscribers.clear();
    };
    const follow = (snapshot: DocumentSnapshot): void => {
      const head = headOf(snapshot);
      const isFirst = feed.head === undefined;
      if (isFirst && head !== undefined) feed.through = head.revision;
      feed.head = head;
      dismiss(feed, head);
      if (head === undefined) reject(noSuchChat());
      else if (isFirst) resolve(head);
      else pump(feed).catch(fail);
    };
    feed.stop = deps.upkeep.run(() => chatRef(app, chat).onSnapshot(follow, fail));
    promise.catch(() => undefined);
    feeds.set(path, feed);
    return feed;
  };

  /** Ends the streams of those who may no longer read. */
  const dismiss = (feed: Feed, head: ChatHead | undefined): void => {
    for (const subscriber of feed.subscribers) {
      if (mayRead(head, subscriber.principal)) continue;
      feed.subscribers.delete(subscriber);
      subscriber.sink.end();
    }
  };

  /** Reads and tells what lies between what has been told and the head; one at a time for each feed. */
  const pump = async (feed: Feed): Promise<void> => {
    if (feed.pumping) return;
    feed.pumping = true;
    try {
      while (feed.head !== undefined && feed.through < feed.head.revision) {
        const page = await readPage(feed, feed.through, feed.head);
        feed.through = page.through;
        for (const subscriber of feed.subscribers) tell(subscriber, page);
      }
    } finally {
      feed.pumping = false;
    }
  };

  return {
    listeners: () => feeds.size,
    async subscribe(app, chat, principal, since, sink) {
      const path = `${app.id}/${chat}`;
      const feed = feeds.get(path) ?? open(path, app, chat);
      const subscriber: Subscriber = { principal, sink, through: since ?? 0 };
      // Holds the feed open while the past is read; nothing is told before that.
      const holder: Subscriber = {
        principal,
        sink: { send: () => undefined, end: () => undefined },
        through: 0,
      };
      feed.subscribers.add(holder);
      try {
        access(await feed.started, principal);
        subscriber.through = Math.min(since ?? feed.through, feed.through);
        while (subscriber.through < feed.through) {
          tell(subscriber, await readPage(feed, subscriber.through, access(feed.head, principal)));
        }
        access(feed.head, principal);
        feed.subscribers.add(subscriber);
      } finally {
        leave(path, feed, holder);
      }
      return () => leave(path, feed, subscriber);
    },
  };
}

function mayRead(head: ChatHead | undefined, principal: Principal): boolean {
  try {
    access(head, principal);
    return true;
  } catch {
    return false;
  }
}

/** Changes of a chat after some revision, and up to which revision they are all there are. */
interface Page {
  readonly chat: number;
  readonly rows: readonly { readonly id: string; readonly stored: StoredMessage }[];
  readonly head: ChatHead;
  readonly through: number;
}

async function readPage(feed: Feed, after: number, head: ChatHead): Promise<Page> {
  const rows = await listChanged(feed.app, feed.chat, after, PAGE);
  const last = rows.at(-1)?.stored.revision ?? after;
  return {
    chat: feed.chat,
    rows,
    head,
    through: rows.length === PAGE ? last : Math.max(last, head.revision),
  };
}

/** Tells one subscriber what is new to it, in the order of the revisions. */
function tell(subscriber: Subscriber, { chat, rows, head, through }: Page): void {
  const events: LiveEvent[] = rows
    .filter(({ stored }) => stored.revision > subscriber.through)
    .map(({ id, stored }) => ({
      id: stored.revision,
      event: stored.createdRevision > subscriber.through ? "message.created" : "message.changed",
      data: { chat, message: messageView(id, stored) },
    }));
  if (head.settingsRevision > subscriber.through && head.settingsRevision <= through) {
    events.push({ id: head.settingsRevision, event: "chat.changed", data: settingsOf(head) });
    events.sort((a, b) => a.id - b.id);
  }
  subscriber.through = Math.max(subscriber.through, through);
  if (events.length > 0) subscriber.sink.send(events);
}

const settingsOf = (head: ChatHead): object => ({
  chat: head.number,
  revision: head.settingsRevision,
  title: head.title,
  tags: head.tags,
  members: head.members,
  archived: head.archived,
  pinned: head.pinned,
  activeBranch: head.activeBranch,
  branchesCount: head.branchesCount,
});
