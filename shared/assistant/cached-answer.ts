import { storedAs } from "../platform/stored.ts";
import { type Body, decodeBody, encodeBody } from "../chat/log/body.ts";
import type { App } from "../identity/app.ts";
import type { AppSettings } from "../identity/contract.ts";
import type { DocumentReference } from "../platform/firestore.ts";
import { imagesOf } from "../platform/models/compose-turns.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { derivedId } from "../platform/ids.ts";
import type { Plan } from "./plan-answer.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";

/** An answer that can stand in for another to the very same question. */
interface StoredCachedAnswer {
  /** Whose it is; null where the app shares answers. */
  readonly asker: string | null;
  readonly model: string;
  readonly body: Body;
  readonly at: Timestamp;
  readonly expireAt: Timestamp;
}
export const storedCachedAnswer = storedAs<StoredCachedAnswer>();

/** Older answers are not given again. */
export const CACHED_ANSWER_TTL_MS = 7 * 24 * 3600 * 1000;

/**
 * Where the answer to a conversation is kept: only one that consists of the system prompt and a single
 * question, so that nothing that was said elsewhere can come with it; and among one person's unless the app
 * shares answers.
 */
export function cachedAnswerRef(
  app: App,
  { assistant }: AppSettings,
  asker: string,
  { conversation, temperature }: Pick<Plan, "conversation" | "temperature">,
): DocumentReference | undefined {
  const [question, ...more] = conversation.turns;
  if (assistant.cache === "off" || question === undefined || more.length > 0) return undefined;
  // Two pictures may have one name.
  if (imagesOf(question).length > 0) return undefined;
  const text = question.content.normalize("NFKC").trim().replace(/\s+/g, " ").toLowerCase();
  const whose = assistant.cache === "person" ? asker : "";
  return app
    .collection("cachedAnswers")
    .doc(derivedId("cached", whose, conversation.system.join("\n\n"), String(temperature ?? ""), text));
}

/** One read. */
export async function readCachedAnswer(
  ref: DocumentReference,
  nowMs: number,
): Promise<{ model: string; text: string } | undefined> {
  const stored = storedCachedAnswer(await within(READ_MS_MAX, ref.get()));
  if (stored === undefined || stored.expireAt.toMillis() <= nowMs) return undefined;
  return { model: stored.model, text: decodeBody(stored.body).text };
}

/** One write; a later answer replaces an earlier one. */
export async function keepAnswer(
  ref: DocumentReference,
  { assistant }: AppSettings,
  { asker, nowMs }: { readonly asker: string; readonly nowMs: number },
  { model, text }: { readonly model: string; readonly text: string },
): Promise<void> {
  const stored: StoredCachedAnswer = {
    asker: assistant.cache === "person" ? asker : null,
    model,
    body: encodeBody({ text }) as Body,
    at: Timestamp.fromMillis(nowMs),
    expireAt: Timestamp.fromMillis(nowMs + CACHED_ANSWER_TTL_MS),
  };
  await within(READ_MS_MAX, ref.set({ ...stored }));
}
