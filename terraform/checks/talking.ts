import type { Person, System } from "../../shared/testing/start-system.ts";

/** What scenarios have in common. */

export const chats = "/v1/apps/demo/chats";
export const pathOf = (chat: number): string => `${chats}/${chat}`;

export async function newChat(person: Person, draft: object): Promise<number> {
  return (await person.api.post(chats, draft)).body.number;
}

export async function pass(system: System, ms: number): Promise<void> {
  system.suite.kernel.clock.advance(ms + 1_000);
  await system.settle();
}
