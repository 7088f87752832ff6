import type { App } from "../../identity/app.ts";
import type { Spend } from "../../identity/spend.ts";
import { readUsers } from "../../identity/store.ts";
import type { Deps } from "../../platform/deps.ts";
import type { ChatHead } from "../log/head.ts";
import { HEADS_NAMED_AT_ONCE } from "./list-heads.ts";

/**
 * Of these chats those whose title is one that is looked for; of direct chats also those with a person of
 * such a name. 1 read for each person who has to be looked up. What that costs, and the next page after a
 * full one, is spent.
 */
export async function namedHeads(
  { firestore }: Pick<Deps, "firestore">,
  app: App,
  heads: readonly ChatHead[],
  {
    personId,
    isNamed,
    spend,
  }: {
    readonly personId: string | undefined;
    readonly isNamed: (name: string) => boolean;
    readonly spend: Spend;
  },
): Promise<ChatHead[]> {
  const titled = new Set(heads.filter(({ title }) => isNamed(title)));
  const othersOf = (head: ChatHead): readonly string[] =>
    head.kind === "direct" && !titled.has(head) ? head.members.filter((id) => id !== personId) : [];
  const others = [...new Set(heads.flatMap(othersOf))];
  await spend(others.length + (heads.length < HEADS_NAMED_AT_ONCE ? 0 : HEADS_NAMED_AT_ONCE));
  const people = await readUsers(firestore, app, others);
  const named = new Set(people.filter(({ stored }) => isNamed(stored.name)).map(({ id }) => id));
  return heads.filter((head) => titled.has(head) || othersOf(head).some((id) => named.has(id)));
}
