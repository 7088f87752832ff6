import { type ChatHandle } from "../chat/chat-handle.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import type { Served } from "../chat/contract.ts";
import { advance } from "../chat/log/head.ts";
import { messagesOf, serverTime } from "../chat/store.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { tryEnqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { Circuits } from "./circuits.ts";
import { type AnswerMessage, isOpen, storedAnswerMessage } from "./claim-answer.ts";
import { answerTasks } from "./tasks.ts";

/** Answers that wait for the same model come back spread over this time. */
const SPREAD_MS = 2_000;

/** An answer that no model can give now. */
interface Waiting {
  readonly chat: ChatHandle;
  /** Of the answer's message. */
  readonly id: string;
  readonly message: AnswerMessage;
  /** Those that may be tried again. */
  readonly models: readonly string[];
  /** What its asker is told. */
  readonly served: Served;
}

/**
 * Puts a question off until a model may be tried again. The asker is told once, as a change of the answer's
 * message: 1 read, 1 commit and 2 writes, 1 publish; each further time costs 1 write. And 1 task. Repeated,
 * it does the same.
 */
export async function waitForModel(
  deps: ChatDeps & { readonly circuits: Circuits },
  { chat, id, message, models, served }: Waiting,
): Promise<void> {
  const { answer } = message;
  const retryAtMs = (await deps.circuits.retryAtMs(models)) + Math.round(Math.random() * SPREAD_MS);
  const leaseUntil = Timestamp.fromMillis(retryAtMs);
  const { epoch, lane } = answer;
  if (answer.served?.as === "queued") {
    const change = { "answer.leaseUntil": leaseUntil, "answer.left": epoch };
    await within(READ_MS_MAX, messagesOf(chat).doc(id).update(change));
  } else await tellOfWaiting(deps, { chat, id, served }, epoch, leaseUntil);
  // The schedule uses the same name, so that it makes up for this task and does not double it.
  const attempt = { occasion: `${epoch}.${leaseUntil.toMillis()}`, notBefore: retryAtMs };
  await tryEnqueue(deps, answerTasks[lane], { app: chat.app.id, chat: chat.number, answer: id }, attempt);
}

async function tellOfWaiting(
  deps: ChatDeps,
  { chat, id, served }: Pick<Waiting, "chat" | "id" | "served">,
  epoch: number,
  leaseUntil: Timestamp,
): Promise<void> {
  const ref = messagesOf(chat).doc(id);
  const at = Timestamp.fromMillis(deps.clock.now());
  let message: AnswerMessage | undefined;
  let lastUpdateTime: Timestamp | undefined;
  await deps.chatLog.chats.change(chat.ref, {
    async prepare() {
      const found = await within(READ_MS_MAX, ref.get());
      message = storedAnswerMessage(found);
      lastUpdateTime = found.updateTime;
    },
    decide(head) {
      const isOurs = message !== undefined && isOpen(message) && message.answer.epoch === epoch;
      if (!isOurs || head.status !== "open") return { head, create: [], bytes: 0, result: undefined };
      const next = advance(head, at, {});
      const fields = Object.entries({
        status: "queued",
        "answer.served": served,
        "answer.leaseUntil": leaseUntil,
        "answer.left": epoch,
        revision: next.revision,
        changedAt: serverTime(),
      });
      return {
        head: next,
        create: [],
        update: [{ ref, fields, lastUpdateTime }],
        bytes: 0,
        result: undefined,
      };
    },
  });
}
