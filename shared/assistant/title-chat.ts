import { chatHandle } from "../chat/chat-handle.ts";
import { listAlong } from "../chat/branches/read-path.ts";
import { TITLE_CHARS_MAX } from "../chat/contract.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import { advanceSettings, excerpt } from "../chat/log/head.ts";
import { headOf, readHead } from "../chat/store.ts";
import { usageAddition } from "../chat/usage.ts";
import type { App } from "../identity/app.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { askQuickModels } from "./ask-quick-models.ts";
import { appSpending, isAppExhausted } from "./budget.ts";
import type { TitleTask } from "./contract.ts";
import { readAnswerPath, turnOf } from "./history.ts";
import type { SummaryDeps } from "./summarize-chat.ts";

/** A title is about how a chat begins. */
const TITLED_MESSAGES = 4;
const TITLE_TOKENS_MAX = 40;
/** Longer titles are cut: they stand in lists. */
const MADE_TITLE_CHARS_MAX = 80;

const INSTRUCTIONS =
  "Title this conversation in at most six words, in the language of the conversation. " +
  "Answer with the title alone: no quotes, no full stop.";

/**
 * Gives a chat without a title one, by the first of the quick models that answers. A title that a person
 * gives meanwhile stays. Repeated, it finds the title there. Costs up to 2 queries and 7 reads, 1 model call,
 * 1 commit and 1 write, 1 publish, and 1 commit that counts what it took as the app's.
 * @throws AppError `unavailable`: call it again
 */
export async function titleChat(
  deps: SummaryDeps & ChatDeps,
  app: App,
  { chat: chatNumber, branch, titled }: TitleTask,
): Promise<{ outcome: string }> {
  const chat = chatHandle(app, chatNumber);
  const head = headOf(await readHead(chat));
  if (head === undefined || head.status !== "open" || head.title !== "") return { outcome: "titled before" };
  const settings = await deps.apps.settingsOf(app);
  if (await isAppExhausted(deps, app, settings)) return { outcome: "not paid for" };
  const path = await readAnswerPath(chat, { branch, number: titled });
  const rows = await listAlong(chat, path, { after: 0 }, TITLED_MESSAGES);
  const turns = rows.map(({ stored }) => turnOf(stored)).filter((turn) => turn !== undefined);
  if (turns.length === 0) return { outcome: "nothing said" };
  const asking = { role: "user" as const, content: INSTRUCTIONS };
  const conversation = { system: [INSTRUCTIONS], turns: [...turns, asking] };
  const { text, ...counted } = await askQuickModels(deps, settings, conversation, TITLE_TOKENS_MAX);
  const title = titleOf(text);
  const day = new Date(deps.clock.now()).toISOString().slice(0, 10);
  const usage = usageAddition(chat, day, counted);
  const batch = deps.firestore.batch();
  batch.set(usage.ref, usage.fields, { merge: true });
  const spending = appSpending(app, settings, day, counted.costMicros);
  if (spending !== undefined) batch.set(spending.ref, spending.fields, { merge: true });
  if (title !== "") await setTitle(deps, app, chatNumber, title);
  await within(READ_MS_MAX, batch.commit());
  return { outcome: title === "" ? "nothing said" : "titled" };
}

async function setTitle(deps: ChatDeps, app: App, chatNumber: number, title: string): Promise<void> {
  const at = Timestamp.fromMillis(deps.clock.now());
  await deps.chatLog.chats.change<void>(chatHandle(app, chatNumber).ref, {
    decide: (head) => {
      const isWanted = head.status === "open" && head.title === "" && head.titleBy !== "person";
      const next = isWanted ? advanceSettings(head, at, { title, titleBy: "model" }) : head;
      return { head: next, create: [], bytes: 0, result: undefined };
    },
  });
}

/** One line, without what models like to put around a title. Pure. */
export function titleOf(text: string): string {
  const [line = ""] = text.split("\n").filter((each) => each.trim() !== "");
  const marks = /^[\s"'“”„«»‘’*_`#-]+|[\s"'“”„«»‘’*_`.]+$/gu;
  const bare = line
    .replaceAll(/\p{Cc}/gu, " ")
    .replaceAll(marks, "")
    .replace(/^title\s*:/iu, "")
    .replaceAll(marks, "")
    .replaceAll(/\s+/g, " ");
  return excerpt(bare, Math.min(MADE_TITLE_CHARS_MAX, TITLE_CHARS_MAX)).trim();
}
