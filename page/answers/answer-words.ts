import type { Message } from "../../shared/client/connect.ts";

export type Served = NonNullable<Message["served"]>;

export type Usage = NonNullable<Message["usage"]>;

const MICROS = 1_000_000;
const cost = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2, maximumFractionDigits: 6 });
const seconds = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** "0.4 s". */
const secondsOf = (ms: number) => `${seconds.format(ms / 1000)} s`;

/** What an answer took, in short words. */
export function wordsOfUsage({
  inputTokens,
  outputTokens,
  costMicros,
  latencyMs,
  firstTokenMs,
}: Usage): string[] {
  return [
    `${inputTokens} → ${outputTokens} tokens`,
    ...(costMicros === 0 ? [] : [`cost ${cost.format(costMicros / MICROS)}`]),
    firstTokenMs === undefined
      ? secondsOf(latencyMs)
      : `${secondsOf(latencyMs)}, first word after ${secondsOf(firstTokenMs)}`,
  ];
}

/** An explanation of the usage, shown when somebody points at it. */
export const explanationOf = ({ inputTokens, outputTokens, costMicros }: Usage) =>
  `${inputTokens} tokens were read and ${outputTokens} written. ` +
  (costMicros === 0
    ? "The app has no price for this model."
    : "The cost is in the currency of the app’s prices.");

/** What was wrong with the model that should have answered. */
function troubleOf({ reason }: Served) {
  if (reason === "model_failed") return "failed";
  if (reason === "circuit_open") return "is not asked for now";
  return "may not be asked: today’s budget is used up";
}

/** Which files the model was given, by their names; "" for none. */
export function wordsOfGiven(
  { given = [] }: Pick<Message, "given">,
  nameOf: (file: string) => string | undefined,
) {
  const names = given.map(({ file, as, cut }) => {
    const name = nameOf(file) ?? (as === "image" ? "an image" : "a file");
    return cut === true ? `${name} (its beginning)` : name;
  });
  return names.length === 0 ? "" : `Was given ${listing.format(names)}.`;
}

const listing = new Intl.ListFormat("en", { type: "conjunction" });

/** Who answered in whose place, and why; "" where the chosen model answered. */
export function wordsOfServed({
  served,
  sender,
  status,
  error,
}: Pick<Message, "served" | "sender" | "status" | "error">) {
  if (served === undefined || served.as === "chosen") return "";
  const chosen = served.insteadOf === undefined || served.insteadOf === "" ? "The model" : served.insteadOf;
  const trouble = troubleOf(served);
  if (served.as === "fallback")
    return `${"model" in sender ? sender.model : "Another model"} answered in place of ${chosen}, which ${trouble}.`;
  if (served.as === "cached") return `An earlier answer to the same question: ${chosen} ${trouble}.`;
  if (served.as === "queued" && status === "queued") return `Waits for a model: ${chosen} ${trouble}.`;
  // An error has words of its own, which stand in the answer's place.
  return served.reason === undefined || error !== undefined ? "" : `Nobody answered: ${chosen} ${trouble}.`;
}

/** Why an answer ended before its end, in plain words; "" where it did not. */
export function wordsOfEnding({ finishReason, text }: Pick<Message, "finishReason" | "text">) {
  if (finishReason === "length")
    return text === ""
      ? "The model thought for as long as it may, and had no room left to answer."
      : "The answer is cut off here, at the model’s limit.";
  if (finishReason === "content_filter")
    return text === ""
      ? "The model’s provider held this answer back."
      : "The model’s provider held the rest of this answer back.";
  return finishReason === "refusal" ? "The model declined to answer this." : "";
}

/** Whether a failed answer may go better when the same question is asked again. */
export function canTryAgain({ error, createdAt }: Pick<Message, "error" | "createdAt">) {
  if (error === undefined || error.code === "unavailable") return true;
  // A budget is for one day (UTC).
  return error.code === "budget" && createdAt.slice(0, 10) < new Date().toISOString().slice(0, 10);
}
