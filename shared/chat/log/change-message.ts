import type { ChatHandle } from "../chat-handle.ts";
import { demandStored } from "../../platform/stored.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError } from "../../platform/errors.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { keyReused, type Proof, recall } from "../../platform/head-change.ts";
import type { MetadataChange } from "../../platform/contract.ts";
import { changedMetadata, isSameMetadata } from "../../platform/metadata.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { derivedId, fingerprint, randomId } from "../../platform/ids.ts";
import { encodeBody, textOf } from "./body.ts";
import type { ChatDeps } from "./chat-log.ts";
import { EDITS_MAX, LATEST_CHARS_MAX, type Mention, type Message } from "../contract.ts";
import { mentionsFor } from "./compose-body.ts";
import { demandInGroup } from "./group-rules.ts";
import { demandMembers, withMentions } from "./mentions.ts";
import { accessToWrite, advance, type ChatHead, excerpt } from "./head.ts";
import { messageView, type StoredMessage } from "./message.ts";
import { withSilent } from "./silent.ts";
import { readAccessible, readVisible } from "../read/read-messages.ts";
import { type JudgedText, NOT_JUDGED, type TextJudge } from "./text-judge.ts";
import {
  editsOf,
  type FoundMessage,
  findMessage,
  type StoredEdit,
  serverTime,
  storedEdit,
} from "../store.ts";

/** What the caller believes a message's revision to be; the change is refused when it is another. */
export type Expected = ((revision: number) => boolean) | undefined;

/** @throws AppError `precondition_failed` */
export function demandExpected({ revision }: StoredMessage, expected: Expected): void {
  if (expected === undefined || expected(revision)) return;
  throw new AppError("precondition_failed", "The message has been changed since you read it.");
}

/** Where a change of a message happens, and who makes it. */
export interface MessageAddress {
  readonly chat: ChatHandle;
  readonly number: number;
  readonly principal: Principal;
}

/**
 * Replaces a message's text and keeps what it said before. Idempotent under `requestKey`. Costs 1 query, 1
 * read, 1 commit and 3 writes (4 at the first edit), 1 publish.
 * @throws AppError `not_found`, `forbidden` to anyone but its sender or the asker of an answer, `conflict`
 * for a deleted or hidden message, an answer under way, or beyond EDITS_MAX, `precondition_failed`
 */
export async function editMessage(
  deps: ChatDeps,
  address: MessageAddress,
  {
    text,
    mentions,
    metadata,
    requestKey,
    expected,
    judge,
  }: {
    readonly text: string;
    readonly mentions?: readonly Mention[] | undefined;
    /** What is noted at it is changed in the same commit. */
    readonly metadata?: MetadataChange | undefined;
    readonly requestKey: string | undefined;
    readonly expected?: Expected;
    readonly judge?: TextJudge | undefined;
  },
): Promise<Message> {
  const { chat, principal } = address;
  let found = await findAccessible(deps, address);
  const { ref } = found;
  let isFirst = true;
  const at = Timestamp.fromMillis(deps.clock.now());
  const print = editPrint({ text, metadata });
  const edit = editRef(ref, principal, requestKey);
  let judged = NOT_JUDGED;
  if (judge?.judge !== undefined && (requestKey === undefined || !(await isStored(edit, print)))) {
    demandChangeable(found);
    judged = await judgeEdit(judge.judge, deps, address, { found, edit, text });
  }
  if (found.stored.hidden === true && requestKey !== undefined && (await isStored(edit, print))) {
    // The edit itself was hidden, by the hook or by a moderator since: it stands as it is.
    return messageView(ref.id, found.stored);
  }
  demandChangeable(found);
  const named = await mentionsFor(deps, chat, principal, { text, mentions });
  const { result } = await deps.chatLog.chats.change<Message>(chat.ref, {
    // Read anew before each further attempt: an edit that overtakes a deletion would bring the text back.
    async prepare() {
      if (!isFirst) found = await findChangeable(deps, address);
      isFirst = false;
    },
    decide(head) {
      accessToWrite(head, principal);
      const { stored, updateTime } = found;
      if (!isOwn(head, stored, principal)) throw new AppError("forbidden", "Only who sent it may edit it.");
      if (stored.event !== undefined) throw new AppError("conflict", "It tells what happened to the group.");
      if (stored.status === "queued" || stored.status === "streaming") {
        throw new AppError("conflict", "The answer is still being made; stop it first.");
      }
      demandExpected(stored, expected);
      demandInGroup(head, principal, "write");
      if (named !== undefined) demandMembers(head, named);
      const noted = metadata === undefined ? stored.metadata : changedMetadata(stored.metadata, metadata);
      const isSameText = text === stored.body.text && isSameList(named, stored.body.mentions);
      if (isSameText && isSameMetadata(stored.metadata, noted)) {
        return { head, create: [], bytes: 0, result: messageView(ref.id, stored) };
      }
      const edits = (stored.edits ?? 0) + 1;
      if (edits > EDITS_MAX)
        throw new AppError("conflict", `A message is edited at most ${EDITS_MAX} times.`);
      const shown = judged.isHidden ? "" : text;
      const next = advance(head, at, {
        ...withMentions(head, stored.number, named ?? []),
        ...latestWith(head, stored.number, shown),
        ...(judged.isHidden ? { silent: withSilent(head.silent, stored.number) } : {}),
      });
      const before = noted === undefined ? stored : { ...stored, metadata: noted };
      const changed = edited(before, {
        text,
        mentions: named,
        at,
        revision: next.revision,
        isHidden: judged.isHidden,
      });
      const withheld = judged.isHidden ? { ...stored.body, text } : undefined;
      const records = judged.records({ message: stored.number, withheld });
      const added: StoredEdit = { text, revision: next.revision, at, fingerprint: print };
      return {
        head: next,
        create: [...originalOf(found), { ref: edit, data: added }, ...records],
        update: [
          {
            ref,
            fields: Object.entries({
              body: changed.body,
              ...(noted === stored.metadata ? {} : { metadata: noted }),
              editedAt: at,
              edits,
              revision: next.revision,
              changedAt: serverTime(),
              ...(judged.isHidden ? { hidden: true, silent: true } : {}),
              ...(judge !== undefined && judge.judge === undefined ? { toJudge: next.revision } : {}),
            }),
            lastUpdateTime: updateTime,
          },
        ],
        bytes: text.length * 6,
        result: messageView(ref.id, changed),
      };
    },
    proof: editProof(edit, print, () => found),
  });
  return result;
}

const editRef = (message: DocumentReference, { id }: Principal, requestKey: string | undefined) =>
  editsOf(message).doc(requestKey === undefined ? randomId() : derivedId("edit", message.id, id, requestKey));

const editProof = (edit: DocumentReference, print: string, found: () => FoundMessage): Proof<Message> => ({
  ref: edit,
  fingerprint: print,
  result: (existing) => {
    const made = demandStored(storedEdit(existing));
    const { ref, stored } = found();
    return messageView(
      ref.id,
      edited(stored, { ...made, mentions: stored.body.mentions, isHidden: stored.hidden === true }),
    );
  },
});

/** The message that a request edited, as it was then; undefined when it edited none. 2 reads. */
export async function recallEdit(
  { chat, number, principal }: MessageAddress,
  change: { readonly text: string; readonly metadata?: MetadataChange | undefined },
  requestKey: string,
): Promise<Message | undefined> {
  const found = await findMessage(chat, number);
  if (found === undefined) return undefined;
  return recall(editProof(editRef(found.ref, principal, requestKey), editPrint(change), () => found));
}

const editPrint = ({
  text,
  metadata,
}: {
  readonly text: string;
  readonly metadata?: MetadataChange | undefined;
}): string => (metadata === undefined ? fingerprint(text) : fingerprint(text, JSON.stringify(metadata)));

const isFrom = ({ sender }: StoredMessage, { id }: Principal): boolean => "id" in sender && sender.id === id;

/**
 * One's own are what one has sent, and the answers that one has asked a model for; in a fork, those that came
 * with it.
 */
export const isOwn = (head: ChatHead, stored: StoredMessage, principal: Principal): boolean =>
  isFrom(stored, principal) ||
  (head.kind === "assistant" &&
    stored.role === "assistant" &&
    (stored.answer?.asker ?? head.createdBy) === principal.id);

const isSameList = (a: readonly Mention[] = [], b: readonly Mention[] = []): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

const edited = (
  stored: StoredMessage,
  {
    text,
    mentions,
    at,
    revision,
    isHidden,
  }: Pick<StoredEdit, "text" | "at" | "revision"> & {
    readonly mentions: readonly Mention[] | undefined;
    readonly isHidden: boolean;
  },
): StoredMessage => ({
  ...stored,
  body: encodeBody(isHidden ? { text: "" } : { ...stored.body, text, mentions }) as StoredMessage["body"],
  ...(isHidden ? { hidden: true } : {}),
  editedAt: at,
  revision,
});

/** Whether the edit was made before. 1 read. @throws AppError `idempotency_key_reused` */
async function isStored(edit: DocumentReference, print: string): Promise<boolean> {
  const made = storedEdit(await within(READ_MS_MAX, edit.get()));
  if (made !== undefined && made.fingerprint !== print) throw keyReused();
  return made !== undefined;
}

/** Has an edit judged that the principal may make. 1 read. @throws AppError `message_refused` */
async function judgeEdit(
  judge: NonNullable<TextJudge["judge"]>,
  deps: ChatDeps,
  { chat, principal }: MessageAddress,
  {
    found,
    edit,
    text,
  }: { readonly found: FoundMessage; readonly edit: DocumentReference; readonly text: string },
): Promise<JudgedText> {
  const head = accessToWrite(await readAccessible(deps, chat, principal), principal);
  if (!isOwn(head, found.stored, principal)) throw new AppError("forbidden", "Only who sent it may edit it.");
  const { number, kind } = head;
  return judge({
    id: edit.id,
    chat: { number, kind },
    sender: principal.id,
    body: { ...found.stored.body, text },
    isEdit: true,
  });
}

/** What the message said first, kept when it is edited for the first time. */
function originalOf({ ref, stored }: FoundMessage): { ref: DocumentReference; data: StoredEdit }[] {
  if (stored.editedAt !== undefined) return [];
  const { body, revision, createdAt, fingerprint: print } = stored;
  return [
    {
      ref: editsOf(ref).doc("original"),
      data: { text: textOf(body), revision, at: createdAt, fingerprint: print },
    },
  ];
}

/** 2 reads. @throws AppError `not_found` */
export const findAccessible = (
  deps: ChatDeps,
  { chat, number, principal }: MessageAddress,
): Promise<FoundMessage> => readVisible(deps, chat, principal, number);

export async function findChangeable(deps: ChatDeps, address: MessageAddress): Promise<FoundMessage> {
  const found = await findAccessible(deps, address);
  demandChangeable(found);
  return found;
}

function demandChangeable({ stored }: FoundMessage): void {
  if (stored.status === "deleted") throw new AppError("conflict", "The message has been deleted.");
  if (stored.hidden === true) throw new AppError("conflict", "The message is hidden.");
}

/** The head's excerpt follows its message. */
export const latestWith = (head: ChatHead, number: number, text: string): Partial<ChatHead> =>
  head.latest?.number === number ? { latest: { ...head.latest, text: excerpt(text, LATEST_CHARS_MAX) } } : {};
