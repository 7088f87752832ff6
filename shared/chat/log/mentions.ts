import type { App } from "../../identity/app.ts";
import { readUsers } from "../../identity/store.ts";
import { AppError } from "../../platform/errors.ts";
import { type Mention, MENTIONS_MAX } from "../contract.ts";
import type { ChatHead } from "./head.ts";

/** Members of a larger group are mentioned by ranges or ids, since all their names would have to be read. */
export const NAMED_MEMBERS_MAX = 50;

/** An at sign that begins a word: in an address it does not. */
const SIGN = /(?<![\p{L}\p{N}_.+-])@(?=[\p{L}\p{N}_])/gu;
const isWordSign = (text: string, at: number): boolean => /^[\p{L}\p{N}_]/u.test(text.slice(at));

/** Whether a text may name somebody, and so whether anybody's name has to be read. */
export const mayMention = (text: string): boolean => text.search(SIGN) >= 0;

/**
 * Those whom a text names behind an at sign: by `all`, by the id of a member, or by a member's name,
 * whichever is longest. A read for each member of a group of at most NAMED_MEMBERS_MAX.
 */
export async function mentionsIn(app: App, members: readonly string[], text: string): Promise<Mention[]> {
  const named: Named[] = [{ name: "all", user: "all" }, ...members.map((id) => ({ name: id, user: id }))];
  if (members.length <= NAMED_MEMBERS_MAX) {
    const users = await readUsers(app.ref.firestore, app, members);
    named.push(...users.map(({ id, stored }) => ({ name: stored.name, user: id })));
  }
  return mentionsOf(text, named);
}

interface Named {
  readonly name: string;
  readonly user: Mention["user"];
}

/** Pure. A name that two have is nobody's: they are mentioned by range or id. */
export function mentionsOf(text: string, named: readonly Named[]): Mention[] {
  const owners = Map.groupBy(named, ({ name }) => name.toLowerCase());
  const longestFirst = [...owners.values()]
    .map((same) => same[0] ?? { name: "", user: "" })
    .filter(({ name }) => name !== "" && (owners.get(name.toLowerCase())?.length ?? 0) === 1)
    .sort((a, b) => b.name.length - a.name.length);
  const found: Mention[] = [];
  for (const { index: start } of text.matchAll(SIGN)) {
    const one = longestFirst.find(({ name }) => {
      const end = start + 1 + name.length;
      return text.slice(start + 1, end).toLowerCase() === name.toLowerCase() && !isWordSign(text, end);
    });
    if (one === undefined) continue;
    found.push({ start, end: start + 1 + one.name.length, user: one.user });
    if (found.length === MENTIONS_MAX) break;
  }
  return found;
}

/** @throws AppError `invalid_request` for ranges that lie outside the text or over one another */
export function demandRanges(text: string, mentions: readonly Mention[]): void {
  let after = 0;
  for (const { start, end } of mentions) {
    if (start < after || end <= start || end > text.length) {
      throw wrong("must be ranges of the text, in order and side by side");
    }
    after = end;
  }
}

/** @throws AppError `invalid_request` for somebody who is no member */
export function demandMembers({ members }: Pick<ChatHead, "members">, mentions: readonly Mention[]): void {
  if (mentions.every(({ user }) => user === "all" || members.includes(user))) return;
  throw wrong("must name members of the chat, or all");
}

const wrong = (message: string): AppError =>
  new AppError("invalid_request", "The mentions do not fit.", { errors: [{ path: "mentions", message }] });

/**
 * Messages that are remembered for each member whom they mention; to whoever has not read older ones they are
 * none.
 */
export const MENTIONS_KEPT = 5;

/**
 * The head remembers the last messages that mention each: whoever tells them of it reads no message. What the
 * message mentioned before an edit is forgotten.
 */
export function withMentions(
  head: ChatHead,
  number: number,
  mentions: readonly Mention[],
): Pick<ChatHead, "mentioned" | "mentionedAll"> {
  const { mentioned = {}, mentionedAll = [] } = head;
  const isKnown =
    mentionedAll.includes(number) || Object.values(mentioned).some((list) => list.includes(number));
  if (mentions.length === 0 && !isKnown) return {};
  const named = new Set(mentions.map(({ user }) => user));
  const kept = (list: readonly number[], isNamed: boolean): readonly number[] => {
    const others = list.filter((one) => one !== number);
    return isNamed ? [...others, number].sort((a, b) => a - b).slice(-MENTIONS_KEPT) : others;
  };
  const people = new Set([...Object.keys(mentioned), ...named].filter((user) => user !== "all"));
  return {
    mentioned: Object.fromEntries(
      [...people].map((user) => [user, kept(mentioned[user] ?? [], named.has(user))] as const),
    ),
    mentionedAll: kept(mentionedAll, named.has("all")),
  };
}

/** The messages after one that mention the person, of those that are remembered. */
export const mentionsAfter = (
  { mentioned, mentionedAll = [] }: Pick<ChatHead, "mentioned" | "mentionedAll">,
  personId: string,
  after: number,
): readonly number[] =>
  [...(mentioned?.[personId] ?? []), ...mentionedAll].filter((number) => number > after);
