import { listNumbered } from "../../chat/blocks/read-blocks.ts";
import type { Row } from "../../chat/branches/read-path.ts";
import { type ChatHandle, chatHandle } from "../../chat/chat-handle.ts";
import { EDITS_MAX } from "../../chat/contract.ts";
import type { ChatHead } from "../../chat/log/head.ts";
import { messageView, type StoredMessage } from "../../chat/log/message.ts";
import { readSegments } from "../../chat/log/segments.ts";
import { isVisible } from "../../chat/log/sight.ts";
import { listEdits, messagesOf } from "../../chat/store.ts";
import type { File } from "../../files/contract.ts";
import { eachConcurrently } from "../../platform/each-concurrently.ts";
import { exportPaths, type ExportedMessage } from "../contract.ts";
import { entryName } from "../entry-name.ts";
import { type ExportContext, type HeldFile, sightOf } from "../export-context.ts";
import { readFeedback } from "../store.ts";

/** Messages of one page at most, and about how many bytes: a page is written in memory. */
export const PAGE_MESSAGES = 500;
export const PAGE_BYTES = 2 * 1024 * 1024;
/** Messages that are read at once. */
const READ_MESSAGES = 100;
/** Histories of messages that are read at once. */
const EDITS_AT_ONCE = 8;

/** Messages of a chat, and where the next page begins. */
export interface MessagesPage {
  readonly messages: readonly ExportedMessage[];
  readonly next: number;
}

/**
 * The next messages of a chat, from a number on and up to another, with all that belongs to each. A read for
 * each block of 64, one for what is newest, and one for each answer for what the person thinks of it; 1 query
 * for each message that was edited.
 */
export async function readPage(
  context: ExportContext,
  head: ChatHead,
  { from, through }: { readonly from: number; readonly through: number },
): Promise<MessagesPage> {
  const chat = chatHandle(context.app, head.number);
  const messages: ExportedMessage[] = [];
  let next = from;
  let bytes = 0;
  while (next <= through && messages.length < PAGE_MESSAGES && bytes < PAGE_BYTES) {
    const end = Math.min(next + READ_MESSAGES, through + 1);
    const range = { after: next - 1, before: end, order: "asc", limit: READ_MESSAGES } as const;
    const rows = await listNumbered(chat, range, head.revision);
    const seen = rows.filter(({ stored }) => isVisible(head, sightOf(context), stored));
    for (const message of await exportedOf(context, chat, seen)) {
      messages.push(message);
      bytes += message.text.length;
    }
    next = end;
  }
  return { messages, next };
}

async function exportedOf(
  context: ExportContext,
  chat: ChatHandle,
  rows: readonly Row[],
): Promise<ExportedMessage[]> {
  const answers = rows.flatMap(({ id, stored }) => ("model" in stored.sender ? [id] : []));
  // Of a whole app nothing is the reader's own.
  const feedback = await readFeedback(chat, context.scope === "app" ? [] : answers, context.person);
  const views = new Map<string, ExportedMessage>();
  await eachConcurrently(EDITS_AT_ONCE, rows, async ({ id, stored }) => {
    const message = messageView(id, await asFarAsSaid(chat, id, stored));
    const given = feedback.get(id);
    const attachments = attachmentsOf(chat.number, message.number, message.files);
    views.set(id, {
      ...message,
      ...(await editsOf(chat, id, stored)),
      ...(given === undefined ? {} : { feedback: given }),
      ...(attachments.length === 0 ? {} : { attachments }),
    });
  });
  return rows.flatMap(({ id }) => views.get(id) ?? []);
}

/** An answer under way is what it has said so far. 1 query. */
async function asFarAsSaid(chat: ChatHandle, id: string, stored: StoredMessage): Promise<StoredMessage> {
  const { status, answer } = stored;
  if (answer === undefined || (status !== "queued" && status !== "streaming")) return stored;
  const { text } = await readSegments(chat, id, answer.epoch);
  return { ...stored, body: { ...stored.body, text } };
}

/** 1 query for a message that was edited; what it said is withheld with it. */
async function editsOf(
  chat: ChatHandle,
  id: string,
  { editedAt, status, hidden }: StoredMessage,
): Promise<Pick<ExportedMessage, "edits">> {
  if (editedAt === undefined || status === "deleted" || hidden === true) return {};
  const found = await listEdits(messagesOf(chat).doc(id), { limit: EDITS_MAX + 1 });
  const edits = found.map(({ stored: { text, revision, at } }) => ({
    text,
    revision,
    createdAt: at.toDate().toISOString(),
  }));
  return { edits };
}

const heldBy = ({ number, attachments = [] }: Pick<ExportedMessage, "number" | "attachments">): HeldFile[] =>
  attachments.flatMap(({ file: id, path }, index) =>
    path === undefined ? [] : [{ message: number, index, id, path }],
  );

/** The files of a page that has just been written, for as long as the step lasts. */
export function rememberFiles(
  { memory }: Pick<ExportContext, "memory">,
  { chat, from }: { readonly chat: number; readonly from: number },
  messages: readonly Pick<ExportedMessage, "number" | "attachments">[],
): readonly HeldFile[] {
  const files = messages.flatMap(heldBy);
  memory.files = { chat, from, files };
  return files;
}

/** The files of a page: those that are remembered, or its messages are read again, as `readPage` does. */
export async function filesOfPage(
  context: ExportContext,
  head: ChatHead,
  { from, through }: { readonly from: number; readonly through: number },
): Promise<readonly HeldFile[]> {
  const { files } = context.memory;
  if (files?.chat === head.number && files.from === from) return files.files;
  const chat = chatHandle(context.app, head.number);
  const messages: Pick<ExportedMessage, "number" | "attachments">[] = [];
  for (let next = from; next <= through; next += READ_MESSAGES) {
    const range = {
      after: next - 1,
      before: Math.min(next + READ_MESSAGES, through + 1),
      order: "asc",
    } as const;
    const rows = await listNumbered(chat, { ...range, limit: READ_MESSAGES }, head.revision);
    for (const { id, stored } of rows) {
      if (!isVisible(head, sightOf(context), stored)) continue;
      const { number, files: held } = messageView(id, stored);
      messages.push({ number, attachments: attachmentsOf(head.number, number, held) });
    }
  }
  return rememberFiles(context, { chat: head.number, from }, messages);
}

/** Where the files of a message are to lie. What is not ready has no bytes yet, or will never have any. */
const attachmentsOf = (
  chat: number,
  message: number,
  files: readonly File[] = [],
): NonNullable<ExportedMessage["attachments"]> =>
  files.map(({ id, name, status }, index) =>
    status === "ready"
      ? { file: id, path: exportPaths.attachment(chat, message, entryName(`${index + 1}-`, name)) }
      : { file: id },
  );
