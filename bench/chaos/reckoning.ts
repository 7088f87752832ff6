import type { Message } from "../../shared/chat/contract.ts";
import type { DeadLetter } from "../../shared/jobs/contract.ts";
import type { System } from "../../shared/testing/start-system.ts";
import type { Load } from "./load.ts";
import { POISON } from "./misfortune.ts";

/** Longer than any lease, grace or backoff. */
const STEP_MS = 10 * 60_000;
const ROUNDS_MAX = 30;
const SCHEDULES = [
  "reconcile",
  "recover-answers",
  "recover-scheduled",
  "recover-jobs",
  "audit",
  "audit-search",
] as const;
/** The fields of a schedule's log line that tell of something found. */
const FINDINGS = ["announced", "recovered", "repaired", "missing", "behind", "wrong"];
const CHATS = "/v1/apps/demo/chats";
const SEARCHED = 40;

/** Lets everything come to rest: time passes and the schedules run, until none of them finds anything. */
export async function comeToRest(system: System): Promise<{ rounds: number; found: number }> {
  let found = 0;
  for (let rounds = 1; rounds <= ROUNDS_MAX; rounds += 1) {
    system.suite.kernel.clock.advance(STEP_MS);
    await system.settle();
    const from = system.logs.length;
    for (const name of SCHEDULES) {
      await system.runSchedule(name);
      await system.settle();
    }
    const lines = system.logs.slice(from).filter(({ trigger }) => trigger === "schedule");
    found = lines.reduce(
      (sum, line) => sum + FINDINGS.reduce((so, name) => so + Number(line[name] ?? 0), 0),
      0,
    );
    if (found === 0 && (await openAnswers(system)) === 0) return { rounds, found };
  }
  return { rounds: ROUNDS_MAX, found };
}

async function openAnswers({ deps }: System): Promise<number> {
  const open = deps.firestore.collectionGroup("messages").where("answer.leaseUntil", ">", new Date(0));
  return (await open.count().get()).data().count;
}

/** What is not as it should be; nothing, where all is well. */
export async function reckon(system: System, load: Load): Promise<string[]> {
  const wrong: string[] = [];
  let total = 0;
  for (const [chat, texts] of load.acknowledged) {
    const messages = await messagesOf(system, chat);
    total += messages.length;
    const numbers = messages.map(({ number }) => number);
    if (numbers.some((number, index) => number !== index + 1))
      wrong.push(`Chat ${chat} has a gap or a number twice.`);
    const { body: head } = await system.operator.get(`${CHATS}/${chat}`);
    if (head.messagesCount !== messages.length)
      wrong.push(`Chat ${chat} counts ${head.messagesCount} messages.`);
    for (const [text, number] of texts) {
      const stored = messages[number - 1];
      const isThere = stored?.text === text || load.changed.has(text);
      if (!isThere) wrong.push(`"${text}" is not number ${number} of chat ${chat}.`);
    }
    const said = messages.filter(({ role, text }) => role === "user" && text !== "").map(({ text }) => text);
    if (new Set(said).size !== said.length) wrong.push(`Chat ${chat} has a message twice.`);
    wrong.push(...unanswered(chat, messages));
  }
  await system.settle();
  const { body: usage } = await system.operator.get("/v1/apps/demo/usage");
  const counted = usage.data.reduce((sum: number, { messages }: { messages: number }) => sum + messages, 0);
  if (counted !== total) wrong.push(`${counted} of ${total} messages are counted.`);
  wrong.push(...(await notFound(system, load)), ...(await strayLetters(system)));
  return wrong;
}

function unanswered(chat: number, messages: readonly Message[]): string[] {
  return messages.flatMap(({ role, number, status, answer }) => {
    if (role === "assistant") {
      return status === "queued" || status === "streaming"
        ? [`Answer ${number} of chat ${chat} has no end.`]
        : [];
    }
    if (answer === undefined) return [];
    const given = messages.filter((each) => each.role === "assistant" && each.parent === number);
    return given.length === 1 ? [] : [`Question ${number} of chat ${chat} has ${given.length} answers.`];
  });
}

async function messagesOf({ operator }: System, chat: number): Promise<Message[]> {
  const all: Message[] = [];
  for (;;) {
    const after = all.at(-1)?.number ?? 0;
    const { body } = await operator.get(`${CHATS}/${chat}/messages?after=${after}&limit=100`);
    all.push(...body.data);
    if (!body.hasMore) return all;
  }
}

/** A sample of what was written and not changed. */
async function notFound({ operator }: System, { acknowledged, changed }: Load): Promise<string[]> {
  const wrong: string[] = [];
  const written = [...acknowledged].flatMap(([chat, texts]) =>
    [...texts.keys()].map((text) => ({ chat, text })),
  );
  const unchanged = written.filter(({ text }) => !changed.has(text));
  const step = Math.max(1, Math.floor(unchanged.length / SEARCHED));
  for (const { chat, text } of unchanged.filter((_, index) => index % step === 0)) {
    const { body } = await operator.get(
      `/v1/apps/demo/search?chat=${chat}&q=${encodeURIComponent(`"${text}"`)}`,
    );
    const isFound = body.data.some(({ message }: { message: Message }) => message.text === text);
    if (!isFound) wrong.push(`"${text}" of chat ${chat} is not found.`);
  }
  return wrong;
}

/** Dead letters that are not of the poison. */
async function strayLetters({ operator }: System): Promise<string[]> {
  const planted = new Set(POISON.map((payload) => JSON.stringify(payload)));
  const { body } = await operator.get("/v1/operator/dead-letters?limit=100");
  return body.data
    .filter(({ payload }: DeadLetter) => !planted.has(JSON.stringify(payload)))
    .map(({ function: name, payload }: DeadLetter) => `${name} has given up ${JSON.stringify(payload)}.`);
}
