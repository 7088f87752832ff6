import { createTextCleaner } from "./clean-text.ts";
import { type FinishReason, ModelFailure, type ModelPiece, type ModelUsage } from "./contract.ts";
import { estimateTokens } from "./estimate-tokens.ts";
import { type JsonObject, objectOf } from "./json-value.ts";
import { type ChunkPiece, choicesOf, isBegun, readChoice } from "./read-chunk.ts";
import { readUsage } from "./read-usage.ts";
import { createChoiceSorter } from "./sort-choices.ts";
import { createThinkingSplitter, type ThinkingAndText } from "./split-thinking.ts";

/** Thinking beyond it is not told. */
export const THINKING_CHARS_MAX = 50_000;
/** The arguments of all tool calls of an answer. */
export const TOOL_CHARS_MAX = 256 * 1024;
/** Our estimate of tokens may be off by so much before a provider is taken to ignore the limit. */
const OVERRUN = 1.1;
/** Tokens are estimated for so many characters at once: pieces of words cost more than the words. */
const ESTIMATED_CHARS = 512;

export interface AnswerLimits {
  /** Text beyond it is cut off, and the answer ends with `length`. */
  readonly textCharsMax: number;
  /** The limit that the provider was given. The call ends when the provider goes on beyond it. */
  readonly tokensMax: number;
  /** The model's template has opened the block of thinking already. */
  readonly startsThinking?: boolean;
}

/** Puts the chunks of one answer together. Not for more than one answer. */
export interface AnswerAssembler {
  /** `isBody`: the chunk is the whole answer. @throws ModelFailure `malformed` */
  add(chunk: JsonObject, isBody: boolean): void;
  /** The provider says that this was all. */
  finish(): void;
  /** The body has ended. @throws ModelFailure `failed`, `malformed`, `cut` */
  end(): void;
  /** What has come since the last time. */
  take(): ModelPiece[];
  /** Nothing more is wanted. */
  isDone(): boolean;
  /** Only usage may follow. */
  hasFinished(): boolean;
}

export function assembleAnswer(limits: AnswerLimits): AnswerAssembler {
  const output = createOutput(limits);
  const toolCalls = createToolCalls();
  const textCleaner = createTextCleaner();
  const thinkingCleaner = createTextCleaner();
  const splitter = createThinkingSplitter(limits.startsThinking);
  let reason: FinishReason | "failed" | undefined;
  let usage: ModelUsage = {};
  const choices = createChoiceSorter(limits.textCharsMax);
  let hasChoice = false;
  let isSaidDone = false;
  let isRefusal = false;

  const addSplit = ({ thinking, text }: ThinkingAndText): void => {
    output.addThinking(thinking);
    output.addText(text);
  };
  const addPiece = (piece: ChunkPiece): void => {
    if (piece.kind === "thinking") output.addThinking(thinkingCleaner.add(piece.text));
    else if (piece.kind === "tool-call") output.push(toolCalls.place(piece));
    else if (piece.kind === "finish") reason ??= piece.reason;
    else {
      isRefusal ||= piece.kind === "refusal";
      addSplit(splitter.add(textCleaner.add(piece.text)));
    }
  };
  return {
    add(chunk, isBody) {
      const found = choicesOf(chunk);
      const told = chunk["usage"] ?? objectOf(chunk["x_groq"])?.["usage"] ?? found[0]?.choice["usage"];
      usage = { ...usage, ...readUsage(told) };
      if (found.length === 0) return;
      hasChoice = true;
      isSaidDone ||= isBody;
      for (const { index, choice } of found) {
        for (const piece of choices.add(index, readChoice(choice), isBegun(choice))) addPiece(piece);
      }
    },
    finish: () => void (isSaidDone = true),
    end() {
      for (const piece of choices.end()) addPiece(piece);
      output.addThinking(thinkingCleaner.end());
      addSplit(splitter.add(textCleaner.end()));
      addSplit(splitter.end());
      if (output.isFull()) reason = "length";
      if (reason === "failed") {
        throw new ModelFailure("failed", "The provider ended the answer with a failure.");
      }
      if (!hasChoice) {
        throw new ModelFailure("malformed", "The provider answered with nothing that is an answer.");
      }
      if (reason === undefined && !isSaidDone) {
        throw new ModelFailure("cut", "The stream ended before the answer did.");
      }
      output.push({ kind: "finish", reason: finishOf(reason ?? "stop", toolCalls.count() > 0, isRefusal) });
      output.push({ kind: "usage", usage });
    },
    take: output.take,
    isDone: () => isSaidDone || output.isFull(),
    hasFinished: () => reason !== undefined || choices.holdsFinish(),
  };
}

/** What the answer holds is believed over the reason that the provider gives for its end. */
function finishOf(reason: FinishReason, hasCalls: boolean, isRefusal: boolean): FinishReason {
  if (reason === "stop" && hasCalls) return "tool_calls";
  if (reason === "stop" && isRefusal) return "refusal";
  return reason === "tool_calls" && !hasCalls ? "stop" : reason;
}

/** The pieces, up to the limits. */
function createOutput({ textCharsMax, tokensMax }: AnswerLimits) {
  let pieces: ModelPiece[] = [];
  let textChars = 0;
  let thinkingChars = 0;
  let isFull = false;
  let tokens = 0;
  let uncounted = "";

  const countTokens = (text: string): void => {
    uncounted += text;
    if (uncounted.length < ESTIMATED_CHARS) return;
    tokens += estimateTokens(uncounted);
    uncounted = "";
    if (tokens > tokensMax * OVERRUN) isFull = true;
  };
  return {
    push: (piece: ModelPiece) => void pieces.push(piece),
    addText(text: string): void {
      if (text === "" || isFull) return;
      const kept = firstChars(text, textCharsMax - textChars);
      textChars += kept.length;
      if (kept !== "") pieces.push({ kind: "text", text: kept });
      if (kept.length < text.length) isFull = true;
      countTokens(kept);
    },
    addThinking(text: string): void {
      if (text === "" || isFull) return;
      const kept = firstChars(text, THINKING_CHARS_MAX - thinkingChars);
      thinkingChars += kept.length;
      if (kept !== "") pieces.push({ kind: "thinking", text: kept });
      countTokens(text);
    },
    isFull: () => isFull,
    take(): ModelPiece[] {
      const taken = pieces;
      pieces = [];
      return taken;
    },
  };
}

/** Cutting at a number of UTF-16 units may cut a character in two; its half is left out. */
const firstChars = (text: string, count: number): string =>
  text.length <= count ? text : text.slice(0, Math.max(0, count)).replace(/[\ud800-\udbff]$/, "");

type ToolCallPiece = Extract<ModelPiece, { kind: "tool-call" }>;

/**
 * Gives each piece of a tool call the place of its call, from 0. Providers number calls from 1, all with the
 * same number, or not at all; a new id is a new call, and a piece without any goes on with the last.
 */
function createToolCalls() {
  const byId = new Map<string, number>();
  const byIndex = new Map<number, { readonly place: number; readonly id: string | undefined }>();
  let count = 0;
  let chars = 0;
  const placeOf = ({ id, index }: Extract<ChunkPiece, { kind: "tool-call" }>): number => {
    const known = id === undefined ? undefined : byId.get(id);
    if (known !== undefined) return known;
    const numbered = index === undefined ? undefined : byIndex.get(index);
    const goesOn = id === undefined || numbered?.id === undefined;
    if (numbered !== undefined && goesOn) return numbered.place;
    if (id === undefined && index === undefined) return Math.max(0, count - 1);
    return count;
  };
  return {
    count: () => count,
    place(piece: Extract<ChunkPiece, { kind: "tool-call" }>): ToolCallPiece {
      chars += piece.arguments.length;
      if (chars > TOOL_CHARS_MAX) {
        throw new ModelFailure(
          "malformed",
          `Tool calls of an answer have at most ${TOOL_CHARS_MAX} characters.`,
        );
      }
      const { id, index } = piece;
      const place = placeOf(piece);
      if (id !== undefined) byId.set(id, place);
      if (index !== undefined) byIndex.set(index, { place, id: id ?? byIndex.get(index)?.id });
      count = Math.max(count, place + 1);
      return { ...piece, index: place };
    },
  };
}
