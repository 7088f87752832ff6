import type { ChatHandle } from "../chat-handle.ts";
import type { Principal } from "../../identity/principal.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { storedAs } from "../../platform/stored.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { LATEST_CHARS_MAX, type NewDraft } from "../contract.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { excerpt } from "../log/head.ts";
import { draftRef } from "../store.ts";
import { noteOwn } from "./change-own.ts";
import type { Draft } from "./own-state.ts";

const storedDraft = storedAs<{ readonly text: string }>();

/**
 * Keeps what the caller has begun to write, on all their devices; an empty text takes it away. A long one
 * stands in a document of its own, its beginning with their other notes. Idempotent. Costs 2 reads, 1 commit
 * and 3 writes.
 * @throws AppError `not_found`
 */
export async function keepDraft(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  { text }: NewDraft,
): Promise<void> {
  const at = Timestamp.fromMillis(deps.clock.now());
  const beginning = excerpt(text, LATEST_CHARS_MAX);
  const isCut = beginning.length < text.length;
  const draft: Draft = { text: beginning, at, ...(isCut ? { isCut } : {}) };
  const whole = draftRef(chat, principal.id);
  await noteOwn(
    deps,
    chat,
    principal,
    () => ({ draft: text === "" ? undefined : draft }),
    (batch) => (isCut ? batch.set(whole, { text }) : batch.delete(whole)),
  );
}

/** The whole of a draft of which the notes hold the beginning. 1 read. */
export async function readDraft(chat: ChatHandle, personId: string): Promise<string | undefined> {
  return storedDraft(await within(READ_MS_MAX, draftRef(chat, personId).get()))?.text;
}
