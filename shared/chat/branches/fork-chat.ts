import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import { demandOpen } from "../../identity/manage-app.ts";
import type { Spend } from "../../identity/spend.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError, GRPC, grpcCode } from "../../platform/errors.ts";
import type { WriteBatch } from "../../platform/firestore.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { recall } from "../../platform/head-change.ts";
import { derivedId, fingerprint } from "../../platform/ids.ts";
import { enqueue } from "../../platform/task.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { alsoHeldBy } from "../files/attach-files.ts";
import { type Body, encodeBody, lineOf } from "../log/body.ts";
import { type PathRange, pathOf } from "./branch.ts";
import { type ChatDeps, changeStamp } from "../log/chat-log.ts";
import { type Chat, LATEST_CHARS_MAX } from "../contract.ts";
import { newHead, requestProof, requestRecord } from "../log/create-chat.ts";
import { readSegments } from "../log/segments.ts";
import { facetsOf } from "../log/facets.ts";
import { access, type ChatHead, chatView, excerpt } from "../log/head.ts";
import type { StoredMessage } from "../log/message.ts";
import { type Silent, withSilent } from "../log/silent.ts";
import { isInSight, isVisible, type Sight } from "../log/sight.ts";
import { readAccessible } from "../read/read-messages.ts";
import { listAlong, type Row } from "./read-path.ts";
import { findMessage, headOf, messagesOf, readBranch, readHead, readHeadAndOwn } from "../store.ts";
import { forkTask } from "../tasks.ts";

/** Messages that a fork copies at most: as many as can be copied while the caller waits. */
export const FORK_MESSAGES_MAX = 10_000;
/** Messages read and written at once. */
const COPY_PAGE = 200;
/**
 * Copies the path to a message into a new chat of the caller alone. Until all is copied, nobody sees the new
 * chat; should this instance die, a task that was enqueued before finishes it. Idempotent under `requestKey`.
 *
 * Costs 3 or 4 reads, 1 task, 2 commits for the chat and for each COPY_PAGE messages 1 query for each
 * branch they lie on, as many reads and writes, and 1 commit.
 * @throws AppError `not_found`, `invalid_request`, `idempotency_key_reused`, `unavailable`
 */
export async function forkChat(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  {
    source,
    at,
    requestKey,
    spend,
  }: {
    readonly source: number;
    readonly at: number;
    readonly requestKey: string | undefined;
    readonly spend: Spend;
  },
): Promise<{ chat: Chat; replayed: boolean }> {
  const head = await readAccessible(deps, chatHandle(app, source), principal);
  const sight = head.sees?.[principal.id];
  const path = await readPathTo(chatHandle(app, source), at, (found) => isVisible(head, principal.id, found));
  const longest = path.reduce((sum, { after, through }) => sum + through - after, 0);
  if (longest > FORK_MESSAGES_MAX) {
    throw new AppError("invalid_request", `A fork copies at most ${FORK_MESSAGES_MAX} messages.`);
  }
  // Each message is read and written.
  await spend(2 * longest);
  const { number, replayed } = await createCopy(deps, app, principal, {
    of: head,
    copying: { source, path, ...(sight === undefined ? {} : { sight }) },
    requestKey,
  });
  await enqueue(deps, forkTask, { app: app.id, chat: number });
  const forked = await finishFork(deps, chatHandle(app, number));
  return { chat: chatView(forked, principal.id, { read: forked.lastNumber }), replayed };
}

/** The fork that a request made, while it is the caller's; undefined when it made none. 2 or 3 reads. */
export async function recallFork(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  { source, at, requestKey }: { readonly source: number; readonly at: number; readonly requestKey: string },
): Promise<Chat | undefined> {
  const number = await recall(requestProof(app, principal, requestKey, printOf(source, at)));
  if (number === undefined) return undefined;
  await finishFork(deps, chatHandle(app, number));
  const { snapshot, own } = await readHeadAndOwn(chatHandle(app, number), principal.id);
  return chatView(access(headOf(snapshot), principal), principal.id, own);
}

const printOf = (source: number, at: number): string => fingerprint("fork", String(source), String(at));

/** What is being copied into a chat, as its head says it until that is done. */
export interface Copying {
  readonly source: number;
  readonly path: readonly PathRange[];
  /** Of that, what whoever forks may see. */
  readonly sight?: Sight;
}

/** @throws AppError `invalid_request` when there is no such message */
async function readPathTo(
  chat: ChatHandle,
  at: number,
  mayRead: (message: StoredMessage) => boolean,
): Promise<PathRange[]> {
  const found = await findMessage(chat, at);
  if (found === undefined || !mayRead(found.stored)) {
    throw new AppError("invalid_request", "The message to fork at does not exist.", {
      errors: [{ path: "at", message: "must be the number of a message of this chat" }],
    });
  }
  const { branch } = found.stored;
  const lineage = (await readBranch(chat, branch))?.stored.lineage ?? [];
  return pathOf({ id: branch, lineage, lastNumber: at });
}

/** The new chat, without members while it is being filled, and so without anyone who could see it. */
async function createCopy(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  {
    of,
    copying,
    requestKey,
  }: { readonly of: ChatHead; readonly copying: Copying; readonly requestKey: string | undefined },
): Promise<{ number: number; replayed: boolean }> {
  const at = Timestamp.fromMillis(deps.clock.now());
  const print = printOf(copying.source, copying.path.at(-1)?.through ?? 0);
  const proof = requestKey === undefined ? undefined : requestProof(app, principal, requestKey, print);
  const { result: number, replayed } = await deps.chatLog.apps.change<number>(app.ref, {
    decide(head) {
      demandOpen(head);
      const next = head.lastChatNumber + 1;
      const draft = {
        kind: of.kind === "assistant" ? ("assistant" as const) : ("group" as const),
        title: of.title,
        tags: [...of.tags],
        ...(of.model === null ? {} : { model: of.model }),
        temporary: of.temporary,
      };
      const chat = { ...newHead(next, principal, [], { draft, at }), status: "copying", copying };
      const create = [{ ref: chatHandle(app, next).ref, data: { ...chat, ...changeStamp(chat) } }];
      const record = proof && { ref: proof.ref, data: requestRecord(next, print, at) };
      return {
        head: { ...head, lastChatNumber: next },
        create: record === undefined ? create : [...create, record],
        bytes: 2000 + copying.path.length * 50,
        result: next,
      };
    },
    ...(proof === undefined ? {} : { proof }),
  });
  return { number, replayed };
}

/**
 * Copies what is still to be copied into a new chat and opens it; returns its head. Every message has
 * the same place and name however often it is copied, so this may be done again, and by two at once.
 * @throws when Firestore fails; call it again
 */
export async function finishFork(deps: ChatDeps, chat: ChatHandle): Promise<ChatHead> {
  const snapshot = await readHead(chat);
  deps.chatLog.chats.remember(snapshot);
  const found = headOf(snapshot);
  if (found === undefined) throw new AppError("not_found", "There is no such chat.");
  const { copying } = found;
  if (found.status !== "copying" || copying === undefined) return found;
  const { last, silent } = await copyMessages(deps, chat, copying);
  const at = Timestamp.fromMillis(deps.clock.now());
  const { result } = await deps.chatLog.chats.change<ChatHead>(chat.ref, {
    decide(head) {
      if (head.status !== "copying") return { head, create: [], bytes: 0, result: head };
      const { copying: _done, ...rest } = head;
      const members = [head.createdBy];
      const count = last?.number ?? 0;
      // Each copied message has been a change, and the opening is one more.
      const revision = 1 + count + 1;
      const next: ChatHead = {
        ...rest,
        status: "open",
        members,
        ...facetsOf({ members, tags: head.tags }),
        revision,
        settingsRevision: revision,
        settingsAt: at,
        facetsRevision: revision,
        lastNumber: count,
        // What one has copied, one has read.
        sent: { [head.createdBy]: count },
        silent,
        tip: count,
        latest: last === undefined ? null : latestOf(last),
        updatedAt: at,
      };
      return { head: next, create: [], bytes: 0, result: next };
    },
  });
  return result;
}

const latestOf = ({ number, sender, body, createdAt }: StoredMessage): ChatHead["latest"] => ({
  number,
  sender,
  text: excerpt(lineOf(body), LATEST_CHARS_MAX),
  createdAt,
});

/** Returns the last message of the copy, and which of them are unread to nobody. */
async function copyMessages(
  deps: ChatDeps,
  chat: ChatHandle,
  { source, path, sight }: Copying,
): Promise<{ readonly last: StoredMessage | undefined; readonly silent: Silent }> {
  let silent: Silent = [];
  const numbers = new Map<number, number>();
  let after = 0;
  let last: StoredMessage | undefined;
  for (;;) {
    const rows = await listAlong(chatHandle(chat.app, source), path, { after }, COPY_PAGE);
    const batch = deps.firestore.batch();
    const at = Timestamp.fromMillis(deps.clock.now());
    let copied = 0;
    for (const row of rows) {
      after = row.stored.number;
      if (!isInSight(sight, row.stored)) continue;
      copied += 1;
      const stored = await withSpokenText(chatHandle(chat.app, source), row);
      const number = numbers.size + 1;
      numbers.set(stored.number, number);
      last = copyOf({ id: "", stored }, number, numbers);
      if (last.silent === true) silent = withSilent(silent, number);
      batch.create(
        messagesOf(chat).doc(derivedId("copy", chat.app.id, String(chat.number), String(number))),
        {
          ...last,
        },
      );
      for (const held of alsoHeldBy(chat, number, last.body.files, at)) {
        batch.set(held.ref, held.data, { merge: true });
      }
    }
    if (copied > 0) await commitPage(batch);
    if (rows.length < COPY_PAGE) return { last, silent };
  }
}

/**
 * A page that is there already was copied by another attempt. It is left alone: an instance that was held up
 * would otherwise bring back what has been edited or deleted in the fork since.
 */
async function commitPage(batch: WriteBatch): Promise<void> {
  try {
    await within(READ_MS_MAX, batch.commit());
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
  }
}

/** An answer under way is copied as if it were stopped now, with what it has said. 1 query for each. */
async function withSpokenText(source: ChatHandle, { id, stored }: Row): Promise<StoredMessage> {
  const { status, answer } = stored;
  if (answer === undefined || (status !== "queued" && status !== "streaming")) return stored;
  const { text } = await readSegments(source, id, answer.epoch);
  return { ...stored, status: "stopped", body: { ...stored.body, text } };
}

/** The message as it stands in the copy: what it says is kept, who reacted and what it said before is not. */
function copyOf({ stored }: Row, number: number, numbers: ReadonlyMap<number, number>): StoredMessage {
  const { quote, ...body }: Body = stored.body;
  const quoted = quote && numbers.get(quote.message);
  return {
    number,
    revision: 1 + number,
    createdRevision: 1 + number,
    branch: "main",
    parent: number === 1 ? null : number - 1,
    sender: stored.sender,
    role: stored.role,
    body: encodeBody({
      ...body,
      quote: quote === undefined || quoted === undefined ? undefined : { ...quote, message: quoted },
    }) as StoredMessage["body"],
    status: stored.status,
    ...(stored.event === undefined ? {} : { event: stored.event }),
    ...(stored.status === "deleted" || stored.event !== undefined ? { silent: true } : {}),
    isCopy: true,
    fingerprint: stored.fingerprint,
    createdAt: stored.createdAt,
  };
}
