import type { ServerResponse } from "node:http";
import type { Fault } from "../kernel/faults.ts";
import { StatusError } from "../kernel/status-error.ts";
import { withFault } from "../kernel/with-fault.ts";
import { answerTo } from "./answer.ts";
import type { CallInFlight } from "./calls.ts";
import { plannedFailure, rateLimited, serverFailure } from "./failure.ts";
import { inPace, untilGone } from "./pace.ts";
import type { CompletionCall } from "./request.ts";
import { concernsCall, playQuirk } from "./play-quirk.ts";
import { type Quirk, QUIRKS } from "./quirks.ts";
import type { ModelSettings } from "./settings.ts";
import { tokensOf } from "./tokens.ts";
import { type AnswerWriter, type FinishReason, openWriter } from "./writer.ts";

export interface Completion {
  readonly call: CompletionCall;
  /** How the model behaves once a planned delay is over. */
  readonly settings: () => ModelSettings;
  readonly fault: Fault | undefined;
  /** Waits as long as a planned delay says. */
  readonly pause: (ms: number) => Promise<void>;
  readonly id: string;
  readonly createdSeconds: number;
  readonly record: CallInFlight;
  readonly response: ServerResponse;
}

/** Answers a call at the model's pace, or fails as planned or set. Resolves when the call is over. */
export async function complete(completion: Completion): Promise<void> {
  const { response, record } = completion;
  const caller = new AbortController();
  const hangUp = (): void => caller.abort();
  response.once("close", hangUp);
  if (response.destroyed) hangUp();
  try {
    await perform(
      completion,
      openWriter({ ...completion, call: formOf(completion), gone: caller.signal }),
      caller.signal,
    );
  } catch (cause) {
    if (!caller.signal.aborted) throw cause;
  } finally {
    response.removeListener("close", hangUp);
    record.end(caller.signal.aborted ? "hung up" : "failed");
  }
}

async function perform(completion: Completion, writer: AnswerWriter, gone: AbortSignal): Promise<void> {
  const { call, fault, pause, record } = completion;
  const { tokens, finish } = answerOf(call);
  try {
    const outcome = await withFault(fault, {
      // For "after", the answer counts as made, and the caller receives only the failure.
      work: () =>
        fault?.kind === "after"
          ? record.sent(tokens.length)
          : sayAnswer(completion, { tokens, finish, writer, gone }),
      failure: (code) => plannedFailure(code, call.model),
      pause,
    });
    if (outcome === "hang") return await untilGone(gone);
    if (outcome === "drop") return drop(completion);
  } catch (cause) {
    if (!(cause instanceof StatusError)) throw cause;
    return writer.fail(cause);
  }
}

interface AnswerParts {
  readonly tokens: readonly string[];
  readonly finish: FinishReason;
  readonly writer: AnswerWriter;
  readonly gone: AbortSignal;
}

/** Says the answer at the model's pace, up to where the model's settings break it. */
async function sayAnswer(
  completion: Completion,
  { tokens, finish, writer, gone }: AnswerParts,
): Promise<void> {
  const { call, record } = completion;
  const settings = completion.settings();
  const quirk: Quirk | undefined =
    settings.quirk === undefined || settings.fault !== undefined ? undefined : QUIRKS[settings.quirk];
  if (quirk !== undefined && !quirk.whole && concernsCall(quirk, call)) {
    const sent = (count: number): void => record.sent(count);
    const end = await playQuirk(quirk, {
      call,
      tokens,
      pace: settings,
      response: completion.response,
      gone,
      sent,
    });
    return end === "dropped" ? drop(completion) : record.end(end);
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

/** The call as its writer is to see it: a quirk may have one body sent where a stream was asked for. */
function formOf({ call, settings }: Completion): CompletionCall {
  const { quirk, fault } = settings();
  const chosen: Quirk | undefined = quirk === undefined ? undefined : QUIRKS[quirk];
  const isWhole = chosen?.whole === true && fault === undefined;
  return isWhole ? { ...call, stream: false } : call;
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
