import { Timestamp } from "../platform/firestore-values.ts";
import { UNSENT_MS } from "./limits.ts";
import type { StoredFile } from "./store.ts";

const countIn = (place: StoredFile["hidden"]): number =>
  Object.values(place ?? {}).reduce((sum, numbers) => sum + numbers.length, 0);

/** How often the file is held: by messages, hidden ones and those to be sent included, and as a picture. */
export const heldBy = ({
  chats,
  hidden,
  scheduled = [],
  shownAs,
}: Pick<StoredFile, "chats" | "hidden" | "scheduled" | "shownAs">): number =>
  countIn(chats) + countIn(hidden) + scheduled.length + (shownAs === undefined ? 0 : 1);

/** When a file that no message holds is removed. */
export const unsentUntil = ({
  createdAt,
  keptUntil,
}: Pick<StoredFile, "createdAt" | "keptUntil">): Timestamp =>
  keptUntil ?? Timestamp.fromMillis(createdAt.toMillis() + UNSENT_MS);
