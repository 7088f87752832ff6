import type { App } from "../../identity/app.ts";
import type { Contact } from "../../identity/contract.ts";
import { holds } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import { isPresent, storedUser, userRef, usersExist } from "../../identity/store.ts";
import { AppError } from "../../platform/errors.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { MEMBERS_MAX, type NewChat } from "../contract.ts";
import { shareChat } from "../read/share-chat.ts";
import { blocksIn, readsRef } from "../store.ts";
import type { ChatDeps } from "./chat-log.ts";
import { chatIn, NO_CHAT, pairProof } from "./pair.ts";

/** The members of the new chat, its creator among them unless that is a server. */
export function membersOf(
  creator: Principal,
  draft: NewChat,
): { readonly members: readonly string[]; readonly others: readonly string[] } {
  const others = [...new Set(draft.members)].filter((member) => member !== creator.id);
  return { members: creator.kind === "person" ? [creator.id, ...others] : others, others };
}

/**
 * Its members, once they are known to be people who may be in it; and who of a direct chat's two has blocked
 * the other.
 */
export async function resolveMembers(
  deps: ChatDeps,
  app: App,
  creator: Principal,
  { draft, contact }: { readonly draft: NewChat; readonly contact: Contact },
): Promise<{ readonly members: readonly string[]; readonly blockedBy: readonly string[] }> {
  const { members, others } = membersOf(creator, draft);
  if (draft.kind === "direct" && members.length !== 2) throw wrongMembers("a direct chat has two members");
  if (draft.kind === "assistant" && creator.kind === "person" && others.length > 0) {
    throw wrongMembers("an assistant chat has one member");
  }
  if (members.length > MEMBERS_MAX) throw wrongMembers(`at most ${MEMBERS_MAX} members`);
  const [other] = others;
  if (draft.kind === "direct" && creator.kind === "person" && other !== undefined) {
    return { members, blockedBy: await demandContact(deps, app, creator, { other, contact }) };
  }
  if (others.length > 0 && !(await usersExist(deps.firestore, app, others))) throw noSuchMember();
  return { members, blockedBy: [] };
}

const noSuchMember = (): AppError => wrongMembers("every member must be a user of this app");

/**
 * Who may open a direct chat with whom: with nobody who has blocked them, who is then as absent as who is not
 * there; and by the app's setting, but for administrators. A chat that the two have already is theirs
 * whatever has changed since. Returns which of the two has blocked the other. 3 reads; 1 more before it
 * refuses, and 1 query where only people of shared chats may.
 * @throws AppError `invalid_request`, `forbidden`
 */
async function demandContact(
  deps: ChatDeps,
  app: App,
  creator: Principal,
  { other, contact }: { readonly other: string; readonly contact: Contact },
): Promise<readonly string[]> {
  const [user, theirs, own] = await within(
    READ_MS_MAX,
    deps.firestore.getAll(userRef(app, other), readsRef(app, other), readsRef(app, creator.id)),
  );
  if (!isPresent(storedUser(user))) throw noSuchMember();
  const isBlocked = blocksIn(theirs).has(creator.id);
  const isKnown = contact === "anyone" || holds(creator, "user:change");
  const isAllowed = isKnown || (contact === "shared-chats" && (await shareChat(app, creator.id, other)));
  if (isBlocked || !isAllowed) {
    const pair = await within(READ_MS_MAX, pairProof(app, [creator.id, other]).ref.get());
    const hasChat = pair.exists && chatIn(pair) !== NO_CHAT;
    if (!hasChat && isBlocked) throw noSuchMember();
    if (!hasChat) throw new AppError("forbidden", "Here nobody opens a direct chat with this person.");
  }
  return [...(isBlocked ? [other] : []), ...(blocksIn(own).has(other) ? [creator.id] : [])];
}

const wrongMembers = (message: string): AppError =>
  new AppError("invalid_request", "The members do not fit.", { errors: [{ path: "members", message }] });
