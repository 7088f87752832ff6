import type { ChatHandle } from "../chat/chat-handle.ts";
import { demandStored } from "../platform/stored.ts";
import { type QueuedQuestion, answerRef, type Classified, decideAnswer } from "../chat/log/append-answer.ts";
import { type ForkPoint, readForkPoint, turningWrites } from "../chat/branches/branch.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import type { Message } from "../chat/contract.ts";
import { access } from "../chat/log/head.ts";
import { messageView, type StoredMessage } from "../chat/log/message.ts";
import { readVisible } from "../chat/read/read-messages.ts";
import { type FoundMessage, findMessage, serverTime } from "../chat/store.ts";
import type { Principal } from "../identity/principal.ts";
import { AppError } from "../platform/errors.ts";
import { FieldValue, Timestamp } from "../platform/firestore-values.ts";
import { type Proof, recall } from "../platform/head-change.ts";
import { randomId } from "../platform/ids.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { addOutcomes } from "../rollout/outcome.ts";
import { type AnswerMessage, isOpen, storedAnswerMessage } from "./claim-answer.ts";
import { completeAnswer } from "./complete-answer.ts";
import type { Feedback } from "./contract.ts";

/** Which message, and who wants something of it. */
export interface AnswerAddress {
  readonly chat: ChatHandle;
  readonly number: number;
  readonly principal: Principal;
}

const find = (deps: ChatDeps, { chat, number, principal }: AnswerAddress): Promise<FoundMessage> =>
  readVisible(deps, chat, principal, number);

async function findAnswer(
  deps: ChatDeps,
  address: AnswerAddress,
): Promise<FoundMessage & { stored: AnswerMessage }> {
  const found = await find(deps, address);
  if (found.stored.answer === undefined)
    throw new AppError("conflict", "This message is no answer of a model.");
  return found as FoundMessage & { stored: AnswerMessage };
}

/** Finds an answer for a reader. 2 reads. @throws AppError `not_found`, `conflict` */
export async function readAnswer(
  deps: ChatDeps,
  address: AnswerAddress,
): Promise<{ id: string; stored: StoredMessage }> {
  const { ref, stored } = await findAnswer(deps, address);
  return { id: ref.id, stored };
}

/**
 * Asks for another answer to a question, named by itself or by an answer of it: a sibling, on a branch of its
 * own unless the question is the last message. Idempotent under `requestKey`. Costs up to 6 reads, 1 commit
 * and 2 writes, 4 with a branch, 1 publish.
 * @throws AppError `not_found`, `conflict` in a chat without a model
 */
export async function askAgain(
  deps: ChatDeps,
  address: AnswerAddress,
  requestKey: string | undefined,
  classify: (text: string) => Classified,
): Promise<{ message: Message; queued: QueuedQuestion | undefined; replayed: boolean }> {
  const { chat, principal } = address;
  const named = await find(deps, address);
  const question =
    named.stored.role === "assistant" && named.stored.parent !== null
      ? await find(deps, { ...address, number: named.stored.parent })
      : named;
  const { number, body } = question.stored;
  const classified = classify(body.text);
  const { lane } = classified;
  const ref = answerRef(chat, question.ref.id, requestKey ?? randomId());
  const createdAt = Timestamp.fromMillis(deps.clock.now());
  let point: ForkPoint | undefined;
  const { result, replayed } = await deps.chatLog.chats.change<{ message: Message; queued: QueuedQuestion }>(
    chat.ref,
    {
      async prepare() {
        point ??= await readForkPoint(chat, number);
      },
      decide(head) {
        access(head, principal);
        if (head.kind !== "assistant") throw new AppError("conflict", "No model answers in this chat.");
        const turns = head.tip === number ? undefined : point;
        const asking = { id: ref.id, classified, asker: principal.id, createdAt, turns };
        const { next, stored } = decideAnswer(head, question.stored, asking);
        const by = { id: principal.id, at: createdAt, number: stored.number };
        const turning = turningWrites(chat.app, head, turns, by);
        return {
          head: next,
          create: [{ ref, data: { ...stored, changedAt: serverTime() } }, ...turning.create],
          update: turning.update,
          bytes: 0,
          result: {
            message: messageView(ref.id, stored),
            queued: { id: ref.id, number: stored.number, lane, stored },
          },
        };
      },
      proof: answerProof(ref, question),
    },
  );
  return { message: result.message, queued: replayed ? undefined : result.queued, replayed };
}

const answerProof = (
  ref: FoundMessage["ref"],
  question: FoundMessage,
): Proof<{ message: Message; queued: QueuedQuestion }> => ({
  ref,
  fingerprint: question.stored.fingerprint,
  result: (existing) => {
    const stored = demandStored(storedAnswerMessage(existing));
    const queued = { id: ref.id, number: stored.number, lane: stored.answer.lane, stored };
    return { message: messageView(ref.id, stored), queued };
  },
});

/** The answer that a request asked for, as it is now; undefined when it asked for none. Up to 3 reads. */
export async function recallAsking(
  { chat, number, principal }: AnswerAddress,
  requestKey: string,
): Promise<Message | undefined> {
  const named = await findMessage(chat, number);
  const isAnswer = named?.stored.role === "assistant" && named.stored.parent !== null;
  const question = isAnswer ? await findMessage(chat, named.stored.parent ?? 0) : named;
  if (question === undefined) return undefined;
  const ref = answerRef(chat, question.ref.id, requestKey);
  const asked = await recall(answerProof(ref, question));
  const isTheirs = asked?.queued.stored.answer.asker === principal.id;
  return isTheirs ? asked.message : undefined;
}

/**
 * Stops an answer in whichever instance makes it: the text so far stays. A finished answer is not changed.
 * Costs 2 reads and 1 write; for one that nobody is making also 1 read, 1 commit and 2 writes.
 * @throws AppError `not_found`, `conflict` for a message that is no answer
 */
export async function stopAnswer(deps: ChatDeps, address: AnswerAddress): Promise<void> {
  const { ref, stored } = await findAnswer(deps, address);
  if (!isOpen(stored)) return;
  await within(READ_MS_MAX, ref.update({ "answer.stop": true }));
  const { epoch, left } = stored.answer;
  // Somebody is making it, and hears of this.
  if (epoch > 0 && left !== epoch) return;
  const { chat } = address;
  const model = "model" in stored.sender ? stored.sender.model : "";
  await completeAnswer(
    deps,
    { chat, id: ref.id, epoch },
    {
      status: "stopped",
      finishReason: "stopped",
      text: "",
      model,
      usage: undefined,
    },
  );
}

/**
 * Keeps what a person thinks of an answer; later words replace earlier ones. Costs 2 reads and 1 write; 1
 * read and 1 write more for each rollout that compares versions by this answer.
 * @throws AppError `not_found`, `conflict` for a message that is no answer
 */
export async function rateAnswer(
  deps: ChatDeps,
  address: AnswerAddress,
  { value, comment }: Feedback,
): Promise<void> {
  const { ref, stored } = await findAnswer(deps, address);
  const at = FieldValue.serverTimestamp();
  const feedback = { value, comment: comment ?? null, at };
  const own = ref.collection("feedback").doc(address.principal.id);
  const { trials = [], language } = stored.answer;
  if (trials.length === 0) {
    await within(READ_MS_MAX, own.set(feedback));
    return;
  }
  const { chat } = address;
  const work = deps.firestore.runTransaction(async (transaction) => {
    const before = (await transaction.get(own)).get("value") as Feedback["value"] | undefined;
    const rated = { kind: "rated" as const, before, after: value, language };
    const seen = trials.filter(({ differs }) => differs === undefined);
    const outcomes = seen.map(({ name, trial }) => ({ ...rated, name, trial }));
    addOutcomes(transaction, chat.app, chat.number, { outcomes, nowMs: deps.clock.now() });
    transaction.set(own, feedback);
  });
  await within(READ_MS_MAX, work);
}
