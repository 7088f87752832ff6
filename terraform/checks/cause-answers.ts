import { modelRollout } from "../../shared/assistant/choose-models.ts";
import type { Person, System } from "../../shared/testing/start-system.ts";
import { uploadFile } from "../../shared/testing/upload-file.ts";
import { ask, newChat, pass, pathOf } from "./talking.ts";

/** Models that answer at once: what is looked at is what they cause. */
const PACE = { firstTokenMs: 1, tokensPerSecond: 20_000 } as const;
const PRICE = { inputMicros: 1_000_000, outputMicros: 2_000_000 };
export const SLOW_QUESTION =
  "Write a detailed essay that compares three database designs step by step, with code for each and a plan.";

/** Everything that happens with models, each of them answering at once. */
export async function causeAnswers(system: System, ada: Person): Promise<void> {
  system.suite.model.change(PACE);
  for (const stage of [askModels, tryInTheShadow, breakModels, forgetPrice, spendBudget]) {
    // Each takes minutes by the system's clock, and a token is good for a quarter of an hour.
    await stage(system, await system.signIn(ada.email));
  }
  system.suite.model.reset();
}

/** One answer in each lane. */
async function askModels(system: System, ada: Person): Promise<void> {
  const chat = await newChat(ada, { kind: "assistant" });
  for (const text of ["What is 12 times 7?", SLOW_QUESTION]) await ask(system, ada, chat, text);
}

/**
 * Conversations long enough to be summarised, while other models try the same questions: in each lane, and
 * for a caller who accepts a stream.
 */
async function tryInTheShadow(system: System, ada: Person): Promise<void> {
  const steps = [{ from: "2026-01-01T00:00:00Z", percent: 100 }];
  for (const [lane, stable, candidate] of [
    ["fast", "emulated-small", "emulated-large"],
    ["slow", "emulated-large", "emulated-small"],
  ] as const) {
    const name = `/v1/apps/demo/rollouts/${modelRollout(lane)}`;
    await system.operator.put(name, { stable, candidate, mode: "shadow", steps });
  }
  await talkAtLength(system, ada, "repeat after me:");
  await talkAtLength(system, ada, SLOW_QUESTION);
}

async function talkAtLength(system: System, ada: Person, question: string): Promise<void> {
  const chat = await newChat(ada, { kind: "assistant" });
  const long = "We agreed that the blue boat leaves on Thursday. ".repeat(600);
  const notes = { name: "notes.txt", type: "text/plain", bytes: Buffer.from("The boat is blue.") };
  const { id } = await uploadFile(ada.api, notes);
  await system.settle();
  for (let turn = 0; turn < 2; turn += 1) {
    const files = turn === 0 ? { files: [id] } : {};
    await ada.api.post(`${pathOf(chat)}/messages`, { text: `${question} ${turn} ${long}`, ...files });
    await pass(system, 60_000);
  }
  const stream = await fetch(`${system.url}${pathOf(chat)}/messages`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${ada.session.accessToken}`,
      "content-type": "application/json",
      accept: "text/event-stream",
    },
    body: JSON.stringify({ text: `${question} again ${long}` }),
  });
  await stream.text();
  await pass(system, 60_000);
}

/** Models that fail until they are not asked any more, and questions that wait for them meanwhile. */
async function breakModels(system: System, ada: Person): Promise<void> {
  system.suite.model.change({ fault: "500" });
  const chat = await newChat(ada, { kind: "assistant" });
  for (let turn = 0; turn <= system.deps.config.circuit.failuresMax + 1; turn += 1) {
    for (const question of [`What is ${turn} plus 3?`, `${SLOW_QUESTION} Part ${turn}.`]) {
      await ada.api.post(`${pathOf(chat)}/messages`, { text: question });
      await pass(system, 1_000);
    }
  }
  system.suite.model.reset();
  system.suite.model.change(PACE);
  await pass(system, 10 * 60_000);
}

/** A budget, and a model that nobody has put a price to. */
async function forgetPrice(system: System, ada: Person): Promise<void> {
  const budget = (appPerDay: number | null, slow: readonly string[]) =>
    system.operator.patch("/v1/apps/demo", {
      settings: { assistant: { prices: {}, slow, fast: slow, budgets: { appPerDay, personPerDay: null } } },
    });
  await budget(1_000_000, ["emulated-large"]);
  const chat = await newChat(ada, { kind: "assistant" });
  await ask(system, ada, chat, "What is 6 plus 6?");
  await budget(null, []);
}

/** An app that may spend next to nothing. */
async function spendBudget(system: System, ada: Person): Promise<void> {
  const spend = (appPerDay: number | null) =>
    system.operator.patch("/v1/apps/demo", {
      settings: {
        assistant: { prices: { "emulated-small": PRICE }, budgets: { appPerDay, personPerDay: null } },
      },
    });
  await spend(0);
  const chat = await newChat(ada, { kind: "assistant" });
  await ask(system, ada, chat, "What is 5 plus 5?");
  await spend(null);
}
