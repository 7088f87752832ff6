import type { ServerResponse } from "node:http";
import type { Fault } from "../kernel/faults.ts";
import { answerTo } from "./answer.ts";
import type { CallInFlight } from "./calls.ts";
import { plannedFailure, rateLimited, serverFailure } from "./failure.ts";
import { inPace, untilGone } from "./pace.ts";
import type { CompletionCall } from "./request.ts";
import type { ModelSettings } from "./settings.ts";
import { tokensOf } from "./tokens.ts";
import { type AnswerWriter, type FinishReason, openWriter } from "./writer.ts";

export interface Completion {
  readonly call: CompletionCall;
  readonly settings: ModelSettings;
  /** A planned fault, other than a delay. */
  readonly fault: Fault | undefined;
  readonly id: string;
  readonly createdSeconds: number;
  readonly record: CallInFlight;
  readonly response: ServerResponse;
}

/** Answers a call at the model's pace, or lets befall it what is set; resolves when the call is over. */
export async function complete(completion: Completion): Promise<void> {
  const { response, record } = completion;
  const caller = new AbortController();
  const hangUp = (): void => caller.abort();
  response.once("close", hangUp);
  if (response.destroyed) hangUp();
  try {
    await perform(completion, openWriter({ ...completion, gone: caller.signal }), caller.signal);
  } catch (cause) {
    if (!caller.signal.aborted) throw cause;
  } finally {
    response.removeListener("close", hangUp);
    record.end(caller.signal.aborted ? "hung up" : "failed");
  }
}

async function perform(completion: Completion, writer: AnswerWriter, gone: AbortSignal): Promise<void> {
  const { call, settings, fault, record } = completion;
  const { tokens, finish } = answerOf(call);
  if (fault?.kind === "hang") return untilGone(gone);
  if (fault?.kind === "drop") return drop(completion);
  if (fault?.kind === "before") return writer.fail(plannedFailure(fault.code, call.model));
  if (fault?.kind === "after") {
    record.sent(tokens.length);
    return writer.fail(plannedFailure(fault.code, call.model));
  }
  const breaksAt = settings.fault === undefined ? undefined : (settings.after ?? 0);
  const isBroken = breaksAt !== undefined && breaksAt <= tokens.length;
  const say = async (part: readonly string[], firstTokenMs: number): Promise<void> => {
    const pace = { firstTokenMs, tokensPerSecond: settings.tokensPerSecond };
    for await (const batch of inPace(part, pace, gone)) {
      await writer.text(batch);
      record.sent(batch.length);
    }
  };
  if (!isBroken || breaksAt > 0 || settings.fault === "drip") await writer.begin();
  if (!isBroken || breaksAt > 0)
    await say(isBroken ? tokens.slice(0, breaksAt) : tokens, settings.firstTokenMs);
  if (isBroken) {
    if (settings.fault === "hang") return untilGone(gone);
    if (settings.fault === "drop") return drop(completion);
    if (settings.fault === "429") return writer.fail(rateLimited(call.model));
    if (settings.fault === "500") return writer.fail(serverFailure());
    writer.drip();
    await say(tokens.slice(breaksAt), breaksAt === 0 ? settings.firstTokenMs : 0);
  }
  await writer.end(finish);
  record.end(finish);
}

/** The connection breaks, and it was not the caller's doing. */
function drop({ record, response }: Completion): void {
  record.end("failed");
  response.destroy();
}

function answerOf({ model, turns, stops, tokensMax }: CompletionCall): {
  readonly tokens: readonly string[];
  readonly finish: FinishReason;
} {
  const whole = answerTo(model, turns);
  const stopsAt = stops.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
  const tokens = tokensOf(whole.slice(0, Math.min(whole.length, ...stopsAt)));
  return tokens.length > tokensMax
    ? { tokens: tokens.slice(0, tokensMax), finish: "length" }
    : { tokens, finish: "stop" };
}
