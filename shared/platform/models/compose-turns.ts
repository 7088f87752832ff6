import type { Attached, AttachedImage, Turn } from "./contract.ts";
import { estimateTokens } from "./estimate-tokens.ts";

/** What a model is given besides what a turn says: who says it. */
export const TOKENS_PER_TURN = 4;
/** How far our estimate may be off: a window is better left a little empty than overrun. */
const ESTIMATE_MARGIN = 1.1;
/** A question longer than the window is given with its beginning and its end. */
const CUT = "\n\n[…]\n\n";
/** The newest images are shown: Mistral takes 8 in a request, Azure 10. */
export const IMAGES_MAX = 8;
const NOT_SHOWN = "[The images of this message are not shown to you.]";
/**
 * What an image counts, about: Claude's and Qwen's formula, which lies above those of OpenAI and of Gemini's
 * smaller models.
 */
const PIXELS_PER_TOKEN = 750;
const TOKENS_PER_IMAGE = 85;

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
  /** The model reads images. */
  readonly images: boolean;
}

export interface Composed {
  readonly turns: readonly Turn[];
  readonly inputTokens: number;
  /** Turns that did not fit, counted from the oldest. */
  readonly left: number;
}

const imageTokens = ({ width, height }: AttachedImage): number =>
  Math.ceil((width * height) / PIXELS_PER_TOKEN) + TOKENS_PER_IMAGE;

export const imagesOf = ({ attached = [] }: Turn): AttachedImage[] =>
  attached.filter((each) => each.as === "image");

const tokensOf = (turn: Turn): number =>
  estimateTokens(turn.content) +
  TOKENS_PER_TURN +
  imagesOf(turn).reduce((sum, image) => sum + imageTokens(image), 0);

export const countTokens = (turns: readonly Turn[]): number =>
  turns.reduce((sum, turn) => sum + tokensOf(turn), 0);

/**
 * The conversation as strict templates take it, and as much of it as the window holds: one system message,
 * then turns that alternate and begin with the person's. The newest turns stay whole; the question always is
 * there. Pure.
 */
export function composeTurns({ system, turns: all }: Conversation, room: Room): Composed {
  const turns = shown(all, room.images ? IMAGES_MAX : 0);
  const budget = Math.floor((room.windowTokens - room.outputTokens) / ESTIMATE_MARGIN);
  const instructions = system.filter((text) => text !== "").join("\n\n");
  const left = budget - estimateTokens(instructions) - TOKENS_PER_TURN;
  const kept: Turn[] = [];
  let tokens = 0;
  for (const turn of turns.toReversed()) {
    const own = tokensOf(turn);
    if (tokens + own > left) {
      if (kept.length === 0) kept.push(fitting(turn, left));
      break;
    }
    tokens += own;
    kept.push(turn);
  }
  const alternating = joined(fromFirstQuestion(kept.toReversed()));
  const composed = withInstructions(instructions, alternating, room.systemRole);
  return { turns: composed, inputTokens: countTokens(composed), left: turns.length - kept.length };
}

/** As many of the newest images as a model takes; where others were, the turn says so. */
function shown(turns: readonly Turn[], imagesMax: number): Turn[] {
  let free = imagesMax;
  const result: Turn[] = [];
  for (const turn of turns.toReversed()) {
    const images = imagesOf(turn);
    const isShown = images.length <= free;
    if (isShown) free -= images.length;
    result.unshift(isShown ? turn : withoutImages(turn));
  }
  return result;
}

function withoutImages(turn: Turn): Turn {
  const attached = (turn.attached ?? []).filter(({ as }) => as !== "image");
  return { ...turn, content: `${turn.content}\n\n${NOT_SHOWN}`, attached };
}

/** The question alone, as much of it as there is room for: what was cut is not given whole. */
function fitting(turn: Turn, tokens: number): Turn {
  const images = imagesOf(turn).reduce((sum, image) => sum + imageTokens(image), 0);
  if (images > 0 && images > tokens / 2) return fitting(withoutImages(turn), tokens);
  const content = shortened(turn.content, tokens - TOKENS_PER_TURN - images);
  if (turn.attached === undefined) return { ...turn, content };
  const attached = turn.attached.map((each): Attached =>
    each.as === "text" ? { ...each, cut: true } : each,
  );
  return { ...turn, content, attached };
}

/** A conversation does not begin with an answer whose question is gone. */
function fromFirstQuestion(turns: readonly Turn[]): readonly Turn[] {
  const first = turns.findIndex(({ role }) => role === "user");
  return first < 0 ? turns.map((turn) => ({ ...turn, role: "user" as const })) : turns.slice(first);
}

/** Neighbours of one role are one turn: two questions after an answer that failed, two tabs. */
function joined(turns: readonly Turn[]): Turn[] {
  const result: Turn[] = [];
  for (const turn of turns) {
    const last = result.at(-1);
    const role = turn.role === "assistant" ? "assistant" : "user";
    if (last?.role === role) result[result.length - 1] = both(last, turn);
    else result.push({ ...turn, role });
  }
  return result;
}

function both(first: Turn, second: Turn): Turn {
  const attached = [...(first.attached ?? []), ...(second.attached ?? [])];
  return {
    role: first.role,
    content: `${first.content}\n\n${second.content}`,
    ...(attached.length === 0 ? {} : { attached }),
  };
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
    : [{ ...first, role: "user", content: `${instructions}\n\n${first.content}` }, ...rest];
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
