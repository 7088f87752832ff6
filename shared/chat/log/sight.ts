import type { Timestamp } from "../../platform/firestore-values.ts";

/**
 * What somebody who joined a group later sees of its past (`settings.history`): what was written after a
 * message, or since a time.
 */
export type Sight = { readonly after: number } | { readonly since: Timestamp };

interface Placed {
  readonly number: number;
  readonly createdAt: Timestamp;
}

interface Seen {
  readonly sees?: Readonly<Record<string, Sight>>;
}

/** Whether the person may read the message. Whoever is not named in the head sees everything. */
export function isVisible({ sees }: Seen, personId: string, { number, createdAt }: Placed): boolean {
  return isInSight(sees?.[personId], { number, createdAt });
}

/** Whoever has no sight of their own sees everything. */
export function isInSight(sight: Sight | undefined, { number, createdAt }: Placed): boolean {
  if (sight === undefined) return true;
  return "after" in sight ? number > sight.after : createdAt.valueOf() >= sight.since.valueOf();
}

/**
 * The same by a number alone, null for none; where a time decides, the message itself has to be looked at.
 */
export function mayBeVisible({ sees }: Seen, personId: string, number: number | null): boolean {
  const sight = sees?.[personId];
  return number !== null && (sight === undefined || !("after" in sight) || number > sight.after);
}
