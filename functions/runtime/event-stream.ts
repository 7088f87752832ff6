import type { ServerResponse } from "node:http";
import type { App } from "../../shared/identity/app.ts";
import type { Principal } from "../../shared/identity/principal.ts";
import type { Spend } from "../../shared/identity/spend.ts";
import {
  BUFFER_BYTES_MAX,
  HEARTBEAT_MS,
  INLINE_STREAM_MS_MAX,
  type LiveEvent,
  ROOM_BYTES,
  type Sink,
  STREAM_MS_MAX,
  STREAM_MS_MIN,
} from "../../shared/live/contract.ts";
import type { OpenStreams, StreamOptions } from "./open-streams.ts";
import type { Reply } from "./reply.ts";

/** How soon a client whose stream has ended comes back: not all of an instance's at once. */
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 3_000;

/** How a stream says things; each word of it is a server-sent event or several. */
export interface StreamForm {
  readonly headers: Readonly<Record<string, string>>;
  first(): string;
  frame(event: LiveEvent): string;
  /** That the reader is to come back; undefined: one whose connection is cut does. */
  readonly reconnect: string | undefined;
  /** That all has been told. */
  readonly finish: string;
}

const SERVER_SENT_EVENTS: StreamForm = {
  headers: {},
  first: () => `retry: ${between(RETRY_MS_MIN, RETRY_MS_MAX)}\n\n`,
  frame: ({ id, event, data }) =>
    `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
  reconnect: "event: reconnect\ndata: {}\n\n",
  finish: "",
};

export interface StreamOpener {
  readonly deps: { readonly openStreams: OpenStreams };
  readonly app: App;
  readonly principal: Principal;
  readonly spend: Spend;
}

/**
 * Replies with server-sent events (WHATWG). The subscription is made before the headers are sent, so its
 * refusal is still an ordinary problem; what it tells of the past it tells as fast as the reader reads. A
 * comment every HEARTBEAT_MS shows that the stream lives. A reader that leaves more than BUFFER_BYTES_MAX
 * unread, or reads nothing from one heartbeat to the next, is cut off. The stream ends itself, with a word to
 * come back, before the platform would, when the instance ends, and when what it was opened by is revoked.
 * @throws AppError `quota_exceeded` when too many are open, and whatever `subscribe` throws
 */
export async function eventStream(
  { deps, app, principal, spend }: StreamOpener,
  subscribe: (sink: Sink) => Promise<() => void>,
  { form = SERVER_SENT_EVENTS, ...options }: StreamOptions & { readonly form?: StreamForm } = {},
): Promise<Reply> {
  const writer = createWriter(spend, form);
  const leave = await deps.openStreams.open(app, principal, writer.end, options);
  let unsubscribe: () => void;
  try {
    unsubscribe = await subscribe(writer);
  } catch (cause) {
    leave();
    throw cause;
  }
  const stop = (): void => {
    leave();
    unsubscribe();
    writer.abandon();
  };
  return {
    status: 200,
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      ...form.headers,
    },
    stream(response) {
      // The response has closed already, and emits no further `close`; or it is one without a body (HEAD).
      if (response.destroyed || response.writableEnded) return stop();
      const heartbeat = setInterval(writer.beat, HEARTBEAT_MS);
      const limit = setTimeout(
        writer.end,
        options.isOfThisInstance ? INLINE_STREAM_MS_MAX : between(STREAM_MS_MIN, STREAM_MS_MAX),
      );
      response.on("close", () => {
        clearInterval(heartbeat);
        clearTimeout(limit);
        stop();
      });
      writer.attach(response, form.first());
    },
  };
}

/** A whole number at random. */
const between = (min: number, max: number): number => min + Math.floor(Math.random() * (max - min));

interface Writer extends Sink {
  attach(response: ServerResponse, first: string): void;
  beat(): void;
  /** Nobody reads any more: whoever waits for room goes on, and finds the stream closed. */
  abandon(): void;
}

function createWriter(pay: Spend, form: StreamForm): Writer {
  let waiting = "";
  let target: ServerResponse | undefined;
  let isEnded = false;
  let wakers: { readonly bytes: number; wake(): void }[] = [];
  /** What the socket had sent at the last heartbeat. */
  let sentBytes = -1;

  const unread = (): number => target?.writableLength ?? waiting.length;
  const isClosed = (): boolean => isEnded || target?.destroyed === true;
  const wake = (): void => {
    const bytes = isClosed() ? 0 : unread();
    const woken = wakers.filter((waker) => bytes <= waker.bytes);
    wakers = wakers.filter((waker) => bytes > waker.bytes);
    for (const waker of woken) waker.wake();
  };

  const write = (text: string): number => {
    if (isClosed()) return 0;
    if (target === undefined) waiting += text;
    // One event may be large; who has not read those before it reads too slowly.
    else if (target.writableLength > BUFFER_BYTES_MAX) target.destroy();
    else target.write(text, wake);
    return text.length;
  };
  const close = (word: string | undefined): void => {
    if (isEnded) return;
    if (word !== undefined && word !== "") write(word);
    isEnded = true;
    if (word === undefined) target?.destroy();
    else target?.end();
    wake();
  };

  return {
    send: (events) => write(events.map((event) => form.frame(event)).join("")),
    // Without data it is no event, and sets the last event id all the same.
    setLastId: (id) => void write(`id: ${id}\n\n`),
    end: () => close(form.reconnect),
    finish: () => close(form.finish),
    pay,
    get isOpen() {
      return !isClosed();
    },
    room(bytes = ROOM_BYTES) {
      if (isClosed() || (target !== undefined && unread() <= bytes)) return Promise.resolve();
      return new Promise((resolve) => void wakers.push({ bytes, wake: resolve }));
    },
    attach(response, first) {
      target = response;
      response.write(first + waiting, wake);
      waiting = "";
      if (isEnded) response.end();
    },
    beat() {
      const sent = target?.socket?.bytesWritten ?? 0;
      if (target !== undefined && target.writableLength > 0 && sent === sentBytes) target.destroy();
      else write(": still here\n\n");
      sentBytes = sent;
    },
    abandon() {
      isEnded = true;
      wake();
    },
  };
}
