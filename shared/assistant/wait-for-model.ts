import { type ChatHandle } from "../chat/chat-handle.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import type { Served } from "../chat/contract.ts";
import { advance } from "../chat/log/head.ts";
import type { LostUsage } from "../chat/log/message.ts";
import { messagesOf, serverTime } from "../chat/store.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { tryEnqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { Circuits } from "./circuits.ts";
import { type AnswerMessage, isOpen, storedAnswerMessage } from "./claim-answer.ts";
import { addLost, isLost, NOTHING_LOST } from "./lost-usage.ts";
import { answerTasks } from "./tasks.ts";

/** Answers that wait for the same model come back spread over this time. */
const SPREAD_MS = 2_000;

/** Models that fail are tried again after so long, and each time after three times as long. */
export const FIRST_DELAY_MS = 5_000;
export const DELAY_MS_MAX = 30 * 60_000;
const backoffOf = (delays: number): number => Math.min(FIRST_DELAY_MS * 3 ** (delays - 1), DELAY_MS_MAX);

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
  /** An attempt that has failed, with what it cost; absent where no model was called. */
  readonly failed?:
    | { readonly epoch: number; readonly attempt: number; readonly lost: LostUsage }
    | undefined;
}

/**
 * Puts a question off until a model may be tried again. The asker is told once, as a change of the answer's
 * message: 2 reads, 1 commit and 2 writes, 1 publish; each further time costs 1 read and 1 write. And 1 task.
 * Repeated, it does the same.
 */
export async function waitForModel(
  deps: ChatDeps & { readonly circuits: Circuits },
  { chat, id, message, models, served, failed }: Waiting,
): Promise<void> {
  const { answer } = message;
  const delays = (answer.delays ?? 0) + (failed === undefined ? 0 : 1);
  const circuitMs = await deps.circuits.retryAtMs(models);
  const backoffMs = failed === undefined ? 0 : deps.clock.now() + backoffOf(delays);
  const retryAtMs = Math.max(circuitMs, backoffMs) + Math.round(Math.random() * SPREAD_MS);
  const leaseUntil = Timestamp.fromMillis(retryAtMs);
  const { lane } = answer;
  const epoch = failed?.epoch ?? answer.epoch;
  const change = {
    "answer.leaseUntil": leaseUntil,
    "answer.left": epoch,
    // An attempt that no model has answered is none.
    ...(failed === undefined ? {} : { "answer.attempts": failed.attempt - 1, "answer.delays": delays }),
    ...(failed !== undefined && isLost(failed.lost)
      ? { "answer.lost": addLost(answer.lost ?? NOTHING_LOST, failed.lost) }
      : {}),
  };
  await delayAnswer(deps, { chat, id, served }, epoch, change);
  // The schedule uses the same name, so that it makes up for this task and does not double it.
  const attempt = { occasion: `${epoch}.${leaseUntil.toMillis()}`, notBefore: retryAtMs };
  await tryEnqueue(deps, answerTasks[lane], { app: chat.app.id, chat: chat.number, answer: id }, attempt);
}

/**
 * Writes that the answer waits. Who is told already is not told again, which leaves the chat's revision as it
 * is.
 */
async function delayAnswer(
  deps: ChatDeps,
  { chat, id, served }: Pick<Waiting, "chat" | "id" | "served">,
  epoch: number,
  change: Readonly<Record<string, unknown>>,
): Promise<void> {
  const ref = messagesOf(chat).doc(id);
  const at = Timestamp.fromMillis(deps.clock.now());
  let message: AnswerMessage | undefined;
  let lastUpdateTime: Timestamp | undefined;
  const read = async (): Promise<boolean> => {
    const found = await within(READ_MS_MAX, ref.get());
    message = storedAnswerMessage(found);
    lastUpdateTime = found.updateTime;
    return message !== undefined && isOpen(message) && message.answer.epoch === epoch;
  };
  if (!(await read())) return;
  if (message?.answer.served?.as === "queued" && message.status === "queued") {
    await within(READ_MS_MAX, ref.update(change));
    return;
  }
  await deps.chatLog.chats.change(chat.ref, {
    prepare: async () => void (await read()),
    decide(head) {
      const isOurs = message !== undefined && isOpen(message) && message.answer.epoch === epoch;
      if (!isOurs || head.status !== "open") return { head, create: [], bytes: 0, result: undefined };
      const next = advance(head, at, {});
      const fields = Object.entries({
        ...change,
        status: "queued",
        "answer.served": served,
        revision: next.revision,
        changedAt: serverTime(),
      });
      const update = [{ ref, fields, lastUpdateTime }];
      return { head: next, create: [], update, bytes: 0, result: undefined };
    },
  });
}
