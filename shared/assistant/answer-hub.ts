/**
 * What an instance says of the answers that it is making, to readers in the same instance: each piece as it
 * comes.
 */
export interface AnswerHub {
  say(answer: string, piece: Piece): void;
  /** Returns the end of listening. */
  listen(answer: string, take: (piece: Piece) => void): () => void;
}

/** A part of an attempt's text. */
export interface Piece {
  readonly epoch: number;
  /** UTF-16 units before it. */
  readonly offset: number;
  readonly text: string;
  /** It is thought and not said; offsets of both are counted apart. */
  readonly isThinking?: boolean;
}

export function createAnswerHub(): AnswerHub {
  const listeners = new Map<string, Set<(piece: Piece) => void>>();
  return {
    say(answer, piece) {
      for (const take of listeners.get(answer) ?? []) take(piece);
    },
    listen(answer, take) {
      const all = listeners.get(answer) ?? new Set();
      listeners.set(answer, all.add(take));
      return () => {
        all.delete(take);
        if (all.size === 0 && listeners.get(answer) === all) listeners.delete(answer);
      };
    },
  };
}
