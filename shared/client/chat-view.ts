import type { Branch, Chat, Message, NewMessage } from "../chat/contract.ts";
import { type AnswerActions, createAnswers, isOpenAnswer } from "./answers.ts";
import type { Api } from "./api.ts";
import type { Arrangement } from "./arrangement.ts";
import type { ChatHeads, ChatSettings } from "./chat-heads.ts";
import { type ChatSignals, createChatSignals, type Typing } from "./chat-signals.ts";
import { type ChatEvent, openChatStream } from "./chat-stream.ts";
import { createDraftClaims } from "./draft-claims.ts";
import { coalesce, createEmitter, type Emitter } from "./emitter.ts";
import type { Environment, KeyValueStore } from "./environment.ts";
import type { StreamState } from "./event-stream.ts";
import { createExcursion } from "./excursion.ts";
import type { Marks } from "./marks.ts";
import type { Draft, Outbox } from "./outbox.ts";
import { createPendingChanges, type PendingChanges } from "./pending-changes.ts";
import type { PresenceBook } from "./presence-book.ts";
import { createThreadView, type OwnThreadView, type ThreadDraft, type ThreadView } from "./thread-view.ts";
import { createTimeline } from "./timeline.ts";
import { createUnsentText, type UnsentText } from "./unsent-text.ts";

/**
 * Longer than most: what a chat shows is one state that the stream, the list and one's own changes move, and
 * what has a state of its own stands in files of its own already.
 */

export interface ChatViewEvents {
  /** Something is other than it was; told once for all that one turn brings. */
  change: undefined;
  /** Others have written, just now; a model, once it has finished. */
  arrival: readonly Message[];
  /** The chat is no longer there for this person. */
  gone: undefined;
  /** What was missing could not be fetched. */
  error: unknown;
  /** Another device has changed the text that the person has begun. */
  unsent: string;
  /** What the stream tells, before it has any effect. */
  event: ChatEvent;
}

/** One chat as it is now, and what can be done to it. */
export interface ChatView extends Emitter<ChatViewEvents>, PendingChanges, AnswerActions {
  readonly number: number;
  /** Undefined until it has been read. */
  readonly chat: Chat | undefined;
  /** True once the newest messages are there. */
  readonly isLoaded: boolean;
  /**
   * The messages that lead to the end of the active branch, with changes that are on their way and answers as
   * far as they have come; or those around the one that is being visited. Oldest first.
   */
  readonly messages: readonly Message[];
  /** What this person has written and the server not yet confirmed. */
  readonly drafts: readonly Draft[];
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  readonly connection: StreamState;
  /** What the person has begun to write here, on whichever device. Sending it clears it. */
  readonly unsent: Pick<UnsentText, "text" | "write" | "flush">;
  readonly signals: Pick<ChatSignals, "marks" | "typing">;
  /** The name under which a message is shown: its draft's, so that it stays what it was. */
  keyOf(message: Message): string;
  message(number: number): Message | undefined;
  /** Resolves once the newest messages are there. @throws ApiError */
  loaded(): Promise<void>;
  loadOlder(): Promise<void>;
  /** Shows a message wherever in the chat it is, with what stands around it. @throws ApiError */
  visit(message: Pick<Message, "number" | "branch">): Promise<void>;
  /** What is shown does not reach to the end: a visit that has not led back there yet. */
  readonly isAway: boolean;
  /** Goes on from what is visited towards the end, where it is over by itself. @throws ApiError */
  loadNewer(): Promise<void>;
  /** Back to the end. */
  return(): void;
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
  /** The thread that begins with this message. */
  openThread(root: number): ThreadView;
  /** This has been seen. */
  markRead(number: number): void;
  typing(): void;
  /** What was being typed is given up. */
  stopTyping(): void;
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
  readonly arrangement: Pick<Arrangement, "arrange">;
  readonly store: KeyValueStore;
  /** What the store's keys of begun texts begin with. */
  readonly unsentPrefix: string;
  onClose(): void;
}

/** How far somebody is. */
interface Told {
  readonly user: string;
  readonly number: number;
  readonly delivered: number;
}

const isMessageEvent = (event: string): boolean => event === "message.created" || event === "message.changed";

export function createChatView(options: ChatViewOptions): OwnChatView {
  const { env, api, number, me, heads, outbox, marks } = options;
  const emitter = createEmitter<ChatViewEvents>();
  const onChange = coalesce(() => {
    if (!isClosed) emitter.emit("change", undefined);
  });
  let isClosed = false;
  let isGone = false;
  const onError = (cause: unknown): void => emitter.emit("error", cause);
  const timeline = createTimeline({ api, number, heads, onChange, onError });
  const { tree } = timeline;
  const signals = createChatSignals(env, onChange);
  const claims = createDraftClaims(tree, me);
  const changes = createPendingChanges({
    env,
    api,
    path: `/chats/${number}/messages`,
    me,
    current: (at) => tree.get(at),
    take: (message) => void timeline.take([message]),
    onChange,
  });

  const answers = createAnswers({
    env,
    api,
    path: `/chats/${number}/messages`,
    isKnown: (at) => tree.get(at) !== undefined,
    take: (message) => takeMessage(message),
    onChange,
  });
  const isOnPath = (at: number): boolean => timeline.path.messages.some((message) => message.number === at);
  const excursion = createExcursion({
    api,
    path: `/chats/${number}/messages`,
    tree,
    active: () => heads.get(number)?.activeBranch ?? "main",
    isOnPath,
    onChange,
  });

  const unsent = createUnsentText({
    env,
    store: options.store,
    key: `${options.unsentPrefix}${number}`,
    told: () => heads.get(number),
    put: (text, keepalive) => api.put(`/chats/${number}/draft`, { text }, { background: true, keepalive }),
    readWhole: () => api.get<Chat>(`/chats/${number}`, { background: true }),
    onText: (text) => emitter.emit("unsent", text),
  });
  const threads = new Set<OwnThreadView>();
  /** Whoever looks anew has seen what they had marked as unread; a mark set meanwhile elsewhere stays. */
  let isFirstLook = true;

  const vanish = (): void => {
    if (isGone || isClosed) return;
    isGone = true;
    stream.stop();
    heads.forget(number);
    emitter.emit("gone", undefined);
  };

  const takeMessage = (message: Message): void => {
    const { newest } = tree;
    const before = tree.get(message.number);
    const isFinished = before !== undefined && isOpenAnswer(before);
    const isNews = timeline.take([message]).length > 0 && message.number > newest;
    const { sender, status } = message;
    if (isOpenAnswer(message) || !(isNews || isFinished)) return;
    if ("id" in sender) signals.stopTyping(sender.id);
    const isMine = "id" in sender && sender.id === me;
    if (timeline.isLoaded && !isMine && status !== "deleted") emitter.emit("arrival", [message]);
  };

  const takeEvent: OwnChatView["takeEvent"] = (event, data) => {
    if (isMessageEvent(event)) takeMessage(data["message"] as Message);
    else if (event.startsWith("answer.")) answers.takeEvent(event, data);
    else if (event === "chat.changed") {
      heads.takeSettings(data as unknown as ChatSettings);
      timeline.settle();
      onChange();
    } else if (event === "typing") signals.takeTyping(data as unknown as Typing);
    else if (event === "read") {
      const { user, number: read, delivered } = data as unknown as Told;
      signals.takeMarks(user, { number: read, delivered });
      if (user === me) heads.takeRead(number, read);
    } else if (event === "chat.own") {
      const draft = data["threadDraft"] as ThreadDraft | undefined;
      for (const thread of threads) if (thread.root === draft?.thread) thread.takeDraft(draft);
    } else if (event === "presence") options.presence.take(data);
  };

  const stream = openChatStream({
    env,
    api,
    number,
    heads,
    timeline,
    onEvent(event) {
      emitter.emit("event", event);
      takeEvent(event.event, event.data);
    },
    onState: onChange,
    onGone: () => vanish(),
    onError,
  });

  const readMarks = async (): Promise<void> => {
    const { data } = await api.get<{ data: Told[] }>(`/chats/${number}/reads`, { background: true });
    for (const { user, ...told } of data) signals.takeMarks(user, told);
  };
  // Events bring what they lack in time.
  stream.opening.then(readMarks).catch(() => undefined);

  const draftsShown = (): readonly Draft[] => claims.shown(outbox.of(number));

  const shown = (message: Message): Message => changes.shown(answers.shown(message));

  /** What is sent in the place of an earlier message is shown there already. */
  const messagesShown = (): readonly Message[] => {
    const { messages } = timeline.path;
    const turn = draftsShown().find(
      ({ message, state }) => message.after !== undefined && state !== "failed",
    );
    const { after } = turn?.message ?? {};
    const upTo = after === undefined ? -1 : messages.findLastIndex((message) => message.number === after);
    const kept = after === undefined || (upTo === -1 && after !== 0) ? messages : messages.slice(0, upTo + 1);
    return kept.map(shown);
  };

  const send: ChatView["send"] = (message) => {
    excursion.end();
    marks.written(number);
    if (message.text !== undefined && message.text === unsent.text.trim()) unsent.clear();
    return outbox.add(number, message);
  };

  const switchBranch = async (branch: string): Promise<void> => {
    heads.take(await api.put<Chat>(`/chats/${number}/branch`, { branch }));
    excursion.end();
    timeline.settle();
    onChange();
  };

  const { takeEvent: _takeEvent, shown: _shown, ...answerActions } = answers;
  const view: OwnChatView = {
    ...changes,
    ...answerActions,
    on: emitter.on,
    number,
    signals,
    unsent,
    takeEvent,
    vanish,
    changed() {
      unsent.look();
      onChange();
    },
    tookDraft(draft, message) {
      claims.took(draft, message);
      timeline.take([message]);
    },
    get chat() {
      return heads.get(number);
    },
    get isLoaded() {
      return timeline.isLoaded;
    },
    get messages() {
      return excursion.messages?.map(shown) ?? messagesShown();
    },
    get drafts() {
      return draftsShown();
    },
    get hasOlder() {
      return excursion.messages === undefined ? timeline.path.before !== undefined : excursion.hasOlder;
    },
    get isLoadingOlder() {
      return timeline.isLoadingOlder || excursion.isLoading;
    },
    get isAway() {
      return excursion.messages !== undefined;
    },
    get connection() {
      return stream.state;
    },
    get branches() {
      const activeBranch = heads.get(number)?.activeBranch;
      return tree.branches.map((branch) => ({ ...branch, active: branch.id === activeBranch }));
    },
    keyOf: claims.keyOf,
    message: (at) => {
      const message = tree.get(at);
      return message === undefined ? undefined : shown(message);
    },
    loaded: () => stream.opening,
    loadOlder: () => (excursion.messages === undefined ? timeline.loadOlder() : excursion.loadOlder()),
    async visit(message) {
      await stream.opening;
      if (isOnPath(message.number)) excursion.end();
      else await excursion.begin(message);
    },
    loadNewer: excursion.loadNewer,
    return: excursion.end,
    send,
    retry: outbox.retry,
    discard: outbox.discard,
    resubmit(at, text) {
      const { parent, replyTo, parts } = tree.get(at) ?? {};
      // What was deleted meanwhile can't be replied to again.
      const quotes = parts?.some((part) => part.type === "quote" && part.text !== "") === true;
      return send({ text, after: parent ?? 0, ...(quotes && replyTo !== undefined ? { replyTo } : {}) });
    },
    siblingsOf: tree.siblingsOf,
    async showSibling(at) {
      // A message that begins a branch is told before the branches that were there have been read.
      await timeline.settled();
      const branch = tree.latestThrough(at);
      if (branch !== undefined) await switchBranch(branch);
    },
    switchBranch,
    openThread(root) {
      const thread = createThreadView({
        env,
        api,
        view,
        tree,
        root,
        store: options.store,
        unsentPrefix: options.unsentPrefix,
        send(message) {
          marks.written(number);
          return outbox.add(number, message);
        },
        onClose: () => threads.delete(thread),
      });
      threads.add(thread);
      return thread;
    },
    fork: (at) => api.post<Chat>(`/chats/${number}/forks`, { at }, { key: env.randomId() }),
    markRead(at) {
      const isMarked = isFirstLook && heads.get(number)?.markedUnread === true;
      isFirstLook = false;
      heads.takeRead(number, at);
      marks.read(number, at);
      if (isMarked) options.arrangement.arrange(number, { markedUnread: false }).catch(() => undefined);
    },
    typing: () => marks.typing(number),
    stopTyping: () => marks.stopTyping(number),
    wake: stream.wake,
    pause() {
      unsent.flush();
      stream.pause();
    },
    resume() {
      isFirstLook = true;
      stream.resume();
    },
    close() {
      isClosed = true;
      unsent.close();
      stream.stop();
      timeline.close();
      changes.close();
      signals.close();
      options.onClose();
    },
  };
  return view;
}
