import type { Api } from "./api.ts";
import { ApiError, isTransient } from "./api-error.ts";
import { backoffMs, type Environment, pause } from "./environment.ts";
import { createEventParser, type StreamEvent } from "./event-parser.ts";
import { unreachable } from "./send.ts";

/** `open`: what happens is told at once. `waiting`: the way has failed, it will be tried again. */
export type StreamState = "connecting" | "open" | "waiting" | "paused" | "ended";

export interface EventStream {
  readonly state: StreamState;
  readonly lastEventId: string | undefined;
  /** Tries again at once: the network is back, or somebody looks. */
  wake(): void;
  /** Lets the connection go until resume; what is missed is told then. */
  pause(): void;
  resume(): void;
  stop(): void;
}

export interface EventStreamOptions {
  readonly env: Environment;
  readonly api: Api;
  readonly path: string;
  /** From where on; without it only what comes is told. */
  readonly lastEventId?: string | undefined;
  /** `id`: where to resume after this event. */
  onEvent(event: StreamEvent, id: string | undefined): void;
  onState(state: StreamState): void;
  /** The stream says no, for good: signed out, no longer a member. */
  onRefused(cause: ApiError): void;
  /**
   * Streams can't be had, though perhaps answers can: brings everything up to date without them, and says
   * from where a stream would go on.
   */
  catchUp(signal: AbortSignal): Promise<string | undefined>;
}

/** The server sends a comment every 15 s; after so long without a byte the connection is dead. */
export const SILENCE_MS_MAX = 40_000;
/**
 * After so many failures in a row it may be streams alone that fail, such as in front of a buffering proxy.
 */
const FAILURES_BEFORE_CATCH_UP = 2;
const RETRY_MS_DEFAULT = 1_000;

/**
 * Follows a stream of server-sent events for as long as it is wanted, over as many connections as that takes.
 * By fetch and not by EventSource, which can't send the access token.
 */
export function openEventStream(options: EventStreamOptions): EventStream {
  const { env, api, path, onState } = options;
  let state: StreamState = "connecting";
  let lastEventId = options.lastEventId;
  let retryMs = RETRY_MS_DEFAULT;
  let failures = 0;
  let isPaused = false;
  let isStopped = false;
  /** Ends the connection, or the wait for the next. */
  let interrupt = new AbortController();
  let running: Promise<void> | undefined;

  const become = (next: StreamState): void => {
    if (next === state) return;
    state = next;
    onState(next);
  };

  const connect = async (signal: AbortSignal): Promise<void> => {
    become("connecting");
    const dead = new AbortController();
    const both = AbortSignal.any([signal, dead.signal]);
    let cancel = env.after(SILENCE_MS_MAX, () => dead.abort());
    const headers: Record<string, string> = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
    try {
      const response = await api.open(path, { headers, signal: both });
      const parser = createEventParser((event) => {
        lastEventId = parser.lastEventId ?? lastEventId;
        if (event.event !== "reconnect") options.onEvent(event, lastEventId);
      });
      for await (const text of textOf(response)) {
        cancel();
        cancel = env.after(SILENCE_MS_MAX, () => dead.abort());
        if (isStopped) return;
        parser.push(text);
        lastEventId = parser.lastEventId ?? lastEventId;
        retryMs = parser.retryMs ?? retryMs;
        failures = 0;
        become("open");
      }
    } catch (cause) {
      if (signal.aborted) return;
      throw dead.signal.aborted ? new ApiError(0, { detail: "The stream fell silent." }, 0, cause) : cause;
    } finally {
      cancel();
    }
  };

  /** What to do about a connection that failed. Answers with how long to wait, undefined to give up. */
  const recover = async (cause: unknown, signal: AbortSignal): Promise<number | undefined> => {
    const error = cause instanceof ApiError ? cause : unreachable(cause);
    if (!(error instanceof ApiError) || !isTransient(error)) {
      options.onRefused(error instanceof ApiError ? error : new ApiError(0, {}, 0, cause));
      return undefined;
    }
    failures += 1;
    become("waiting");
    if (failures >= FAILURES_BEFORE_CATCH_UP) {
      // Where this fails too the network is gone, and the next try will show when it is back.
      lastEventId = (await options.catchUp(signal).catch(() => undefined)) ?? lastEventId;
    }
    return Math.max(backoffMs(env, failures), error.retryAfterSeconds * 1000);
  };

  const isWanted = (): boolean => !isStopped && !isPaused;
  const run = async (): Promise<void> => {
    while (isWanted()) {
      interrupt = new AbortController();
      const { signal } = interrupt;
      // An ended stream is come back to at a moment of its own, or all readers of an instance would come at
      // once.
      let waitMs: number | undefined = retryMs * env.random();
      try {
        await connect(signal);
      } catch (cause) {
        waitMs = await recover(cause, signal);
      }
      if (waitMs === undefined) isStopped = true;
      else if (!signal.aborted) await pause(env, waitMs, signal);
    }
    if (isStopped) become("ended");
  };

  const start = (): void => {
    running ??= run().finally(() => {
      running = undefined;
      if (isWanted()) start();
    });
  };
  start();

  return {
    get state() {
      return state;
    },
    get lastEventId() {
      return lastEventId;
    },
    wake() {
      if (state === "waiting") interrupt.abort();
    },
    pause() {
      if (isStopped) return;
      isPaused = true;
      interrupt.abort();
      become("paused");
    },
    resume() {
      isPaused = false;
      if (!isStopped) start();
    },
    stop() {
      isStopped = true;
      interrupt.abort();
    },
  };
}

/** What a body says, piece by piece; characters that are cut between pieces are whole. */
export async function* textOf(response: Response): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
  } finally {
    // The connection may be gone already.
    await reader.cancel().catch(() => undefined);
  }
}
