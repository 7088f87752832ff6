import type { ChatDeps } from "../chat/log/chat-log.ts";
import type { Served } from "../chat/contract.ts";
import { advance } from "../chat/log/head.ts";
import { chatRef, messagesOf, serverTime } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import { Timestamp } from "../platform/firestore.ts";
import { tryEnqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { Circuits } from "./circuits.ts";
import { type AnswerMessage, isOpen, storedAnswerMessage } from "./claim-answer.ts";
import { answerTasks } from "./tasks.ts";

/** Those who wait for the same model come back over a while, and not all at once. */
const SPREAD_MS = 2_000;

/**
 * Puts a question off until a model may be tried again. The asker is told once, as a change of the answer's message: 1
 * read, 1 commit and 2 writes, 1 publish; each further time costs 1 write. And 1 task. Repeated, it does the same.
 */
export async function waitForModel(
  deps: ChatDeps & { readonly circuits: Circuits },
  app: App,
  chat: number,
  id: string,
  { answer }: AnswerMessage,
  models: readonly string[],
  served: Served,
): Promise<void> {
  const retryAtMs = (await deps.circuits.retryAtMs(models)) + Math.round(Math.random() * SPREAD_MS);
  const leaseUntil = Timestamp.fromMillis(retryAtMs);
  const { epoch, lane } = answer;
  if (answer.served?.as === "queued") {
    const change = { "answer.leaseUntil": leaseUntil, "answer.left": epoch };
    await within(READ_MS_MAX, messagesOf(app, chat).doc(id).update(change));
  } else await tellOfWaiting(deps, app, chat, id, epoch, leaseUntil, served);
  // Named as the schedule names it, which finds the answer when this task is lost.
  const attempt = { occasion: `${epoch}.${leaseUntil.toMillis()}`, notBefore: retryAtMs };
  await tryEnqueue(deps, answerTasks[lane], { app: app.id, chat, answer: id }, attempt);
}

async function tellOfWaiting(
  deps: ChatDeps,
  app: App,
  chat: number,
  id: string,
  epoch: number,
  leaseUntil: Timestamp,
  served: Served,
): Promise<void> {
  const ref = messagesOf(app, chat).doc(id);
  const at = Timestamp.fromMillis(deps.clock.now());
  let message: AnswerMessage | undefined;
  let lastUpdateTime: Timestamp | undefined;
  await deps.chatLog.chats.change(chatRef(app, chat), {
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
