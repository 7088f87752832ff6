import { parentPort, workerData } from "node:worker_threads";
import { createParser, type ParserOptions, UnreadableError } from "./parser.ts";
import type { ThreadReply, ThreadRequest } from "./thread-messages.ts";

/** Parses in a thread of its own, so that the function's own goes on with what it has to write. */
const parser = createParser(workerData as ParserOptions);

async function replyTo({ chunk }: ThreadRequest): Promise<ThreadReply> {
  try {
    const { push, end } = await parser;
    return { parsed: chunk === undefined ? await end() : await push(Buffer.from(chunk)) };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return { failure: { message, isUnreadable: cause instanceof UnreadableError } };
  }
}

parentPort?.on("message", (request: ThreadRequest) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- no window, but a thread
  void replyTo(request).then((reply) => parentPort?.postMessage(reply));
});
