import type { Turn } from "./contract.ts";
import { estimateTokens } from "./estimate-tokens.ts";

/** What a model is given besides what a turn says: who says it. */
export const TOKENS_PER_TURN = 4;
/** How far our estimate may be off: a window is better left a little empty than overrun. */
const ESTIMATE_MARGIN = 1.1;
/** A question longer than the window is given with its beginning and its end. */
const CUT = "\n\n[…]\n\n";

export interface Conversation {
  /** Instructions and the summary of what is older, in their order. */
  readonly system: readonly string[];
  /** Oldest first; the last is the question. */
  readonly turns: readonly Turn[];
}

export interface Room {
  readonly windowTokens: number;
  /** What the answer may take of the window. */
  readonly outputTokens: number;
  /** The model's template knows the role of instructions. */
  readonly systemRole: boolean;
}

export interface Composed {
  readonly turns: readonly Turn[];
  readonly inputTokens: number;
  /** Turns that did not fit, counted from the oldest. */
  readonly left: number;
}

export const countTokens = (turns: readonly Turn[]): number =>
  turns.reduce((sum, { content }) => sum + estimateTokens(content) + TOKENS_PER_TURN, 0);

/**
 * The conversation as strict templates take it, and as much of it as the window holds: one system message,
 * then turns that alternate and begin with the person's. The newest turns stay whole; the question always is
 * there. Pure.
 */
export function composeTurns({ system, turns }: Conversation, room: Room): Composed {
  const budget = Math.floor((room.windowTokens - room.outputTokens) / ESTIMATE_MARGIN);
  const instructions = system.filter((text) => text !== "").join("\n\n");
  const left = budget - estimateTokens(instructions) - TOKENS_PER_TURN;
  const kept: Turn[] = [];
  let tokens = 0;
  for (const turn of turns.toReversed()) {
    const own = estimateTokens(turn.content) + TOKENS_PER_TURN;
    if (tokens + own > left) {
      if (kept.length === 0) kept.push({ ...turn, content: shortened(turn.content, left - TOKENS_PER_TURN) });
      break;
    }
    tokens += own;
    kept.push(turn);
  }
  const alternating = joined(fromFirstQuestion(kept.toReversed()));
  const composed = withInstructions(instructions, alternating, room.systemRole);
  return { turns: composed, inputTokens: countTokens(composed), left: turns.length - kept.length };
}

/** A conversation does not begin with an answer whose question is gone. */
function fromFirstQuestion(turns: readonly Turn[]): readonly Turn[] {
  const first = turns.findIndex(({ role }) => role === "user");
  return first < 0 ? turns.map(({ content }) => ({ role: "user" as const, content })) : turns.slice(first);
}

/** Neighbours of one role are one turn: two questions after an answer that failed, two tabs. */
function joined(turns: readonly Turn[]): Turn[] {
  const result: Turn[] = [];
  for (const turn of turns) {
    const last = result.at(-1);
    const role = turn.role === "assistant" ? "assistant" : "user";
    if (last?.role === role)
      result[result.length - 1] = { role, content: `${last.content}\n\n${turn.content}` };
    else result.push({ role, content: turn.content });
  }
  return result;
}

function withInstructions(
  instructions: string,
  turns: readonly Turn[],
  systemRole: boolean,
): readonly Turn[] {
  if (instructions === "") return turns;
  if (systemRole) return [{ role: "system", content: instructions }, ...turns];
  const [first, ...rest] = turns;
  return first === undefined
    ? [{ role: "user", content: instructions }]
    : [{ role: "user", content: `${instructions}\n\n${first.content}` }, ...rest];
}

/**
 * The beginning and the end of a text, in about so many tokens: what is asked mostly stands at one of them.
 */
function shortened(text: string, tokens: number): string {
  if (estimateTokens(text) <= tokens) return text;
  let chars = Math.max(0, Math.floor((text.length * tokens) / Math.max(1, estimateTokens(text))));
  for (;;) {
    const head = Math.ceil(chars * 0.6);
    const cut = `${text.slice(0, head)}${CUT}${text.slice(text.length - (chars - head))}`.toWellFormed();
    if (chars === 0 || estimateTokens(cut) <= tokens) return cut;
    chars = Math.floor(chars * 0.9);
  }
}
