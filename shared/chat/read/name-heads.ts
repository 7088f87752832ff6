import type { App } from "../../identity/app.ts";
import type { Spend } from "../../identity/spend.ts";
import { findUsers, readUsers } from "../../identity/store.ts";
import type { Deps } from "../../platform/deps.ts";
import { FieldPath, Filter } from "../../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import type { NameWanted } from "../../words/name-keys.ts";
import { NO_CHAT, pairProof } from "../log/pair.ts";
import type { ChatHead } from "../log/head.ts";
import { headOf, readHeads } from "../store.ts";
import { HEADS_NAMED_AT_ONCE } from "./list-heads.ts";

/** Chats, and people, that are looked up by keys: where more have them the list is looked through. */
export const KEYED_MAX = 50;

interface Wanted {
  readonly wanted: NameWanted;
  readonly spend: Spend;
}

/**
 * The chats of a person by their titles, and their direct ones by the other's name, found by keys: however
 * many chats they have. Undefined where more than KEYED_MAX chats, or people of the app, have the keys: then
 * they are so many that a list that is looked through has some soon. 2 queries with a read for each found, 2
 * reads for each person of the name.
 */
export async function findNamedHeads(
  { firestore }: Pick<Deps, "firestore">,
  app: App,
  personId: string,
  { wanted: { isNamed, keys }, spend }: Wanted,
): Promise<ChatHead[] | undefined> {
  const query = app
    .collection("chats")
    .where(
      Filter.and(
        Filter.where("members", "array-contains", personId),
        ...keys.map((key) => Filter.where(new FieldPath("nameKeys", key), "==", true)),
      ),
    )
    .orderBy(FieldPath.documentId())
    .limit(KEYED_MAX + 1);
  const [found, people] = await Promise.all([
    within(READ_MS_MAX, query.get()),
    findUsers(app, { keys, withAddress: false }, { limit: KEYED_MAX + 1 }),
  ]);
  if (found.size > KEYED_MAX || people.length > KEYED_MAX) return undefined;
  const titled = found.docs.map((document) => headOf(document)).filter(({ title }) => isNamed(title));
  const others = people.filter(({ id, stored }) => id !== personId && isNamed(stored.name));
  if (others.length === 0) return titled;
  await spend(2 * others.length);
  const pairs = others.map(({ id }) => pairProof(app, [personId, id]));
  const proofs = await within(READ_MS_MAX, firestore.getAll(...pairs.map(({ ref }) => ref)));
  const known = new Set([NO_CHAT, ...titled.map(({ number }) => number)]);
  const numbers = proofs.flatMap((proof) => (proof.exists ? Number(proof.get("chat")) : []));
  return [
    ...titled,
    ...(await readHeads(
      app,
      numbers.filter((number) => !known.has(number)),
    )),
  ];
}

/**
 * Of these chats those whose title is one that is looked for; of direct chats also those with a person of
 * such a name. 1 read for each person who has to be looked up. What that costs, and the next page after a
 * full one, is spent.
 */
export async function namedHeads(
  { firestore }: Pick<Deps, "firestore">,
  app: App,
  heads: readonly ChatHead[],
  { personId, wanted: { isNamed }, spend }: Wanted & { readonly personId: string | undefined },
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
