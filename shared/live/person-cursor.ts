/**
 * Where a stream of all of a person's chats was left: a moment of Firestore's clock, and what had been told
 * of the chats that changed in the OVERLAP_MS before it. Firestore stamps a change when it takes it, a little
 * before anyone can read it, so whoever resumes looks back that far, and leaves out what is listed.
 */
export interface Position {
  readonly ms: number;
  /** Chat number → everything up to this revision has been told. */
  readonly told: ReadonlyMap<number, number>;
}

/** A change can be read at most so long after its stamp; commits are given up after a third of this. */
export const OVERLAP_MS = 10_000;
/**
 * Of more chats than these the one that was told longest ago is not listed; its last changes may be told
 * twice.
 */
export const LISTED_MAX = 300;

/** Where a stream is. */
export interface PersonCursor {
  /** Everything of the chat up to this revision has been told; undefined when that is not known. */
  told(chat: number): number | undefined;
  advance(chat: number, revision: number, changedMs: number): void;
  /**
   * The present position as an event's id; `floorMs`: nothing after this moment is known to have been told.
   */
  id(floorMs: number): string;
}

export function createPersonCursor(from: Position | undefined): PersonCursor {
  const revisions = new Map(from?.told);
  // In the order of the last mention.
  const recent = new Map([...revisions.keys()].map((chat) => [chat, from?.ms ?? 0]));
  let latestMs = from?.ms ?? 0;
  return {
    told: (chat) => revisions.get(chat),
    advance(chat, revision, changedMs) {
      revisions.set(chat, revision);
      recent.delete(chat);
      recent.set(chat, changedMs);
      latestMs = Math.max(latestMs, changedMs);
    },
    id(floorMs) {
      const ms = Math.min(latestMs, floorMs);
      for (const [chat, changedMs] of recent) if (changedMs <= ms - OVERLAP_MS) recent.delete(chat);
      const listed = [...recent.keys()].slice(-LISTED_MAX);
      return [String(ms), ...listed.map((chat) => `${chat}-${revisions.get(chat)}`)].join(".");
    },
  };
}

/** `1732189000123.5-7.9-12`; undefined for what is no position. */
export function parsePosition(text: string): Position | undefined {
  if (!/^\d{1,15}(\.\d{1,15}-\d{1,15})*$/.test(text)) return undefined;
  const [ms = "", ...listed] = text.split(".");
  const told = listed.map((entry): [number, number] => {
    const [chat, revision] = entry.split("-");
    return [Number(chat), Number(revision)];
  });
  return { ms: Number(ms), told: new Map(told) };
}
