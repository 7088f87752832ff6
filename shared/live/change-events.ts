import { chatHandle } from "../chat/chat-handle.ts";
import { adminsOf, rulesOf } from "../chat/log/group-rules.ts";
import { type ChatHead, titleByOf } from "../chat/log/head.ts";
import { isVisible } from "../chat/log/sight.ts";
import { messageView, type StoredMessage } from "../chat/log/message.ts";
import { listChangedAfter } from "../chat/blocks/read-blocks.ts";
import { headOf, readHead } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { LiveEvent } from "./contract.ts";

/** The changes of a chat after one revision, and up to another all there are. */
export interface Page {
  readonly head: ChatHead;
  readonly rows: readonly { readonly id: string; readonly stored: StoredMessage }[];
  readonly after: number;
  readonly through: number;
}

/** An event with the revision that it tells of. */
export interface ChangeEvent extends LiveEvent {
  readonly id: number;
}

/** What a page tells to somebody who knows everything up to a revision, in the order of the revisions. */
export function changeEvents({ head, rows, through }: Page, known: number, personId: string): ChangeEvent[] {
  const events = rows
    .filter(({ stored }) => stored.revision > known && isVisible(head, personId, stored))
    .map(({ id, stored }): ChangeEvent => ({
      id: stored.revision,
      event: stored.createdRevision > known ? "message.created" : "message.changed",
      data: { chat: head.number, message: messageView(id, stored) },
    }));
  if (head.settingsRevision > known && head.settingsRevision <= through) {
    events.push({ id: head.settingsRevision, event: "chat.changed", data: settingsOf(head) });
    events.sort((a, b) => a.id - b.id);
  }
  return events;
}

const settingsOf = (head: ChatHead): object => ({
  chat: head.number,
  revision: head.settingsRevision,
  title: head.title,
  titleBy: titleByOf(head),
  model: head.model,
  instructions: head.instructions ?? null,
  temperature: head.temperature ?? null,
  tags: head.tags,
  members: head.members,
  ...(head.kind === "group" ? { admins: adminsOf(head), rules: rulesOf(head) } : {}),
  pinnedMessages: head.pinnedMessages ?? [],
  metadata: head.metadata ?? {},
  activeBranch: head.activeBranch,
  branchesCount: head.branchesCount,
});

/** Messages read at once; a message may take 130 KB. */
export const PAGE_MAX = 100;

/**
 * The changes of a chat after a revision, as far as one page of `limit` messages goes. One query and a read
 * for each message; many that lie in the chat's newest cost 1 read.
 */
export async function readPage(
  app: App,
  head: ChatHead,
  after: number,
  limit: number = PAGE_MAX,
): Promise<Page> {
  const chat = chatHandle(app, head.number);
  const rows = await listChangedAfter(chat, after, { revision: head.revision, limit });
  const last = rows.at(-1)?.stored.revision ?? after;
  // Rows are read later than the head. If the chat's settings changed in between, this page has to tell of
  // them, since no later page would. Invariant: functions/flows/live/convergence.test.ts.
  const isBehind = last > head.revision;
  const current = isBehind ? (headOf(await readHead(chat)) ?? head) : head;
  return {
    head: current,
    rows,
    after,
    through: rows.length === limit ? last : Math.max(last, head.revision),
  };
}
