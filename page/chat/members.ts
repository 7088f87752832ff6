import type { Chat, Desk, GroupRole, User } from "../../shared/client/connect.ts";
import type { Api } from "../../shared/client/api.ts";
import type { Blocks } from "../account/blocks.ts";
import { openBlockDialog, openReportDialog } from "../account/report-dialog.ts";
import { openDialog, showInDialog } from "../frame/dialog.ts";
import { el, fill } from "../frame/dom.ts";
import { messageOf } from "../frame/message-of.ts";
import type { People } from "../frame/people.ts";
import { isGroupAdmin, mayIn } from "./group-rights.ts";
import { createPeopleFinder } from "./people-finder.ts";

export interface MembersOptions {
  readonly api: Api;
  readonly chat: Chat;
  readonly desk: Pick<Desk, "me" | "presenceOf" | "searchPeople">;
  readonly people: People;
  readonly blocks: Blocks;
  onChange(chat: Chat): void;
  onLeave(): void;
}

/** Shows the members of a chat, and lets add and remove them. */
export function showMembers({ api, chat, desk, people, blocks, onChange, onLeave }: MembersOptions) {
  const { me, presenceOf } = desk;
  let current = chat;
  const isGroup = chat.kind === "group";
  const problem = el("p", { class: "problem", role: "alert" });
  const list = el("ul", { class: "members", "aria-label": "Members" });
  const pathOf = (id: string) => `/chats/${chat.number}/members/${encodeURIComponent(id)}`;

  const apply = async (change: () => Promise<Chat>) => {
    fill(problem);
    try {
      current = await change();
      onChange(current);
    } catch (cause) {
      fill(problem, messageOf(cause));
    }
    update();
  };

  const remove = (id: string) =>
    apply(async () => {
      await api.delete(pathOf(id));
      return api.get(`/chats/${chat.number}`);
    });
  const setRole = (id: string, role: GroupRole["role"]) =>
    apply(() => api.put(`${pathOf(id)}/role`, { role }));
  const add = (id: string) => apply(() => api.put(pathOf(id), undefined));

  const mayRemove = () => isGroup && mayIn(current, me, "remove");
  const mayAdd = isGroup && mayIn(chat, me, "add");
  const offer = mayAdd
    ? createPeopleFinder({
        desk,
        people,
        label: "Add people",
        listLabel: "People to add",
        isOffered: ({ id }) => !current.members.includes(id),
        rowOf: ({ id, name, email }) =>
          el(
            "li",
            {},
            people.avatar({ id }),
            el("span", { class: "member" }, name, email !== undefined && el("small", {}, email)),
            el("button", { type: "button", "aria-label": `Add ${name}`, onclick: () => void add(id) }, "Add"),
          ),
      })
    : undefined;

  const leave = () => {
    dialog.close();
    openLeaveDialog(api, chat, me, onLeave);
  };

  const memberOf = (id: string) => {
    const name = people.known({ id }) ?? "…";
    const isMe = id === me.id;
    const button = isMe
      ? isGroup && el("button", { type: "button", class: "quiet", onclick: leave }, "Leave …")
      : mayRemove() &&
        el(
          "button",
          { type: "button", class: "quiet", "aria-label": `Remove ${name}`, onclick: () => void remove(id) },
          "Remove",
        );
    const isAdmin = current.admins?.includes(id) === true;
    const role =
      isGroup &&
      isGroupAdmin(current, me) &&
      el(
        "button",
        {
          type: "button",
          class: "quiet",
          "aria-label": isAdmin
            ? `Make ${name} a member without administration`
            : `Make ${name} an administrator`,
          onclick: () => void setRole(id, isAdmin ? "member" : "admin"),
        },
        isAdmin ? "Make member" : "Make admin",
      );
    const about = [isAdmin && "administrator", !isMe && presenceOf(id)?.online === true && "online"].filter(
      (word) => word !== false,
    );
    const isPerson = !isMe && !id.startsWith("token_") && id !== "operator";
    const against = (label: string, act: () => void) =>
      isPerson &&
      el(
        "button",
        { type: "button", class: "quiet", "aria-label": `${label} ${name} …`, onclick: act },
        label,
      );
    return el(
      "li",
      {},
      people.avatar({ id }),
      el(
        "span",
        { class: "member" },
        isMe ? `${name} (you)` : name,
        about.length > 0 && el("small", {}, about.join(" · ")),
      ),
      el(
        "span",
        { class: "member-actions" },
        role,
        button,
        against("Report", () => openReportDialog(api, { user: id }, name)),
        against("Block", () => openBlockDialog(blocks, { user: id, name })),
      ),
    );
  };

  const update = () => {
    const hadFocus = list.contains(document.activeElement);
    fill(list, ...current.members.map(memberOf));
    offer?.update();
    if (hadFocus) dialog.querySelector<HTMLElement>("button[type=submit]")?.focus();
  };

  const dialog = showInDialog("Members", list, offer?.element, problem);
  const forget = people.onChange(update);
  dialog.addEventListener("close", () => {
    forget();
    offer?.close();
  });
  update();
}

export function openLeaveDialog(api: Api, chat: Chat, me: User, onLeave: () => void) {
  openDialog({
    title: "Leave the group?",
    action: "Leave",
    isDangerous: true,
    content: [el("p", {}, "You can't read it any more until a member adds you again.")],
    submit: async () => {
      await api.delete(`/chats/${chat.number}/members/${encodeURIComponent(me.id)}`);
      onLeave();
    },
  });
}
