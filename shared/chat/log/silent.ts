/**
 * The numbers of messages that are unread to nobody: deleted, hidden and system messages. They stand in the
 * head as runs, so that how many are unread is known without a read, whoever asks. Flat and ascending: the
 * first and last number of each run, one after the other.
 */
export type Silent = readonly number[];

/**
 * Beyond as many runs the oldest is forgotten: to whoever has read nothing since before that one, so many
 * messages more seem unread.
 */
export const SILENT_RUNS_MAX = 500;

/** With this number. Adding one that is there changes nothing. */
export function withSilent(silent: Silent = [], number: number): Silent {
  const at = runBefore(silent, number);
  if (at >= 0 && number <= (silent[at + 1] ?? 0)) return silent;
  const joinsBefore = at >= 0 && silent[at + 1] === number - 1;
  const joinsAfter = silent[at + 2] === number + 1;
  const first = joinsBefore ? (silent[at] ?? number) : number;
  const last = joinsAfter ? (silent[at + 3] ?? number) : number;
  const next = [
    ...silent.slice(0, joinsBefore ? at : at + 2),
    first,
    last,
    ...silent.slice(joinsAfter ? at + 4 : at + 2),
  ];
  return next.length > 2 * SILENT_RUNS_MAX ? next.slice(2) : next;
}

/** Without this number. */
export function withoutSilent(silent: Silent = [], number: number): Silent {
  const at = runBefore(silent, number);
  const [first = 0, last = 0] = silent.slice(Math.max(at, 0), at + 2);
  if (at < 0 || number > last) return silent;
  const left = number > first ? [first, number - 1] : [];
  const right = number < last ? [number + 1, last] : [];
  return [...silent.slice(0, at), ...left, ...right, ...silent.slice(at + 2)];
}

/** How many of them come after a number. */
export function silentAfter(silent: Silent = [], after: number): number {
  let count = 0;
  for (let at = silent.length - 2; at >= 0; at -= 2) {
    const [first = 0, last = 0] = silent.slice(at, at + 2);
    if (last <= after) break;
    count += last - Math.max(first - 1, after);
  }
  return count;
}

/** Where the last run begins that does not begin after the number; -2 when there is none. */
function runBefore(silent: Silent, number: number): number {
  let at = silent.length - 2;
  while (at >= 0 && (silent[at] ?? 0) > number) at -= 2;
  return at;
}
