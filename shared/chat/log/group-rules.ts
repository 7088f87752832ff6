import { holds } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError } from "../../platform/errors.ts";
import type { GroupAction, GroupRules } from "../contract.ts";
import type { ChatHead } from "./head.ts";

/** What everybody in a group may do and what only its administrators, unless it says otherwise. */
export const DEFAULT_RULES: GroupRules = {
  rename: "everyone",
  add: "everyone",
  remove: "admins",
  pin: "everyone",
  write: "everyone",
};

type Group = Pick<ChatHead, "kind" | "createdBy" | "admins" | "rules">;

/** Of a group from before there were any, whoever created it. */
export const adminsOf = ({ admins, createdBy }: Group): readonly string[] => admins ?? [createdBy];

export const rulesOf = ({ rules }: Group): GroupRules => ({ ...DEFAULT_RULES, ...rules });

/** The administrators of the app and its servers are those of every group. */
export const isGroupAdmin = (group: Group, principal: Principal): boolean =>
  adminsOf(group).includes(principal.id) || holds(principal, "app:change") || principal.kind !== "person";

/** In chats of other kinds there is nobody to be asked. @throws AppError `forbidden` */
export function demandInGroup(group: Group, principal: Principal, action: GroupAction): void {
  if (group.kind !== "group" || rulesOf(group)[action] === "everyone") return;
  demandGroupAdmin(group, principal);
}

/** @throws AppError `forbidden` */
export function demandGroupAdmin(group: Group, principal: Principal): void {
  if (isGroupAdmin(group, principal)) return;
  throw new AppError("forbidden", "Only the administrators of the group may do this.");
}

/** Those who are left when some have gone; a group with members has one, the longest of its members. */
export function adminsAfter(group: Group, members: readonly string[]): readonly string[] {
  const left = adminsOf(group).filter((id) => members.includes(id));
  const [longest] = members;
  return left.length > 0 || longest === undefined ? left : [longest];
}
