import type { ServerResponse } from "node:http";
import type { StatusError } from "../kernel/status-error.ts";
import { errorBody } from "./failure.ts";
import { DRIP_BYTE_MS } from "./limits.ts";
import { pause } from "./pace.ts";
import type { CompletionCall } from "./request.ts";

export type FinishReason = "stop" | "length";

/** How an answer reaches the caller: as it comes, or at once when it is whole. */
export interface AnswerWriter {
  begin(): Promise<void>;
  text(tokens: readonly string[]): Promise<void>;
  end(finish: FinishReason): Promise<void>;
  fail(failure: StatusError): Promise<void>;
  /** From now on a byte at a time. */
  drip(): void;
}

interface WriterOptions {
  readonly call: CompletionCall;
  /** `chatcmpl-…` */
  readonly id: string;
  readonly createdSeconds: number;
  readonly response: ServerResponse;
  readonly gone: AbortSignal;
}

export const openWriter = (options: WriterOptions): AnswerWriter =>
  options.call.stream ? streamWriter(options) : wholeWriter(options);

function streamWriter({ call, id, createdSeconds, response, gone }: WriterOptions): AnswerWriter {
  const out = createOut(response, gone);
  let sent = 0;
  const chunk = (choices: readonly object[], usage: object | null): string => {
    const about = { id, object: "chat.completion.chunk", created: createdSeconds, model: call.model };
    const body = { ...about, system_fingerprint: null, choices, ...(call.includeUsage ? { usage } : {}) };
    return `data: ${JSON.stringify(body)}\n\n`;
  };
  const delta = (change: object, finish: FinishReason | null = null): string =>
    chunk([{ index: 0, delta: change, logprobs: null, finish_reason: finish }], null);
  return {
    async begin() {
      response.writeHead(200, {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
      });
      response.flushHeaders();
    },
    async text(tokens) {
      const first = sent === 0 ? delta({ role: "assistant", content: "", refusal: null }) : "";
      sent += tokens.length;
      await out.write(first + tokens.map((content) => delta({ content })).join(""));
    },
    async end(finish) {
      const usage = call.includeUsage ? chunk([], usageOf(call, sent)) : "";
      await out.write(`${delta({}, finish)}${usage}data: [DONE]\n\n`);
      response.end();
    },
    async fail(failure) {
      if (!response.headersSent) return sendError(response, failure);
      // The status is out, so the failure comes as the stream's last event.
      await out.write(`data: ${JSON.stringify(errorBody(failure))}\n\n`);
      response.end();
    },
    drip: out.drip,
  };
}

function wholeWriter({ call, id, createdSeconds, response, gone }: WriterOptions): AnswerWriter {
  const out = createOut(response, gone);
  const pieces: string[] = [];
  return {
    begin: () => Promise.resolve(),
    async text(tokens) {
      pieces.push(...tokens);
    },
    async end(finish) {
      const message = { role: "assistant", content: pieces.join(""), refusal: null, annotations: [] };
      const body = JSON.stringify({
        id,
        object: "chat.completion",
        created: createdSeconds,
        model: call.model,
        choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
        usage: usageOf(call, pieces.length),
        system_fingerprint: null,
      });
      response.writeHead(200, { "content-type": "application/json" });
      await out.write(body);
      response.end();
    },
    async fail(failure) {
      sendError(response, failure);
    },
    drip: out.drip,
  };
}

export const usageOf = ({ promptTokens }: CompletionCall, completionTokens: number): object => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
});

/** Writes no faster than the caller reads, and stops when the caller leaves. */
export function createOut(response: ServerResponse, gone: AbortSignal) {
  let partBytes = Infinity;
  let betweenMs = 0;
  const put = async (bytes: Buffer): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const leave = (): void => resolve();
    gone.addEventListener("abort", leave, { once: true });
    response.write(bytes, leave);
    await promise;
    gone.removeEventListener("abort", leave);
    gone.throwIfAborted();
  };
  return {
    async write(text: string): Promise<void> {
      const bytes = Buffer.from(text);
      if (partBytes === Infinity) return put(bytes);
      for (let at = 0; at < bytes.length; at += partBytes) {
        await pause(betweenMs, gone);
        await put(bytes.subarray(at, at + partBytes));
      }
    },
    drip(): void {
      partBytes = 1;
      betweenMs = DRIP_BYTE_MS;
    },
    /** From now on in parts of this size. */
    split(bytes: number): void {
      partBytes = bytes;
    },
  };
}

function sendError(response: ServerResponse, error: StatusError): void {
  if (response.destroyed) return;
  response.writeHead(error.httpStatus, { ...error.headers, "content-type": "application/json" });
  response.end(JSON.stringify(errorBody(error)));
}
