import type { Chat, GroupAction, User } from "../../shared/client/connect.ts";
import { isAdministrator } from "../frame/people.ts";

/** The administrators of the app are those of every group. */
export const isGroupAdmin = ({ admins = [] }: Chat, me: User) =>
  admins.includes(me.id) || isAdministrator(me);

/** Whether the rules of a group let the person do this; other chats have none. */
export const mayIn = (chat: Chat, me: User, action: GroupAction) =>
  chat.kind !== "group" || chat.rules?.[action] !== "admins" || isGroupAdmin(chat, me);
