import type { Message } from "../../shared/chat/contract.ts";
import type { Person, System } from "../../shared/testing/start-system.ts";

/** What scenarios have in common. */

export const chats = "/v1/apps/demo/chats";
export const pathOf = (chat: number): string => `${chats}/${chat}`;

export async function newChat(person: Person, draft: object): Promise<number> {
  return (await person.api.post(chats, draft)).body.number;
}

/** How often a minute may pass until an answer has ended: a circuit that has opened often stays open long. */
const MINUTES_MAX = 60;

/** Asks, and lets minutes pass until the answer has ended. */
export async function ask(system: System, person: Person, chat: number, text: string): Promise<void> {
  const { body } = await person.api.post(`${pathOf(chat)}/messages`, { text });
  const path = `${pathOf(chat)}/messages/${body.answer.number}`;
  for (let minutes = 0; minutes < MINUTES_MAX; minutes += 1) {
    await pass(system, 60_000);
    // The operator's key outlasts the hours that may have passed.
    const answer: Message = (await system.operator.get(path)).body;
    if (answer.status !== "queued" && answer.status !== "streaming") return;
  }
  throw new Error(`"${text}" is not answered after ${MINUTES_MAX} minutes.`);
}

export async function pass(system: System, ms: number): Promise<void> {
  system.suite.kernel.clock.advance(ms + 1_000);
  await system.settle();
}
