import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type Parser, type ParserOptions, UnreadableError } from "./parser.ts";
import type { ThreadReply, ThreadRequest } from "./thread-messages.ts";

/** What a parser's objects may take; the elements that it is given are bounded. */
const HEAP_MIB_MAX = 256;
/** Of what is handed on at once; more would only be collected later. */
const YOUNG_MIB_MAX = 8;

/** A parser in a thread of its own, which ends with it. One thing is asked at a time. */
export function openParser(options: ParserOptions): Parser & AsyncDisposable {
  const thread = new Worker(new URL("./parse-thread.ts", import.meta.url), {
    workerData: options,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX, maxYoungGenerationSizeMb: YOUNG_MIB_MAX },
  });
  let failed: Error | undefined;
  thread.on("error", (cause) => {
    failed = cause as Error;
  });
  const ask = async (request: ThreadRequest) => {
    if (failed !== undefined) throw died(failed);
    const abort = new AbortController();
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- no window, but a thread
      thread.postMessage(request);
      const [reply] = (await once(thread, "message", { signal: abort.signal }).catch((cause: unknown) => {
        throw died(cause);
      })) as [ThreadReply];
      if ("parsed" in reply) return reply.parsed;
      throw reply.failure.isUnreadable
        ? new UnreadableError(reply.failure.message)
        : new Error(reply.failure.message);
    } finally {
      abort.abort();
    }
  };
  return {
    push: (chunk) => ask({ chunk }),
    end: () => ask({}),
    async [Symbol.asyncDispose]() {
      await thread.terminate();
    },
  };
}

/** `once` rejects when the worker has ended with an error: it was out of memory. */
const died = (cause: unknown): Error =>
  (cause as { code?: string }).code === "ERR_WORKER_OUT_OF_MEMORY"
    ? new UnreadableError("What stands there takes too much memory to be parsed.", { cause })
    : new Error("The parser has ended.", { cause });
