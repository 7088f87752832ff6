import type { Branch, Chat, Message, NewMessage } from "../chat/contract.ts";
import type { Api } from "./api.ts";
import { ApiError, isTransient } from "./api-error.ts";
import type { ChatHeads, ChatSettings } from "./chat-heads.ts";
import { type ChatSignals, createChatSignals } from "./chat-signals.ts";
import { coalesce, createEmitter, type Emitter } from "./emitter.ts";
import { backoffMs, type Environment, pause } from "./environment.ts";
import { type EventStream, openEventStream, type StreamState } from "./event-stream.ts";
import type { Marks } from "./marks.ts";
import type { Draft, Outbox } from "./outbox.ts";
import { createPendingChanges, type PendingChanges } from "./pending-changes.ts";
import type { PresenceBook } from "./presence-book.ts";
import { createTimeline } from "./timeline.ts";

/** An event of the chat's stream, before it has any effect. */
export interface ChatEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface ChatViewEvents {
  /** Something is other than it was; told once for all that one turn brings. */
  change: undefined;
  /** Others have written, just now. */
  arrival: readonly Message[];
  /** The chat is no longer there for this person. */
  gone: undefined;
  /** What was missing could not be fetched. */
  error: unknown;
  event: ChatEvent;
}

/** One chat as it is now, and what can be done to it. */
export interface ChatView extends Emitter<ChatViewEvents>, PendingChanges {
  readonly number: number;
  /** Undefined until it has been read. */
  readonly chat: Chat | undefined;
  /** True once the newest messages are there. */
  readonly isLoaded: boolean;
  /** The messages that lead to the end of the active branch, with changes that are on their way; oldest first. */
  readonly messages: readonly Message[];
  /** What this person has written and the server not yet confirmed. */
  readonly drafts: readonly Draft[];
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  readonly connection: StreamState;
  readonly signals: Pick<ChatSignals, "marks" | "typing">;
  /** The name under which a message is shown: its draft's, so that it stays what it was. */
  keyOf(message: Message): string;
  message(number: number): Message | undefined;
  /** Resolves once the newest messages are there. @throws ApiError */
  loaded(): Promise<void>;
  loadOlder(): Promise<void>;
  send(message: NewMessage): Draft;
  retry(key: string): void;
  discard(key: string): void;
  /** Sends the text in the place of an earlier message, which begins a branch. */
  resubmit(number: number, text: string): Draft;
  /** The messages in whose place one stands, itself included, oldest first. */
  siblingsOf(number: number): readonly number[];
  /** Makes the branch active that goes on from this message, the one that was continued last. */
  showSibling(number: number): Promise<void>;
  readonly branches: readonly Branch[];
  switchBranch(branch: string): Promise<void>;
  /** Copies the path to a message into a chat of one's own. */
  fork(at: number): Promise<Chat>;
  /** This has been seen. */
  markRead(number: number): void;
  typing(): void;
  /** Tries at once what waits for the network. */
  wake(): void;
  /** Lets the stream go for as long as nobody looks. */
  pause(): void;
  resume(): void;
}

/** What the client knows of a view and others need not. */
export interface OwnChatView extends ChatView {
  takeEvent(event: string, data: Readonly<Record<string, unknown>>): void;
  tookDraft(draft: Draft, message: Message): void;
  changed(): void;
  vanish(): void;
}

export interface ChatViewOptions {
  readonly env: Environment;
  readonly api: Api;
  readonly number: number;
  readonly me: string;
  readonly heads: ChatHeads;
  readonly outbox: Outbox;
  readonly marks: Marks;
  readonly presence: PresenceBook;
  onClose(): void;
}

const isNotThere = ({ status }: ApiError): boolean => status === 404 || status === 403;
const isMessageEvent = (event: string): boolean => event === "message.created" || event === "message.changed";

export function createChatView(options: ChatViewOptions): OwnChatView {
  const { env, api, number, me, heads, outbox, marks } = options;
  const emitter = createEmitter<ChatViewEvents>();
  const onChange = coalesce(() => {
    if (!isClosed) emitter.emit("change", undefined);
  });
  /** Keys of drafts by the numbers that their messages got. */
  const keys = new Map<number, string>();
  let stream: EventStream | undefined;
  let isPaused = false;
  let isClosed = false;
  let isGone = false;
  /**
   * The revision of the last message that began a branch. That the branch is active now is an event of its own, and
   * the way may fail between the two.
   */
  let turnedAt = 0;
  let refusals = 0;
  let alarm = new AbortController();
  /** The newest message before the draft that is being sent. */
  const before = new Map<string, number>();

  const timeline = createTimeline({
    api,
    number,
    heads,
    onChange,
    onError: (cause) => emitter.emit("error", cause),
  });
  const signals = createChatSignals(env, onChange);
  const take = (messages: readonly Message[]): readonly Message[] => {
    const newest = timeline.tree.newest;
    return timeline.take(messages).filter((message) => message.number > newest);
  };
  const changes = createPendingChanges({
    env,
    api,
    path: `/chats/${number}/messages`,
    me,
    take: (message) => void take([message]),
    onChange,
  });

  const vanish = (): void => {
    if (isGone || isClosed) return;
    isGone = true;
    stream?.stop();
    heads.forget(number);
    emitter.emit("gone", undefined);
  };

  const arrive = (fresh: readonly Message[]): void => {
    for (const { sender } of fresh) if ("id" in sender) signals.stopTyping(sender.id);
    const others = fresh.filter(
      ({ sender, status }) => status !== "deleted" && !("id" in sender && sender.id === me),
    );
    if (timeline.isLoaded && others.length > 0) emitter.emit("arrival", others);
  };

  const takeEvent: OwnChatView["takeEvent"] = (event, data) => {
    if (isMessageEvent(event)) {
      const message = data["message"] as Message;
      if (event === "message.created" && message.branch === `b${message.number}`) turnedAt = message.revision;
      arrive(take([message]));
    } else if (event === "chat.changed") {
      if (data["removed"] === true) return vanish();
      heads.takeSettings(data as unknown as ChatSettings);
      timeline.settle();
      onChange();
    } else if (event === "typing") signals.takeTyping(String(data["user"]));
    else if (event === "read") {
      const { user, number: read, delivered } = data as { user: string; number: number; delivered: number };
      signals.takeMarks(user, { number: read, delivered });
      if (user === me) heads.takeRead(number, read);
    } else if (event === "presence") options.presence.take(data);
  };

  const follow = (since: number): void => {
    if (isClosed || isGone) return;
    stream = openEventStream({
      env,
      api,
      path: `/chats/${number}/events`,
      lastEventId: String(since),
      onEvent(told, id) {
        const data = JSON.parse(told.data) as Readonly<Record<string, unknown>>;
        emitter.emit("event", { id, event: told.event, data });
        takeEvent(told.event, data);
      },
      onState(state) {
        if (state === "open") refusals = 0;
        const isHalfTold = turnedAt > heads.settledThrough(number);
        if (state === "connecting" && isHalfTold) timeline.readHead().catch(() => undefined);
        onChange();
      },
      onRefused: (cause) => void followAgain(cause, Number(stream?.lastEventId ?? since)),
      async catchUp(signal) {
        return String(await timeline.catchUp(Number(stream?.lastEventId ?? since), signal));
      },
    });
    if (isPaused) stream.pause();
  };

  /** What streams are made of may lag behind an addition: whether one is a member, the chat itself says. */
  const followAgain = async (refusal: ApiError, since: number): Promise<void> => {
    if (!isNotThere(refusal)) return emitter.emit("error", refusal);
    try {
      await timeline.readHead();
    } catch (cause) {
      if (cause instanceof ApiError && isNotThere(cause)) return vanish();
    }
    refusals += 1;
    await pause(env, backoffMs(env, refusals), alarm.signal);
    follow(since);
  };

  const readMarks = async (): Promise<void> => {
    const { data } = await api.get<{ data: { user: string; number: number; delivered: number }[] }>(
      `/chats/${number}/reads`,
      { background: true },
    );
    for (const { user, ...told } of data) signals.takeMarks(user, told);
  };

  const open = async (): Promise<void> => {
    for (let failures = 1; ; failures += 1) {
      try {
        follow(await timeline.open());
        break;
      } catch (cause) {
        if (isClosed) return;
        if (!isTransient(cause)) {
          if (cause instanceof ApiError && isNotThere(cause)) vanish();
          throw cause;
        }
        emitter.emit("error", cause);
        await pause(env, backoffMs(env, failures), alarm.signal);
      }
    }
    await readMarks().catch(() => undefined);
  };
  const opening = open();
  opening.catch((cause: unknown) => {
    if (!isGone) emitter.emit("error", cause);
  });

  /** A message of one's own may be told before its answer has come: it then is the draft, and not another. */
  const claim = (draft: Draft): Message | undefined => {
    if (draft.state !== "sending") return undefined;
    if (!before.has(draft.key)) before.set(draft.key, timeline.tree.newest);
    const since = before.get(draft.key) ?? 0;
    for (let at = since + 1; at <= timeline.tree.newest; at += 1) {
      const message = timeline.tree.get(at);
      if (message === undefined || !("id" in message.sender) || message.sender.id !== me) continue;
      const isFree = (keys.get(at) ?? draft.key) === draft.key;
      if (isFree && message.text === (draft.message.text ?? message.text)) return message;
    }
    return undefined;
  };

  const draftsShown = (): readonly Draft[] =>
    outbox.of(number).filter((draft) => {
      const message = claim(draft);
      if (message !== undefined) keys.set(message.number, draft.key);
      return message === undefined;
    });

  /** What is sent in the place of an earlier message is shown there already. */
  const messagesShown = (): readonly Message[] => {
    const { messages } = timeline.path;
    const turn = draftsShown().find(
      ({ message, state }) => message.after !== undefined && state !== "failed",
    );
    const { after } = turn?.message ?? {};
    const upTo = after === undefined ? -1 : messages.findLastIndex((message) => message.number === after);
    const kept = after === undefined || (upTo === -1 && after !== 0) ? messages : messages.slice(0, upTo + 1);
    return kept.map(changes.shown);
  };

  const switchBranch = async (branch: string): Promise<void> => {
    const chat = await api.put<Chat>(`/chats/${number}/branch`, { branch });
    heads.take(chat);
    timeline.settle();
    onChange();
  };

  return {
    ...changes,
    on: emitter.on,
    number,
    signals,
    takeEvent,
    vanish,
    changed: onChange,
    tookDraft(draft, message) {
      for (const [at, key] of keys) if (key === draft.key && at !== message.number) keys.delete(at);
      keys.set(message.number, draft.key);
      before.delete(draft.key);
      take([message]);
    },
    get chat() {
      return heads.get(number);
    },
    get isLoaded() {
      return timeline.isLoaded;
    },
    get messages() {
      return messagesShown();
    },
    get drafts() {
      return draftsShown();
    },
    get hasOlder() {
      return timeline.path.before !== undefined;
    },
    get isLoadingOlder() {
      return timeline.isLoadingOlder;
    },
    get connection() {
      return stream?.state ?? "connecting";
    },
    get branches() {
      const activeBranch = heads.get(number)?.activeBranch;
      return timeline.tree.branches.map((branch) => ({ ...branch, active: branch.id === activeBranch }));
    },
    keyOf: (message) => keys.get(message.number) ?? `m${message.number}`,
    message: (at) => {
      const message = timeline.tree.get(at);
      return message === undefined ? undefined : changes.shown(message);
    },
    loaded: () => opening,
    loadOlder: timeline.loadOlder,
    send(message) {
      marks.written(number);
      return outbox.add(number, message);
    },
    retry: outbox.retry,
    discard: outbox.discard,
    resubmit: (at, text) => outbox.add(number, { text, after: timeline.tree.get(at)?.parent ?? 0 }),
    siblingsOf: timeline.tree.siblingsOf,
    async showSibling(at) {
      const branch = timeline.tree.latestThrough(at);
      if (branch !== undefined) await switchBranch(branch);
    },
    switchBranch,
    fork: (at) => api.post<Chat>(`/chats/${number}/forks`, { at }, { key: env.randomId() }),
    markRead(at) {
      heads.takeRead(number, at);
      marks.read(number, at);
    },
    typing: () => marks.typing(number),
    wake() {
      stream?.wake();
      alarm.abort();
      alarm = new AbortController();
    },
    pause() {
      isPaused = true;
      stream?.pause();
    },
    resume() {
      isPaused = false;
      stream?.resume();
    },
    close() {
      isClosed = true;
      alarm.abort();
      stream?.stop();
      timeline.close();
      changes.close();
      signals.close();
      options.onClose();
    },
  };
}
