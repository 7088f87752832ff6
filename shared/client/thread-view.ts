import type { Chat, Message, NewMessage, Page, Thread } from "../chat/contract.ts";
import type { Api } from "./api.ts";
import { isTransient } from "./api-error.ts";
import type { ChatView, ChatViewEvents } from "./chat-view.ts";
import { coalesce, createEmitter } from "./emitter.ts";
import type { Environment, KeyValueStore } from "./environment.ts";
import type { MessageTree } from "./message-tree.ts";
import type { Draft } from "./outbox.ts";
import { createUnsentText } from "./unsent-text.ts";

/**
 * A thread: the message that it begins with and its replies, oldest first. It is a view of the same chat, so
 * that whatever shows one shows the other. What is sent replies to the first message unless it says
 * otherwise.
 */
export interface ThreadView extends ChatView {
  readonly root: number;
}

/** What another device tells of what was begun in a thread. */
export type ThreadDraft = NonNullable<Chat["draft"]> & { readonly thread: number };

/** What the client knows of a thread and others need not. */
export interface OwnThreadView extends ThreadView {
  takeDraft(draft: ThreadDraft): void;
}

const LIMIT = 50;

export interface ThreadViewOptions {
  readonly env: Environment;
  readonly api: Api;
  /** Of the chat, whose stream tells what is new. */
  readonly view: ChatView;
  readonly tree: MessageTree;
  readonly root: number;
  readonly store: KeyValueStore;
  /** What the store's keys of begun texts begin with. */
  readonly unsentPrefix: string;
  send(message: NewMessage): Draft;
  onClose(): void;
}

export function createThreadView(options: ThreadViewOptions): OwnThreadView {
  const { env, api, view, tree, root, send } = options;
  const path = `/chats/${view.number}/messages`;
  const emitter = createEmitter<ChatViewEvents>();
  const ending = new AbortController();
  const requested = { background: true, signal: ending.signal };
  const change = coalesce(() => {
    if (!ending.signal.aborted) emitter.emit("change", undefined);
  });
  /** Nothing of the thread is missing above this; undefined until it has been read. */
  let floor: number | undefined;
  let hasOlder = false;
  let isLoadingOlder = false;
  let read = 0;
  let told: Pick<Chat, "draft"> | undefined;
  const readOwn = (): Promise<Thread> => api.get<Thread>(`${path}/${root}/thread`, { background: true });
  const unsent = createUnsentText({
    env,
    store: options.store,
    key: `${options.unsentPrefix}${view.number}.${root}`,
    told: () => told,
    put: (text, keepalive) =>
      api.put(`/chats/${view.number}/draft`, { text, thread: root }, { background: true, keepalive }),
    readWhole: readOwn,
    onText: (text) => emitter.emit("unsent", text),
  });

  const leave = [
    view.on("change", change),
    view.on("arrival", (messages) => {
      const replies = messages.filter(({ thread }) => thread === root);
      if (replies.length > 0) emitter.emit("arrival", replies);
    }),
    view.on("gone", () => emitter.emit("gone", undefined)),
  ];

  const replies = (): readonly number[] => tree.threadOf(root).filter((at) => at >= (floor ?? Infinity));

  const readPage = async (query: string): Promise<void> => {
    const page = await api.get<Page<Message>>(`${path}?thread=${root}&limit=${LIMIT}${query}`, requested);
    tree.take(page.data);
    hasOlder = page.hasMore;
    floor = page.hasMore ? Math.min(...page.data.map(({ number }) => number)) : 0;
    change();
  };

  const open = async (): Promise<void> => {
    await view.loaded();
    const first = tree.get(root) ?? (await api.get<Message>(`${path}/${root}`, requested));
    tree.take([first]);
    const [{ readThrough, draft }] = await Promise.all([readOwn(), readPage("")]);
    read = Math.max(read, readThrough);
    // What a device has told meanwhile is later.
    told ??= draft === undefined ? {} : { draft };
    unsent.look();
  };
  const opening = open();
  opening.catch((cause: unknown) => {
    if (!ending.signal.aborted) emitter.emit("error", cause);
  });

  const loadOlder = async (): Promise<void> => {
    if (!hasOlder || isLoadingOlder || floor === undefined) return;
    isLoadingOlder = true;
    change();
    try {
      await readPage(`&before=${floor}`);
    } finally {
      isLoadingOlder = false;
      change();
    }
  };

  const isReplyHere = ({ message: { replyTo = 0 } }: Draft): boolean =>
    replyTo === root || tree.get(replyTo)?.thread === root;

  const own = {
    root,
    on: emitter.on,
    get isLoaded() {
      return view.message(root) !== undefined;
    },
    get messages() {
      return [root, ...replies()].flatMap((at) => view.message(at) ?? []);
    },
    get drafts() {
      return view.drafts.filter(isReplyHere);
    },
    get hasOlder() {
      return hasOlder;
    },
    get isLoadingOlder() {
      return isLoadingOlder;
    },
    isAway: false,
    branches: [],
    siblingsOf: (at: number) => [at],
    loaded: () => opening,
    loadOlder,
    loadNewer: async () => undefined,
    visit: async () => undefined,
    return: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    unsent,
    takeDraft({ thread: _, text, ...draft }: ThreadDraft) {
      told = text === "" ? {} : { draft: { ...draft, text } };
      unsent.look();
    },
    send(message: NewMessage) {
      if (message.text !== undefined && message.text === unsent.text.trim()) unsent.clear();
      return send({ replyTo: root, ...message });
    },
    /** What is read of the chat is read of its threads. */
    markRead(at: number) {
      if (at <= Math.max(read, view.chat?.readThrough ?? 0) || at === root) return;
      const before = read;
      read = at;
      api.put(`${path}/${root}/thread/read`, { number: at }, requested).catch((cause: unknown) => {
        if (isTransient(cause)) read = before;
      });
    },
    close() {
      unsent.close();
      options.onClose();
      ending.abort();
      for (const stop of leave) stop();
    },
  } satisfies Partial<OwnThreadView>;
  // Whatever else one can do to a message is the chat's.
  return Object.setPrototypeOf(own, view) as OwnThreadView;
}
