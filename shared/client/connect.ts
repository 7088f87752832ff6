import type { Chat, NewChat, NewMessage } from "../chat/contract.ts";
import type { User } from "../identity/contract.ts";
import type { Job } from "../jobs/contract.ts";
import { type Api, createApi } from "./api.ts";
import { type Arrangement, createArrangement } from "./arrangement.ts";
import { createChatHeads } from "./chat-heads.ts";
import { type ChatFilter, type ChatList, createChatList, type OwnChatList } from "./chat-list.ts";
import { type ChatView, createChatView, type OwnChatView } from "./chat-view.ts";
import { coalesce, createEmitter, type Emitter } from "./emitter.ts";
import { type Environment, type KeyValueStore, memoryStore, platformEnvironment } from "./environment.ts";
import type { StreamState } from "./event-stream.ts";
import { createMarks } from "./marks.ts";
import { createOutbox, type Draft } from "./outbox.ts";
import { openPersonFeed } from "./person-feed.ts";
import { createPostMessage } from "./post-message.ts";
import { createPresenceBook, type Presence } from "./presence-book.ts";
import { createNameSearch, type NameSearch } from "./name-search.ts";
import { createSearch, type Search } from "./search.ts";
import { createSend, type Done } from "./send.ts";
import { createUnreadTotal } from "./unread-total.ts";
import { type ClientSession, createSession, memorySession, type SessionStore } from "./session.ts";

export type {
  Chat,
  GroupAction,
  GroupRole,
  GroupRules,
  Mention,
  Message,
  NewMessage,
  Page,
  ScheduledMessage,
} from "../chat/contract.ts";
export type { User } from "../identity/contract.ts";
export type { NameSearch } from "./name-search.ts";

export interface ConnectOptions {
  /** Where the API is, without a slash at its end; empty for the page's own origin. */
  readonly url: string;
  readonly app: string;
  /** Where the session outlives a reload; in memory by default. */
  readonly sessions?: SessionStore;
  /** Where messages on their way outlive one; in memory by default. */
  readonly store?: KeyValueStore;
  readonly transport?: "body" | "cookie";
  readonly environment?: Partial<Environment>;
  /** Is told of each request. */
  readonly onDone?: (done: Done) => void;
}

export interface Client {
  readonly session: ClientSession;
  readonly api: Api;
  /** Everything live of the person who is signed in. @throws when nobody is */
  open(): Desk;
}

export interface DeskEvents {
  /** Somebody came or went, or a chat is other than it was. */
  change: undefined;
  /** The connection is other than it was. */
  connection: StreamState;
  /** An import or export of the person's is other than it was. */
  job: ToldJob;
}

/** An import or export, as the stream tells of it. */
export type ToldJob = Job;

/** What one person works with: their chats, live. */
export interface Desk extends Emitter<DeskEvents> {
  readonly me: User;
  readonly connection: StreamState;
  readonly chats: Arrangement & {
    /** Unread messages in all chats; undefined until the first page of all chats has been read. */
    readonly unreadTotal: number | undefined;
    get(number: number): Chat | undefined;
    list(filter?: ChatFilter): ChatList;
    /** Looks for chats by their titles, and for direct ones by the other's name. */
    search(): NameSearch<Chat>;
    create(chat: NewChat): Promise<Chat>;
    /** Takes in what an answer said of a chat. */
    took(chat: Chat): void;
  };
  openChat(number: number): ChatView;
  /** Looks for messages in all chats, or in one. */
  openSearch(): Search;
  /** Looks for people by name; no text finds all. */
  searchPeople(): NameSearch<User>;
  /** Sends a message to a chat, open or not. */
  send(chat: number, message: NewMessage): Draft;
  presenceOf(user: string): Presence | undefined;
  /** Asks for those of whom nobody has told yet. @throws ApiError */
  readPresence(users: readonly string[]): Promise<void>;
  /** The network is back, or somebody looks: tries at once what waits. */
  wake(): void;
  close(): void;
}

/** Of as many people at once the API tells. */
const PRESENCE_USERS_MAX = 100;

/** A client of one app. Nothing is asked of the server before it has to be. */
export function connect(options: ConnectOptions): Client {
  const env: Environment = { ...platformEnvironment, ...options.environment };
  const place = { base: `${options.url}/v1/apps/${encodeURIComponent(options.app)}` };
  const send = createSend({ env, place, onDone: options.onDone });
  const session = createSession({
    env,
    send,
    store: options.sessions ?? memorySession(),
    transport: options.transport ?? "body",
  });
  const api = createApi({ env, place, send, session, onDone: options.onDone });
  const store = options.store ?? memoryStore();
  return {
    session,
    api,
    open() {
      const me = session.user;
      if (me === undefined) throw new Error("Nobody is signed in.");
      const desk = openDesk({ env, api, store, me, prefix: `scrollback:${options.app}:${me.id}:` });
      const leave = session.on("change", (user) => {
        if (user?.id === me.id) return;
        leave();
        desk.leave();
      });
      return desk;
    },
  };
}

interface DeskOptions {
  readonly env: Environment;
  readonly api: Api;
  readonly store: KeyValueStore;
  readonly me: User;
  readonly prefix: string;
}

function openDesk({ env, api, store, me, prefix }: DeskOptions): Desk & { leave(): void } {
  const emitter = createEmitter<DeskEvents>();
  const views = new Set<OwnChatView>();
  const lists = new Set<OwnChatList>();
  const tell = (): void => emitter.emit("change", undefined);
  const viewsOf = (chat: number): readonly OwnChatView[] =>
    [...views].filter(({ number }) => number === chat);

  const heads = createChatHeads(me.id, (chat) => {
    for (const list of lists) list.changed();
    for (const view of viewsOf(chat)) view.changed();
    if (!total.accountsFor(chat)) countAgain();
    tell();
  });
  const total = createUnreadTotal(heads);
  /** The server counts anew what is unread in chats that are not known here. */
  let isCounting = false;
  const countAgain = coalesce(() => {
    const list = [...lists].find((each) => each.isWhole && each.isLoaded);
    if (isCounting || list === undefined) return;
    isCounting = true;
    list
      .refresh()
      .catch(() => undefined)
      .finally(() => (isCounting = false));
  });
  const arrangement = createArrangement({ env, api, heads });
  const presence = createPresenceBook(() => {
    for (const view of views) view.changed();
    for (const list of lists) list.changed();
    tell();
  });
  const marks = createMarks({ env, api });
  const post = createPostMessage({
    env,
    api,
    isAnswered: (chat) => heads.get(chat)?.kind === "assistant",
    onEvent(chat, event, data) {
      for (const view of viewsOf(chat)) view.takeEvent(event, data);
    },
  });
  const outbox = createOutbox({
    env,
    post,
    store,
    prefix: `${prefix}draft:`,
    onSent(draft, message) {
      heads.takeMessage(draft.chat, message);
      for (const view of viewsOf(draft.chat)) view.tookDraft(draft, message);
    },
    onChange(chat) {
      for (const view of viewsOf(chat)) view.changed();
    },
  });
  const feed = openPersonFeed({
    env,
    api,
    me: me.id,
    heads,
    onEvent(chat, event, data) {
      for (const view of viewsOf(chat)) view.takeEvent(event, data);
    },
    onPresence: presence.take,
    onOwn: arrangement.take,
    onJob: (job) => emitter.emit("job", job as unknown as ToldJob),
    onDelivered: (chat, { number }) => marks.delivered(chat, number),
    onRemoved(chat) {
      for (const view of viewsOf(chat)) view.vanish();
    },
    onState: () => emitter.emit("connection", feed.state),
    async refresh() {
      for (const list of lists) if (list.isLoaded) await list.refresh();
    },
    async readBrought() {
      for (const list of lists) if (list.isLoaded) await list.readAgain();
    },
  });

  const close = (): void => {
    feed.close();
    marks.close();
    outbox.close();
    post.close();
    for (const view of views) view.close();
    for (const list of lists) list.close();
  };
  return {
    on: emitter.on,
    me,
    get connection() {
      return feed.state;
    },
    chats: {
      ...arrangement,
      get unreadTotal() {
        return total.value;
      },
      get: heads.get,
      took: heads.take,
      list(filter = {}) {
        const onClose = (): void => void lists.delete(list);
        const list = createChatList({ api, heads, total, filter, following: feed.following, onClose });
        lists.add(list);
        return list;
      },
      search: () => createNameSearch<Chat>({ env, api, path: "/chats", isWhole: false }),
      async create(chat) {
        const created = await api.post<Chat>("/chats", chat, { key: env.randomId() });
        heads.take(created);
        return created;
      },
    },
    openChat(number) {
      const onClose = (): void => void views.delete(view);
      const parts = { heads, outbox, marks, presence, arrangement, store, unsentPrefix: `${prefix}unsent:` };
      const view = createChatView({ env, api, number, me: me.id, ...parts, onClose });
      views.add(view);
      return view;
    },
    openSearch: () => createSearch({ env, api }),
    searchPeople: () => createNameSearch<User>({ env, api, path: "/users", isWhole: true }),
    send: outbox.add,
    presenceOf: presence.of,
    async readPresence(users) {
      const unknown = users.filter((user) => presence.of(user) === undefined).slice(0, PRESENCE_USERS_MAX);
      if (unknown.length === 0) return;
      const { data } = await api.get<{ data: readonly ({ user: string } & Presence)[] }>(
        `/presence?users=${unknown.map(encodeURIComponent).join()}`,
        { background: true },
      );
      // What a stream has told meanwhile is later.
      for (const told of data) if (presence.of(told.user) === undefined) presence.take({ ...told });
    },
    wake() {
      feed.wake();
      outbox.wake();
      for (const view of views) view.wake();
    },
    close,
    leave() {
      outbox.clear();
      close();
      for (const key of store.keys()) if (key.startsWith(`${prefix}unsent:`)) store.remove(key);
    },
  };
}
