import type { ChunkPiece } from "./read-chunk.ts";

/**
 * So many chunks of other choices in a row are a provider's way of counting, and not an answer beside ours.
 */
export const HELD_CHUNKS_MAX = 8;

/**
 * Finds the one answer among choices. Only one is ever asked for, but providers number it in their own ways:
 * from 1, anew with each chunk, thinking under 0 and text under 1; and some give a second answer unasked.
 */
export interface ChoiceSorter {
  /** What is to be taken now, of this chunk and of earlier ones. `isBegun`: the chunk names a role. */
  add(index: number, pieces: readonly ChunkPiece[], isBegun: boolean): readonly ChunkPiece[];
  /** The stream has ended: what was held back and is ours after all. */
  end(): readonly ChunkPiece[];
  /** A choice that may yet be ours has ended. */
  holdsFinish(): boolean;
}

interface Held {
  readonly index: number;
  readonly pieces: readonly ChunkPiece[];
}

/**
 * Choice 0 is ours. What another says is held back until it is clear whose it is: dropped when choice 0 says
 * more, taken when choice 0 stays without a word, or when each chunk has the number after the last one's.
 * Answers of two choices are never mixed. `charsMax`: no more is held back.
 */
export function createChoiceSorter(charsMax: number): ChoiceSorter {
  let held: Held[] = [];
  let heldChars = 0;
  /** Chunks in which choice 0 has spoken. */
  let spoken = 0;
  /** Whose pieces are taken; the others' are dropped. Undefined while that is not clear. */
  let taken: "all" | number | undefined;

  const decide = (whose: "all" | number): readonly ChunkPiece[] => {
    const ours = held
      .filter(({ index }) => whose === "all" || index === whose)
      .flatMap(({ pieces }) => pieces);
    taken = whose;
    held = [];
    return ours;
  };
  const isCounting = (): boolean =>
    spoken <= 1 &&
    held.every(({ index, pieces }, at) => {
      const before = held[at - 1]?.index ?? (spoken === 1 ? 0 : index - 1);
      return index === before + 1 && (at === held.length - 1 || !pieces.some(isFinish));
    });
  const lowest = (): number => Math.min(...held.map(({ index }) => index));

  const addFirst = (pieces: readonly ChunkPiece[], isBegun: boolean): readonly ChunkPiece[] => {
    const isSpeaking = isBegun || !pieces.every(isFinish);
    if (isSpeaking || held.length === 0) held = [];
    if (pieces.some(isSaid)) spoken += 1;
    if (!pieces.some(isFinish)) return pieces;
    // Thinking may have been under 0, the text under another number, and the end under 0 again.
    return spoken > 0 || held.length === 0
      ? [...decide(0), ...pieces]
      : [...decide(isCounting() && held.length > 1 ? "all" : lowest()), ...pieces];
  };
  const hold = (index: number, pieces: readonly ChunkPiece[]): readonly ChunkPiece[] => {
    held.push({ index, pieces });
    heldChars += pieces.reduce((sum, piece) => sum + ("text" in piece ? piece.text.length : 0), 0);
    if (spoken > 0 && !isCounting()) return decide(0);
    if (held.length < HELD_CHUNKS_MAX && heldChars <= charsMax) return [];
    return decide(isCounting() && held.length > 1 ? "all" : lowest());
  };

  return {
    add(index, pieces, isBegun) {
      if (taken === "all" || taken === index) return pieces;
      if (taken !== undefined) return index === 0 ? pieces.filter(isFinish) : [];
      return index === 0 ? addFirst(pieces, isBegun) : hold(index, pieces);
    },
    end() {
      if (held.length === 0) return [];
      const hasEnd = held.at(-1)?.pieces.some(isFinish) ?? false;
      if (isCounting() && (spoken === 0 ? held.length > 1 : hasEnd)) return decide("all");
      return decide(spoken === 0 ? lowest() : 0);
    },
    holdsFinish: () => (spoken === 0 || isCounting()) && held.some(({ pieces }) => pieces.some(isFinish)),
  };
}

const isFinish = ({ kind }: ChunkPiece): boolean => kind === "finish";
const isSaid = ({ kind }: ChunkPiece): boolean => kind !== "finish" && kind !== "thinking";
