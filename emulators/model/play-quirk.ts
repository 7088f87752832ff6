import type { ServerResponse } from "node:http";
import type { Pace } from "./pace.ts";
import { inPace, untilGone } from "./pace.ts";
import { type Piece, type Quirk, sayContent, USUAL_END } from "./quirks.ts";
import type { CompletionCall } from "./request.ts";
import { createOut, usageOf } from "./writer.ts";

interface QuirkPlay {
  readonly call: CompletionCall;
  readonly tokens: readonly string[];
  readonly pace: Pace;
  readonly response: ServerResponse;
  readonly gone: AbortSignal;
  /** Hears of the tokens that have been sent. */
  sent(tokens: number): void;
}

/** How it ended: refused or broken, or with an end as far as the quirk has one. */
export type QuirkEnd = "stop" | "failed" | "dropped";

/** Whether a quirk has to do with a call. Whole answers have no stream to be awkward in. */
export const concernsCall = ({ concerns, reply }: Quirk, call: CompletionCall): boolean =>
  (call.stream || reply !== undefined) &&
  (concerns === undefined ||
    call.parameters.includes(concerns) ||
    call.turns.some(({ role }) => role === concerns));

/** Answers a call as awkwardly as a quirk says. Not for quirks that are `whole`. */
export async function playQuirk(quirk: Quirk, play: QuirkPlay): Promise<QuirkEnd> {
  const { response, gone, call } = play;
  if (quirk.reply !== undefined) {
    const { status, headers, body } = quirk.reply;
    response.writeHead(status, headers).end(body);
    return "failed";
  }
  const out = createOut(response, gone);
  if (quirk.partBytes !== undefined) out.split(quirk.partBytes);
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.flushHeaders();
  let said = 0;
  const send = (pieces: readonly Piece[]): Promise<void> =>
    out.write(pieces.map((piece) => lineOf(piece, quirk, usageOf(call, said))).join(""));
  await send(quirk.before ?? []);
  const words = play.tokens.slice(0, quirk.tokensMax);
  for await (const batch of inPace(words, play.pace, gone)) {
    await send(batch.map(quirk.say ?? sayContent));
    said += batch.length;
    play.sent(batch.length);
  }
  await send(quirk.after ?? USUAL_END);
  if (quirk.end === "hang") await untilGone(gone);
  if (quirk.end === "drop") return "dropped";
  response.end();
  return "stop";
}

function lineOf(piece: Piece, { crlf }: Quirk, usage: object): string {
  const value = typeof piece === "function" ? piece(usage) : piece;
  const line = typeof value === "string" ? value : `data: ${JSON.stringify(value)}\n\n`;
  return crlf ? line.replaceAll("\n", "\r\n").replace(/^data: /u, "data:") : line;
}
