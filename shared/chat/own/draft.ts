import type { ChatHandle } from "../chat-handle.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError } from "../../platform/errors.ts";
import { FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import { storedAs } from "../../platform/stored.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { LATEST_CHARS_MAX, type NewDraft } from "../contract.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { excerpt } from "../log/head.ts";
import { draftRef, threadDraftsRef } from "../store.ts";
import { noteOwn } from "./change-own.ts";
import { type Draft, draftView } from "./own-state.ts";

const storedDraft = storedAs<{ readonly text: string }>();
const storedThreadDrafts = storedAs<Readonly<Record<string, string>>>();

/** Threads of one chat in which somebody has begun to write; of more, the oldest beginnings are dropped. */
export const THREAD_DRAFTS_MAX = 8;

/**
 * Keeps what the caller has begun to write in a chat, or in one of its threads, on all their devices; an
 * empty text takes it away. A long one stands in a document of its own, its beginning with their other notes.
 * Idempotent. Costs 2 reads, 1 commit and 3 writes, of a short one in a thread 2.
 * @throws AppError `not_found`, `invalid_request` for a thread of no message
 */
export async function keepDraft(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  { text, thread }: NewDraft,
): Promise<void> {
  const at = Timestamp.fromMillis(deps.clock.now());
  const beginning = excerpt(text, LATEST_CHARS_MAX);
  const isCut = beginning.length < text.length;
  const draft: Draft = { text: beginning, at, ...(isCut ? { isCut } : {}) };
  if (thread !== undefined) return keepThreadDraft(deps, chat, principal, { thread, text, draft });
  const whole = draftRef(chat, principal.id);
  await noteOwn(deps, chat, principal, () => ({ draft: text === "" ? undefined : draft }), {
    besides: (batch) => (isCut ? batch.set(whole, { text }) : batch.delete(whole)),
  });
}

async function keepThreadDraft(
  deps: ChatDeps,
  chat: ChatHandle,
  principal: Principal,
  { thread, text, draft }: { readonly thread: number; readonly text: string; readonly draft: Draft },
): Promise<void> {
  const key = String(thread);
  /** Texts that stand, or stood, in the document of long ones. */
  const whole: Record<string, unknown> = {};
  await noteOwn(
    deps,
    chat,
    principal,
    ({ lastNumber }, { threadDrafts = {} }) => {
      if (thread > lastNumber) throw noSuchThread();
      const others = Object.entries(threadDrafts).filter(([other]) => other !== key);
      const dropped = oldestOf(others, others.length + (text === "" ? 0 : 1) - THREAD_DRAFTS_MAX);
      for (const [other, { isCut }] of dropped) if (isCut) whole[other] = FieldValue.delete();
      if (draft.isCut) whole[key] = text;
      else if (threadDrafts[key]?.isCut) whole[key] = FieldValue.delete();
      const gone = Object.fromEntries(dropped.map(([other]) => [other, FieldValue.delete()]));
      const now = { [key]: text === "" ? FieldValue.delete() : draft };
      // Firestore takes the sentinels in place of drafts.
      return { threadDrafts: { ...gone, ...now } as Readonly<Record<string, Draft>> };
    },
    {
      besides(batch) {
        if (Object.keys(whole).length === 0) return;
        batch.set(threadDraftsRef(chat, principal.id), whole, { merge: true });
      },
      told: { threadDraft: { thread, ...draftView(draft) } },
    },
  );
}

const oldestOf = (drafts: readonly [string, Draft][], count: number): readonly [string, Draft][] =>
  drafts.toSorted(([, a], [, b]) => a.at.toMillis() - b.at.toMillis()).slice(0, Math.max(0, count));

const noSuchThread = (): AppError =>
  new AppError("invalid_request", "No message has this number yet.", {
    errors: [{ path: "thread", message: "must be the number of a message of this chat" }],
  });

/** The whole of a draft of which the notes hold the beginning. 1 read. */
export async function readDraft(chat: ChatHandle, personId: string): Promise<string | undefined> {
  return storedDraft(await within(READ_MS_MAX, draftRef(chat, personId).get()))?.text;
}

/** The same in a thread. 1 read. */
export async function readThreadDraft(
  chat: ChatHandle,
  personId: string,
  root: number,
): Promise<string | undefined> {
  const found = await within(READ_MS_MAX, threadDraftsRef(chat, personId).get());
  return storedThreadDrafts(found)?.[String(root)];
}
