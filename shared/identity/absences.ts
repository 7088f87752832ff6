import type { Clock } from "../platform/clock.ts";

/**
 * What has been looked for and is not there, so that asking for it again costs nothing. For ABSENT_MS: what
 * another instance makes meanwhile is found then, what this one makes at once.
 */
export interface Absences {
  has(name: string): boolean;
  note(name: string): void;
  forget(name: string): void;
}

export const ABSENT_MS = 10_000;
export const ABSENCES_MAX = 10_000;

export function createAbsences(clock: Clock): Absences {
  /** The earliest first: all last equally long. */
  const untilMs = new Map<string, number>();
  return {
    has(name) {
      const until = untilMs.get(name);
      if (until === undefined) return false;
      if (until > clock.now() && until <= clock.now() + ABSENT_MS) return true;
      untilMs.delete(name);
      return false;
    },
    note(name) {
      untilMs.delete(name);
      untilMs.set(name, clock.now() + ABSENT_MS);
      const [earliest] = untilMs.keys();
      if (untilMs.size > ABSENCES_MAX && earliest !== undefined) untilMs.delete(earliest);
    },
    forget: (name) => void untilMs.delete(name),
  };
}
