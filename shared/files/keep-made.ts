import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import { GRPC, grpcCode } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { keptName } from "./object-names.ts";
import { fileRef, type StoredFile } from "./store.ts";

/** What is made for somebody was not uploaded; its object is named as if it had been, once. */
const MADE = "1";

/** Where the bytes of a file lie that is made for somebody. */
export const madeName = (app: Pick<App, "id">, id: string): string => keptName(app, id, MADE);

export interface MadeFile extends Pick<StoredFile, "name" | "type" | "size" | "sha256" | "createdBy"> {
  readonly id: string;
  /** How long it is kept, unless a message holds it. */
  readonly keptMs: number;
}

/**
 * Makes what lies at `madeName` a file of somebody's, who loads and deletes it as any other. Idempotent: one
 * that is there stays, also when it was deleted since. 1 write.
 */
export async function keepMade(
  { clock }: Pick<Deps, "clock">,
  app: App,
  { id, keptMs, ...file }: MadeFile,
): Promise<void> {
  const nowMs = clock.now();
  const until = Timestamp.fromMillis(nowMs + keptMs);
  const stored: StoredFile = {
    ...file,
    status: "ready",
    generation: MADE,
    chats: {},
    keptUntil: until,
    dueAt: until,
    createdAt: Timestamp.fromMillis(nowMs),
  };
  try {
    await within(READ_MS_MAX, fileRef(app, id).create(stored));
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
  }
}
