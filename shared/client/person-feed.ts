import type { Chat, Message } from "../chat/contract.ts";
import type { Api } from "./api.ts";
import { ApiError, isTransient } from "./api-error.ts";
import type { ChatHeads, ChatSettings, OwnSettings } from "./chat-heads.ts";
import { backoffMs, type Environment, pause } from "./environment.ts";
import { openEventStream, type StreamState } from "./event-stream.ts";

/** One stream of everything that happens in any of the person's chats. */
export interface PersonFeed {
  readonly state: StreamState;
  /** Resolves once changes are followed, or can't be for now. */
  readonly following: Promise<void>;
  wake(): void;
  pause(): void;
  resume(): void;
  close(): void;
}

type Told = Readonly<Record<string, unknown>>;

export interface PersonFeedOptions {
  readonly env: Environment;
  readonly api: Api;
  readonly me: string;
  readonly heads: ChatHeads;
  /** What happened in a chat, for those who have it open. */
  onEvent(chat: number, event: string, data: Told): void;
  onPresence(data: Told): void;
  /** How the person has arranged a chat, here or elsewhere. */
  onOwn(settings: OwnSettings): void;
  /** An import or export of the person's is other than it was. */
  onJob(data: Told): void;
  /** Somebody else's message has reached this device. */
  onDelivered(chat: number, message: Message): void;
  /** The person is no member of it any more, or it has been deleted. */
  onRemoved(chat: number): void;
  onState(): void;
  /** No stream can be had: reads anew what is shown. */
  refresh(): Promise<void>;
  /** Chats have been brought of which nobody tells. */
  readBrought(): Promise<void>;
}

export function openPersonFeed(options: PersonFeedOptions): PersonFeed {
  const { env, api, me, heads } = options;
  const { promise: following, resolve } = Promise.withResolvers<void>();
  /** Chats that are being read because something happened in them and nothing was known of them. */
  const reading = new Map<number, Promise<void>>();
  const ending = new AbortController();

  const read = (chat: number): Promise<void> => {
    const known = reading.get(chat);
    if (known !== undefined) return known;
    const asOf = heads.moment();
    const done = api
      .get<Chat>(`/chats/${chat}`, { background: true, signal: ending.signal })
      .then((found) => heads.take(found, asOf))
      // Not there any more; or the next event tries again.
      .catch(() => undefined)
      .finally(() => reading.delete(chat));
    reading.set(chat, done);
    return done;
  };

  /** Events that come while the chat is being read may be later than what is read. */
  const withHead = (chat: number, take: () => void): void => {
    if (heads.get(chat) !== undefined) take();
    else void read(chat).then(take);
  };

  const takeMessage = (chat: number, event: string, data: Told): void => {
    const message = data["message"] as Message;
    withHead(chat, () => heads.takeMessage(chat, message));
    const isMine = "id" in message.sender && message.sender.id === me;
    if (event === "message.created" && !isMine) options.onDelivered(chat, message);
  };

  /**
   * A removal may be told late, and the person be a member again: the chat itself says. It is asked until it
   * answers, as a removal is told once.
   */
  const confirmRemoval = async (chat: number): Promise<void> => {
    for (let failures = 1; !ending.signal.aborted; failures += 1) {
      try {
        const asOf = heads.moment();
        const found = await api.get<Chat>(`/chats/${chat}`, { background: true, signal: ending.signal });
        return heads.take(found, asOf);
      } catch (cause) {
        if (!(cause instanceof ApiError)) return;
        if (!cause.isTransient) {
          // What was read before the removal must not bring the chat back.
          await reading.get(chat);
          heads.forget(chat);
          return options.onRemoved(chat);
        }
        await pause(env, backoffMs(env, failures), ending.signal);
      }
    }
  };

  /**
   * More was missed than the stream tells: the chat's head says what it has come to, the list which chats.
   */
  const takeSkipped = (chat: unknown): void => {
    if (typeof chat === "number") void read(chat);
    else void untilDone(options.refresh);
  };
  const untilDone = async (work: () => Promise<void>): Promise<void> => {
    for (let failures = 1; !ending.signal.aborted; failures += 1) {
      try {
        return await work();
      } catch (cause) {
        if (!isTransient(cause)) return;
        await pause(env, backoffMs(env, failures), ending.signal);
      }
    }
  };

  const take = (event: string, data: Told): void => {
    if (event === "presence") return options.onPresence(data);
    if (event === "job.changed") {
      if (hasBrought(data)) void untilDone(options.readBrought);
      return options.onJob(data);
    }
    if (event === "catchup.skipped") return takeSkipped(data["chat"]);
    const chat = Number(data["chat"]);
    if (event === "chat.changed" && data["removed"] === true) return void confirmRemoval(chat);
    if (event === "chat.own") withHead(chat, () => options.onOwn(data as unknown as OwnSettings));
    if (event === "chat.changed") withHead(chat, () => heads.takeSettings(data as unknown as ChatSettings));
    if (event === "message.created" || event === "message.changed") takeMessage(chat, event, data);
    if (event === "read" && data["user"] === me)
      withHead(chat, () => heads.takeRead(chat, Number(data["number"])));
    options.onEvent(chat, event, data);
  };

  const stream = openEventStream({
    env,
    api,
    path: "/events",
    onEvent: ({ event, data }) => take(event, JSON.parse(data) as Told),
    onState(state) {
      if (state !== "connecting") resolve();
      options.onState();
    },
    // Signed out: whoever watches the session knows.
    onRefused: () => resolve(),
    async catchUp() {
      await options.refresh();
      return undefined;
    },
  });

  return {
    following,
    get state() {
      return stream.state;
    },
    wake: stream.wake,
    pause: stream.pause,
    resume: stream.resume,
    close() {
      ending.abort();
      stream.stop();
    },
  };
}

/** An import that is over has brought chats, even where it was cancelled or has failed. */
const hasBrought = ({ kind, state, input }: Told): boolean =>
  kind === "import" &&
  (state === "completed" || state === "failed") &&
  (input as Told | undefined)?.["dryRun"] !== true;
