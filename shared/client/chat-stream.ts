import type { Message } from "../chat/contract.ts";
import type { Api } from "./api.ts";
import { ApiError, isTransient } from "./api-error.ts";
import type { ChatHeads } from "./chat-heads.ts";
import { backoffMs, type Environment, pause } from "./environment.ts";
import { type EventStream, openEventStream, type StreamState } from "./event-stream.ts";
import type { Timeline } from "./timeline.ts";

/** An event of the chat's stream. */
export interface ChatEvent {
  /** Where to resume after it. */
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What keeps a timeline up to date: read once, then followed. */
export interface ChatStream {
  readonly state: StreamState;
  /** Resolves once the newest messages are there; rejects when they can't be had, for good. */
  readonly opening: Promise<void>;
  wake(): void;
  pause(): void;
  resume(): void;
  stop(): void;
}

export interface ChatStreamOptions {
  readonly env: Environment;
  readonly api: Api;
  readonly number: number;
  readonly heads: ChatHeads;
  readonly timeline: Timeline;
  onEvent(event: ChatEvent): void;
  onState(): void;
  /** The chat is not there for this person. */
  onGone(): void;
  onError(cause: unknown): void;
}

const isNotThere = (cause: unknown): boolean =>
  cause instanceof ApiError && (cause.status === 404 || cause.status === 403);

export function openChatStream(options: ChatStreamOptions): ChatStream {
  const { env, api, number, heads, timeline } = options;
  let stream: EventStream | undefined;
  let isPaused = false;
  let isStopped = false;
  /**
   * The revision of the last message that began a branch. That the branch is active now is an event of its
   * own, and the way may fail between the two.
   */
  let turnedAt = 0;
  let refusals = 0;
  let alarm = new AbortController();

  /** The server tells only so much of what was missed; from this revision on it is paged through. */
  let owedFrom: number | undefined;
  let paying: Promise<void> | undefined;

  const pay = async (): Promise<void> => {
    for (let failures = 1; owedFrom !== undefined; failures += 1) {
      if (isStopped) return;
      const from = owedFrom;
      try {
        await timeline.catchUp(from, alarm.signal);
        // Meanwhile an earlier revision may have been named.
        if (owedFrom === from) owedFrom = undefined;
      } catch (cause) {
        if (isNotThere(cause)) return;
        if (!isStopped) await pause(env, backoffMs(env, failures), alarm.signal);
      }
    }
  };

  const take = (event: ChatEvent): void => {
    if (event.event === "catchup.skipped") {
      const revision = Number(event.data["revision"] ?? 0);
      owedFrom = Math.min(owedFrom ?? revision, revision);
      paying ??= pay().finally(() => {
        paying = undefined;
      });
      return;
    }
    const message = event.data["message"] as Message | undefined;
    const isTurn = event.event === "message.created" && message?.branch === `b${message?.number}`;
    if (isTurn) turnedAt = message?.revision ?? 0;
    options.onEvent(event);
  };

  const follow = (since: number): void => {
    if (isStopped) return;
    const reached = (): number => Number(stream?.lastEventId ?? since);
    stream = openEventStream({
      env,
      api,
      path: `/chats/${number}/events`,
      lastEventId: String(since),
      onEvent: ({ event, data }, id) => take({ id, event, data: JSON.parse(data) as ChatEvent["data"] }),
      onState(state) {
        if (state === "open") refusals = 0;
        const isHalfTold = turnedAt > heads.settledThrough(number);
        if (state === "connecting" && isHalfTold) timeline.readHead().catch(() => undefined);
        options.onState();
      },
      onRefused: (cause) => void followAgain(cause, reached()),
      catchUp: async (signal) => String(await timeline.catchUp(reached(), signal)),
    });
    if (isPaused) stream.pause();
  };

  /** What streams are made of may lag behind an addition: whether one is a member, the chat itself says. */
  const followAgain = async (refusal: ApiError, since: number): Promise<void> => {
    if (!isNotThere(refusal)) return options.onError(refusal);
    try {
      await timeline.readHead();
    } catch (cause) {
      if (isNotThere(cause)) return options.onGone();
    }
    refusals += 1;
    await pause(env, backoffMs(env, refusals), alarm.signal);
    follow(since);
  };

  const open = async (): Promise<void> => {
    for (let failures = 1; ; failures += 1) {
      try {
        return follow(await timeline.open());
      } catch (cause) {
        if (isStopped) return;
        if (!isTransient(cause)) {
          if (isNotThere(cause)) options.onGone();
          else options.onError(cause);
          throw cause;
        }
        options.onError(cause);
        await pause(env, backoffMs(env, failures), alarm.signal);
      }
    }
  };
  const opening = open();
  // Whoever waits for it hears of it; the others have been told.
  opening.catch(() => undefined);

  return {
    opening,
    get state() {
      return stream?.state ?? "connecting";
    },
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
    stop() {
      isStopped = true;
      alarm.abort();
      stream?.stop();
    },
  };
}
