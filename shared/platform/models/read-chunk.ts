import type { FinishReason, ModelPiece } from "./contract.ts";
import { type JsonObject, listOf, objectOf, stringOf } from "./json-value.ts";

/**
 * What one chunk of a stream says. Text is as the provider sent it: neither cleaned nor split from thinking.
 */
export type ChunkPiece =
  | Extract<ModelPiece, { kind: "text" | "thinking" }>
  | { readonly kind: "refusal"; readonly text: string }
  | {
      readonly kind: "tool-call";
      readonly index: number | undefined;
      readonly id?: string;
      readonly name?: string;
      readonly arguments: string;
    }
  | { readonly kind: "finish"; readonly reason: FinishReason | "failed" };

/** A choice of a chunk, with its number. A chunk of usage or of a filter's verdict has none. */
export interface Choice {
  readonly index: number;
  readonly choice: JsonObject;
}

export const choicesOf = (chunk: JsonObject): Choice[] =>
  listOf(chunk["choices"]).flatMap((value, place) => {
    const choice = objectOf(value);
    return choice === undefined ? [] : [{ index: indexOf(choice, place), choice }];
  });

/** Where a provider gives no number, the place in the list stands for it. */
function indexOf({ index }: JsonObject, place: number): number {
  const number = typeof index === "number" ? index : Number.parseInt(stringOf(index) ?? "", 10);
  return Number.isFinite(number) ? Math.max(0, number) : place;
}

/** Whether it says whose words these are, as first chunks do. */
export const isBegun = (choice: JsonObject): boolean =>
  typeof (objectOf(choice["delta"]) ?? objectOf(choice["message"]))?.["role"] === "string";

/** Never throws: whatever the choice holds, what can be read of it is read. Pure. */
export function readChoice(choice: JsonObject): ChunkPiece[] {
  const delta = objectOf(choice["delta"]) ?? objectOf(choice["message"]) ?? {};
  const pieces: ChunkPiece[] = [];
  // Some send the same thought under two names.
  const thinking =
    textOf(delta["reasoning_content"]) ||
    textOf(delta["reasoning"]) ||
    textOf(delta["thinking"]) ||
    textOf(delta["reasoning_details"]);
  if (thinking !== "") pieces.push({ kind: "thinking", text: thinking });
  pieces.push(...contentPieces(delta["content"] ?? choice["text"]));
  const refusal = stringOf(delta["refusal"]);
  if (refusal) pieces.push({ kind: "refusal", text: refusal });
  for (const call of listOf(delta["tool_calls"])) pieces.push(...toolCall(objectOf(call)));
  const reason = stringOf(choice["finish_reason"]);
  if (reason) pieces.push({ kind: "finish", reason: FINISHES.get(wordOf(reason)) ?? "stop" });
  return pieces;
}

/** MAX_TOKENS, content-filter, contentFilter and FINISH_REASON_SAFETY are the same words as others use. */
const wordOf = (reason: string): string =>
  reason
    .replaceAll(/(?<=[a-z])(?=[A-Z])|[\s-]+/g, "_")
    .toLowerCase()
    .replace(/^finish_reason_/, "");

/** A string, or parts of which some are text and some are thought. */
function contentPieces(content: unknown): ChunkPiece[] {
  if (!Array.isArray(content)) {
    const text = typeof content === "number" ? String(content) : textOf(content);
    return text === "" ? [] : [{ kind: "text", text }];
  }
  return content.flatMap((part): ChunkPiece[] => {
    const kind = /think|reason/.test(stringOf(objectOf(part)?.["type"]) ?? "") ? "thinking" : "text";
    const text = textOf(part);
    return text === "" ? [] : [{ kind, text }];
  });
}

/**
 * The text within a string, {text}, {text: {value}}, {thinking: […]}, {content}, {summary}, or a list of
 * such.
 */
function textOf(value: unknown, depth = 0): string {
  if (typeof value === "string") return value;
  if (depth > NESTING_MAX) return "";
  if (Array.isArray(value)) return value.map((part) => textOf(part, depth + 1)).join("");
  const object = objectOf(value);
  if (object === undefined) return "";
  for (const name of ["text", "value", "thinking", "content", "summary"]) {
    const text = textOf(object[name], depth + 1);
    if (text !== "") return text;
  }
  return "";
}

const NESTING_MAX = 4;

function toolCall(call: JsonObject | undefined): ChunkPiece[] {
  if (call === undefined) return [];
  const called = objectOf(call["function"]) ?? {};
  const id = stringOf(call["id"]);
  const name = stringOf(called["name"]);
  const given = called["arguments"];
  return [
    {
      kind: "tool-call",
      index: typeof call["index"] === "number" ? call["index"] : undefined,
      ...(id ? { id } : {}),
      ...(name ? { name } : {}),
      // Ollama and others give the arguments as an object.
      arguments:
        typeof given === "string"
          ? given
          : given === undefined || given === null
            ? ""
            : JSON.stringify(given),
    },
  ];
}

/** Providers' words for why they stopped, in lower case; others mean that the model had no more to say. */
const FINISHES: ReadonlyMap<string, FinishReason | "failed"> = new Map<string, FinishReason | "failed">([
  ...words(
    "length",
    "length",
    "max_tokens",
    "model_length",
    "max_output_tokens",
    "max_completion_tokens",
    "incomplete",
  ),
  ...words(
    "content_filter",
    "content_filter",
    "content_filtered",
    "safety",
    "recitation",
    "language",
    "image_safety",
    "prohibited_content",
    "blocklist",
    "spii",
    "sensitive",
    "guardrail_intervened",
  ),
  ...words("refusal", "refusal"),
  ...words("tool_calls", "tool_calls", "tool_call", "tool_use", "function_call"),
  ...words(
    "failed",
    "error",
    "failed",
    "insufficient_system_resource",
    "abort",
    "aborted",
    "cancelled",
    "canceled",
    "network_error",
    "timeout",
    "unknown_error",
    "engine_overloaded",
    "malformed_function_call",
  ),
]);

function words(
  reason: FinishReason | "failed",
  ...names: readonly string[]
): (readonly [string, FinishReason | "failed"])[] {
  return names.map((name) => [name, reason] as const);
}
