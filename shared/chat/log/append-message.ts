import type { ChatHandle } from "../chat-handle.ts";
import { demandStored } from "../../platform/stored.ts";
import { demand } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError } from "../../platform/errors.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { type Decision, type Proof, recall } from "../../platform/head-change.ts";
import type { Metadata } from "../../platform/contract.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { derivedId, fingerprint, randomId } from "../../platform/ids.ts";
import { type QueuedQuestion, answerRef, type Classified, decideAnswer } from "./append-answer.ts";
import { type Body, encodeBody, lineOf, textOf } from "./body.ts";
import {
  demandBranches,
  type ForkPoint,
  readForkPoint,
  turnedTo,
  turningWrites,
} from "../branches/branch.ts";
import { attachedTo, type Attachable, readAttachable } from "../files/attach-files.ts";
import type { ChatDeps } from "./chat-log.ts";
import { LATEST_CHARS_MAX, type Message, type NewMessage } from "../contract.ts";
import { composeBody } from "./compose-body.ts";
import { demandInGroup } from "./group-rules.ts";
import { accessToWrite, advance, type ChatHead, excerpt } from "./head.ts";
import { demandMembers, withMentions } from "./mentions.ts";
import { messageView, type StoredMessage, storedMessage, type ThreadRoot } from "./message.ts";
import { readAccessible } from "../read/read-messages.ts";
import { withSilent } from "./silent.ts";
import { messagesOf, serverTime } from "../store.ts";
import { withReply } from "./thread.ts";
import { type JudgedText, NOT_JUDGED, type TextJudge } from "./text-judge.ts";

export interface AppendRequest {
  readonly draft: NewMessage;
  readonly requestKey: string | undefined;
  /** How a question is to be answered, in a chat with a model. */
  readonly classify?: (text: string) => Classified;
  /** Who judges what it says; absent: nobody. */
  readonly judge?: TextJudge | undefined;
}

/**
 * Appends a message: one commit that creates it and moves the chat's head, shared with whatever else
 * is waiting to be appended to the same chat. When it returns, the message is durable and numbered.
 *
 * Idempotent under `requestKey`, for as long as the message lives. Costs 1 commit, 2 writes and 1 publish; 1
 * read when this instance does not know the head; 2 reads and 1 write more for a reply, 2 reads for a
 * forward, 1 and one for each member for a text that may name somebody; 1 read and 1 write more for each
 * file; with `after` up to 2 reads more, and 2 writes more when it begins a branch. In a chat with a model
 * the answer is queued in the same commit, at 1 write more; `queued` says what is to be done.
 * @throws AppError `not_found`, `forbidden`, `invalid_request`, `idempotency_key_reused`, `unavailable`
 */
export async function appendMessage(
  deps: ChatDeps,
  chat: ChatHandle,
  sender: Principal,
  { draft, requestKey, classify = () => ({ lane: "slow" }), judge }: AppendRequest,
): Promise<{ message: Message; replayed: boolean; queued: QueuedQuestion | undefined }> {
  demandAs(sender, draft);
  const proof = messageProof(chat, sender, { draft, requestKey });
  const { ref, fingerprint: print } = proof;
  const { id } = ref;
  const answerId = answerRef(chat, id).id;
  const { body: written, thread, forwarded } = await composeBody(deps, chat, sender, draft);
  const judged =
    judge?.judge === undefined
      ? NOT_JUDGED
      : await judgeDraft(judge.judge, { deps, chat, sender, body: written, ref, requestKey });
  const createdAt = Timestamp.fromMillis(deps.clock.now());
  const { after } = draft;
  const wanted = { own: draft.files ?? [], forwarded };
  const hasFiles = wanted.own.length + forwarded.length > 0;
  let point: ForkPoint | undefined;
  let files: readonly Attachable[] = [];
  let queued: QueuedQuestion | undefined;
  const { result, replayed } = await deps.chatLog.chats.change<Message>(chat.ref, {
    ...(after === undefined && !hasFiles
      ? {}
      : {
          async prepare() {
            if (after !== undefined) point ??= await readForkPoint(chat, after);
            // Anew before each attempt: the commit stands only if none of them has changed.
            if (hasFiles) files = await readAttachable(deps, chat.app, sender, wanted);
          },
        }),
    decide(head) {
      const body = hasFiles ? { ...written, files: files.map(({ view }) => view) } : written;
      const said = judged.isHidden ? HIDDEN_BODY : body;
      demandInGroup(accessToWrite(head, sender), sender, "write");
      if (body.mentions !== undefined) demandMembers(head, body.mentions);
      const { next, stored, turns } = decideAppend(head, sender, said, {
        thread,
        ...(judged.isHidden ? { hidden: true } : {}),
        ...(judge !== undefined && judge.judge === undefined ? { isToJudge: true } : {}),
        print,
        createdAt,
        point,
        bot: draft.sender?.bot,
        role: draft.role,
        metadata: draft.metadata,
      });
      const by = { id: sender.id, at: createdAt, number: stored.number };
      const turning = turningWrites(chat.app, head, turns, by);
      const answer =
        head.kind === "assistant" && !isAs(draft) && !judged.isHidden
          ? decideAnswer(next, stored, {
              id: answerId,
              classified: classify(textOf(body)),
              asker: sender.id,
              createdAt,
              turns: undefined,
            })
          : undefined;
      queued = answer && {
        id: answerId,
        number: answer.stored.number,
        lane: answer.stored.answer.lane,
        stored: answer.stored,
      };
      const question = answer === undefined ? stored : { ...stored, answeredBy: answer.stored.number };
      const answered =
        answer === undefined
          ? []
          : [
              {
                ref: messagesOf(chat).doc(answerId),
                data: { ...answer.stored, changedAt: serverTime() },
              },
            ];
      const withheld = judged.isHidden ? body : undefined;
      const records = judged.records({ message: stored.number, withheld });
      const held = attachedTo(chat, stored.number, files, judged.isHidden ? "hidden" : "chats");
      const replied =
        thread === undefined ? undefined : withReply(answer?.next ?? next, chat, stored, thread);
      return {
        head: replied?.head ?? answer?.next ?? next,
        create: [
          { ref, data: { ...question, changedAt: serverTime() } },
          ...answered,
          ...turning.create,
          ...records,
        ],
        update: [...turning.update, ...(replied === undefined ? [] : [replied.update]), ...held],
        bytes:
          (body.text.length +
            (body.forward?.text.length ?? 0) +
            JSON.stringify(draft.metadata ?? {}).length +
            JSON.stringify(body.files ?? []).length) *
          3,
        result: messageView(id, question),
      } satisfies Decision<ChatHead, Message>;
    },
    proof,
  });
  return { message: result, replayed, queued: replayed ? undefined : queued };
}

/** The message that a request made, as it is now; undefined when it made none. 1 read. */
export const recallMessage = (
  chat: ChatHandle,
  sender: Principal,
  request: { readonly draft: NewMessage; readonly requestKey: string },
): Promise<Message | undefined> => recall(messageProof(chat, sender, request));

/** Where the message of a request with a key is. */
export const messageRef = (chat: ChatHandle, sender: Principal, requestKey: string): DocumentReference =>
  messagesOf(chat).doc(derivedId("message", chat.app.id, String(chat.number), sender.id, requestKey));

/** A message is named after the key of its request, or at random. */
function messageProof(
  chat: ChatHandle,
  sender: Principal,
  { draft, requestKey }: Pick<AppendRequest, "draft" | "requestKey">,
): Proof<Message> {
  const ref =
    requestKey === undefined ? messagesOf(chat).doc(randomId()) : messageRef(chat, sender, requestKey);
  return {
    ref,
    fingerprint: fingerprint(JSON.stringify(draft)),
    result: (existing) => messageView(ref.id, demandStored(storedMessage(existing))),
  };
}

const HIDDEN_BODY: Body = { text: "" };

/**
 * Has a text judged that its writer may append. A repetition is not judged again: what the first has stored
 * stands. 1 read, 1 more with a key.
 * @throws AppError `not_found`, `message_refused`
 */
async function judgeDraft(
  judge: NonNullable<TextJudge["judge"]>,
  {
    deps,
    chat,
    sender,
    body,
    ref,
    requestKey,
  }: {
    readonly deps: ChatDeps;
    readonly chat: ChatHandle;
    readonly sender: Principal;
    readonly body: Body;
    readonly ref: DocumentReference;
    readonly requestKey: string | undefined;
  },
): Promise<JudgedText> {
  const isStored = async (): Promise<boolean> =>
    requestKey !== undefined && (await within(READ_MS_MAX, ref.get())).exists;
  const [head, isRepeated] = await Promise.all([readAccessible(deps, chat, sender), isStored()]);
  const { number, kind } = accessToWrite(head, sender);
  if (isRepeated) return NOT_JUDGED;
  try {
    return await judge({ id: ref.id, chat: { number, kind }, sender: sender.id, body, isEdit: false });
  } catch (cause) {
    // Another instance may have stored the same request meanwhile.
    if (await isStored()) return NOT_JUDGED;
    throw cause;
  }
}

export interface Appending {
  /** What it says is withheld from the beginning. */
  readonly hidden?: true;
  /** The app's hook is to judge it in the background. */
  readonly isToJudge?: true;
  /** The message that its thread begins with, of a reply. */
  readonly thread?: ThreadRoot | undefined;
  readonly print: string;
  readonly createdAt: Timestamp;
  /** Where to append, unless at the end of the active branch. */
  readonly point?: ForkPoint | undefined;
  /** The name by which a server says it. */
  readonly bot?: string | undefined;
  readonly role?: "user" | "system" | undefined;
  readonly metadata?: Metadata | undefined;
}

/** Whether a server says it as somebody else than itself; nobody answers that. */
const isAs = ({ sender, role }: NewMessage): boolean => sender !== undefined || role !== undefined;

/** To people the fields are unknown. @throws AppError `invalid_request`, `forbidden` */
function demandAs(sender: Principal, draft: NewMessage): void {
  if (!isAs(draft)) return;
  if (sender.kind === "person") {
    const errors = (["sender", "role"] as const)
      .filter((path) => draft[path] !== undefined)
      .map((path) => ({ path, message: "is not known here" }));
    throw new AppError("invalid_request", "Some fields are not valid; see errors.", { errors });
  }
  demand(sender, "message:write-as");
}

/**
 * The rule of appending, pure: the next number, the next revision, the new latest message, the branch it
 * begins.
 */
export function decideAppend(
  head: ChatHead,
  sender: Pick<Principal, "id">,
  body: Body,
  { print, createdAt, point, bot, role = "user", metadata, hidden, isToJudge, thread }: Appending,
): { next: ChatHead; stored: StoredMessage; turns: ForkPoint | undefined } {
  const number = head.lastNumber + 1;
  const turns = point === undefined || point.after === head.tip ? undefined : point;
  if (turns !== undefined) demandBranches(head, "after");
  const branch = turns === undefined ? head.activeBranch : `b${number}`;
  const parent = turns === undefined ? head.tip : turns.after;
  const text = lineOf(body);
  const author = { id: sender.id, ...(bot === undefined ? {} : { bot }) };
  const next = advance(head, createdAt, {
    ...withMentions(head, number, body.mentions ?? []),
    ...(hidden === true ? { silent: withSilent(head.silent, number) } : {}),
    lastNumber: number,
    latest: { number, sender: author, text: excerpt(text, LATEST_CHARS_MAX), createdAt },
    sent: head.members.includes(sender.id) ? { ...head.sent, [sender.id]: number } : head.sent,
    tip: number,
    ...(turns === undefined ? {} : turnedTo(head, branch, createdAt)),
  });
  const stored: StoredMessage = {
    number,
    revision: head.revision + 1,
    createdRevision: head.revision + 1,
    branch,
    parent: parent === 0 ? null : parent,
    sender: author,
    role,
    body: encodeBody(body) as StoredMessage["body"],
    status: "complete",
    ...(metadata === undefined ? {} : { metadata }),
    ...(hidden === undefined ? {} : { hidden, silent: true }),
    ...(isToJudge === undefined ? {} : { toJudge: head.revision + 1 }),
    ...(thread === undefined ? {} : { thread }),
    fingerprint: print,
    createdAt,
  };
  return { next, stored, turns };
}
