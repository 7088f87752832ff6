import type { Chat } from "../../shared/client/connect.ts";
import type { Named } from "../../shared/client/mentions.ts";
import type { People } from "../frame/people.ts";

/** The names of so many members are read; of the others those are offered that are known already. */
const READ_MAX = 50;

/** Those whom one can mention in a chat: its other members, and all of a group. */
export function mentionable(
  chat: Chat | undefined,
  me: string,
  people: People,
): (Named & { hint?: string })[] {
  if (chat === undefined || chat.kind === "assistant") return [];
  const others = chat.members.filter((id) => id !== me);
  const named = others.flatMap((user, index) => {
    const name = index < READ_MAX ? people.known({ id: user }) : people.knownAlready(user);
    return name === undefined ? [] : [{ name, user }];
  });
  return chat.kind === "group"
    ? [...named, { name: "all", user: "all", hint: "Everybody in the group" }]
    : named;
}
