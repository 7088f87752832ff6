import { Timestamp } from "../../platform/firestore-values.ts";

/**
 * A field that is indexed together with members moves an index entry for each of them, which is most of what
 * a commit takes in Firestore. In the head of a crowd no message moves such a field: by one the crowd stands
 * in lists, and the background brings it up to date now and then; the other says until when whoever follows
 * their chats looks at it, and is set far ahead. See docs/decisions/0024.
 */
export interface Times {
  /**
   * By this lists are ordered: when the last message came, since nothing else moves a chat. A crowd is at
   * most CROWD_LISTED_MS behind, and what the background takes.
   */
  readonly updatedAt: Timestamp;
  /**
   * Of a crowd: when the last message came. Null for what is none any more, absent from what never was one
   * and from crowds that are older than this field.
   */
  readonly latestAt?: Timestamp | null;
  /**
   * When it changed last, by Firestore's clock. A crowd with `latestAt` has a moment here that is later than
   * any of its changes until then.
   */
  readonly changedAt?: Timestamp;
  /** Of a crowd with `latestAt`: when it changed last, by Firestore's clock. */
  readonly stampedAt?: Timestamp;
}

/** The place of a crowd in lists is brought up to date once it is so far behind. */
export const CROWD_LISTED_MS = 60_000;
/**
 * A crowd is looked at for so long by whoever follows their chats, and is renewed by the background after
 * half of it; by a change itself only after a longer silence.
 */
export const CROWD_FOLLOWED_MS = 12 * 3_600_000;
/** The clocks of an instance and of Firestore differ by less. */
export const CLOCKS_APART_MS = 10 * 60_000;

/** Whether no message moves what is indexed with the members. */
export const isCalm = <T extends Pick<Times, "latestAt">>(
  head: T,
): head is T & { readonly latestAt: Timestamp } => head.latestAt != null;

/** When the last message came. */
export const latestAtOf = (head: Pick<Times, "updatedAt" | "latestAt">): Timestamp =>
  isCalm(head) ? later(head.latestAt, head.updatedAt) : head.updatedAt;

/** When the chat changed last, by Firestore's clock. */
export const changedAtOf = ({ latestAt, changedAt, stampedAt }: Omit<Times, "updatedAt">): Timestamp =>
  (isCalm({ latestAt: latestAt ?? null }) ? stampedAt : undefined) ?? changedAt ?? new Timestamp(0, 0);

/** The times of a head after a change; `brings` says whether a message comes with it. Pure. */
export function timesAfter(
  head: Times & { readonly isCrowd?: boolean },
  at: Timestamp,
  { isCrowd, brings }: { readonly isCrowd: boolean | undefined; readonly brings: boolean },
): Pick<Times, "updatedAt" | "latestAt" | "changedAt"> {
  const latestAt = brings ? later(latestAtOf(head), at) : latestAtOf(head);
  // Crowds from before this form keep theirs until they are migrated.
  if (isCrowd === true && (isCalm(head) || head.isCrowd !== true)) {
    return { updatedAt: head.updatedAt, latestAt, changedAt: followedUntil(head.changedAt, at) };
  }
  return { updatedAt: latestAt, ...(isCalm(head) ? { latestAt: null } : {}) };
}

/** Of a crowd that comes into being. */
export const timesOfNew = (
  isCrowd: boolean,
  at: Timestamp,
): Pick<Times, "updatedAt" | "latestAt" | "changedAt"> => ({
  updatedAt: at,
  ...(isCrowd ? { latestAt: at, changedAt: followedUntil(undefined, at) } : {}),
});

/** The same head when nothing of it is due. Pure. */
export function placed<T extends Times>(head: T, at: Timestamp): T {
  if (!isCalm(head)) return head;
  const isBehind = head.latestAt.toMillis() - head.updatedAt.toMillis() >= CROWD_LISTED_MS;
  const followedMs = (head.changedAt?.toMillis() ?? 0) - at.toMillis();
  const isEnding = followedMs < CROWD_FOLLOWED_MS / 2;
  if (!isBehind && !isEnding) return head;
  return {
    ...head,
    updatedAt: latestAtOf(head),
    ...(isEnding ? { changedAt: Timestamp.fromMillis(at.toMillis() + CROWD_FOLLOWED_MS) } : {}),
  };
}

const followedUntil = (known: Timestamp | undefined, at: Timestamp): Timestamp =>
  known !== undefined && known.toMillis() > at.toMillis() + CLOCKS_APART_MS
    ? known
    : Timestamp.fromMillis(at.toMillis() + CROWD_FOLLOWED_MS);

export const later = (a: Timestamp, b: Timestamp): Timestamp => (b.valueOf() > a.valueOf() ? b : a);
