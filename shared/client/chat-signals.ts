import type { Environment } from "./environment.ts";

/** Up to where a member has read, and what has reached them. */
export interface MemberMarks {
  readonly number: number;
  readonly delivered: number;
}

/** Somebody types; by the server's clock until then, unless they go on. */
export interface Typing {
  readonly user: string;
  readonly until: string;
}

/** What the members of one chat signal to each other. */
export interface ChatSignals {
  readonly marks: ReadonlyMap<string, MemberMarks>;
  readonly typing: readonly string[];
  takeMarks(user: string, marks: MemberMarks): void;
  takeTyping(typing: Typing): void;
  /** Who has just written is typing no more. */
  stopTyping(user: string): void;
  close(): void;
}

/** As long as the server counts somebody as typing. Counted from here: the clocks may differ. */
const TYPING_MS = 6_000;

export function createChatSignals(env: Pick<Environment, "after">, onChange: () => void): ChatSignals {
  const marks = new Map<string, MemberMarks>();
  const typing = new Map<string, () => void>();
  /** Until when each was said to type. */
  const told = new Map<string, string>();

  const stopTyping = (user: string): void => {
    const cancel = typing.get(user);
    if (cancel === undefined) return;
    cancel();
    typing.delete(user);
    onChange();
  };
  return {
    marks,
    get typing() {
      return [...typing.keys()];
    },
    takeMarks(user, { number, delivered }) {
      const known = marks.get(user) ?? { number: 0, delivered: 0 };
      if (number <= known.number && delivered <= known.delivered) return;
      marks.set(user, {
        number: Math.max(number, known.number),
        delivered: Math.max(number, delivered, known.delivered),
      });
      onChange();
    },
    takeTyping({ user, until }) {
      const before = told.get(user) ?? "";
      // Two streams tell it, and a message may have come between.
      if (until === before) return;
      told.set(user, until);
      // Going on to type puts the end off; only what is given up ends sooner than was said.
      if (until < before) return stopTyping(user);
      const isNew = !typing.has(user);
      typing.get(user)?.();
      typing.set(
        user,
        env.after(TYPING_MS, () => stopTyping(user)),
      );
      if (isNew) onChange();
    },
    stopTyping,
    close() {
      for (const cancel of typing.values()) cancel();
      typing.clear();
    },
  };
}
