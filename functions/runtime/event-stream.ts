import type { ServerResponse } from "node:http";
import {
  BUFFER_BYTES_MAX,
  HEARTBEAT_MS,
  type LiveEvent,
  type Sink,
  STREAM_MS_MAX,
} from "../../shared/live/contract.ts";
import type { Reply } from "./reply.ts";

/** How soon a client whose stream has ended comes back. */
const RETRY_MS = 1_000;

/**
 * Replies with server-sent events (WHATWG). The subscription is made before the headers are sent, so its
 * refusal is still an ordinary problem. A comment every HEARTBEAT_MS shows that the stream lives; a reader
 * that leaves more than BUFFER_BYTES_MAX unread is cut off, and the stream ends itself, with a word to come
 * back, before the platform would.
 */
export async function eventStream(subscribe: (sink: Sink) => Promise<() => void>): Promise<Reply> {
  let waiting = "";
  let target: ServerResponse | undefined;
  let isEnded = false;
  const write = (text: string): void => {
    if (target === undefined) {
      waiting += text;
      return;
    }
    target.write(text);
    if (target.writableLength > BUFFER_BYTES_MAX) target.destroy();
  };
  const close = (word: string): void => {
    if (isEnded) return;
    isEnded = true;
    if (word !== "") write(word);
    target?.end();
  };
  const end = (): void => close("event: reconnect\ndata: {}\n\n");
  const unsubscribe = await subscribe({
    send: (events) => write(events.map(frame).join("")),
    // Without data it is no event, and sets the last event id all the same.
    setLastId: (id) => write(`id: ${id}\n\n`),
    end,
    finish: () => close(""),
  });
  return {
    status: 200,
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    },
    stream(response) {
      // The response has closed already, and emits no further `close`.
      if (response.destroyed) return unsubscribe();
      const heartbeat = setInterval(() => write(": still here\n\n"), HEARTBEAT_MS);
      const limit = setTimeout(end, STREAM_MS_MAX);
      response.on("close", () => {
        clearInterval(heartbeat);
        clearTimeout(limit);
        unsubscribe();
      });
      target = response;
      response.write(`retry: ${RETRY_MS}\n\n${waiting}`);
      if (isEnded) response.end();
    },
  };
}

const frame = ({ id, event, data }: LiveEvent): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
