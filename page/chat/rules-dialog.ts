import type { Chat, GroupAction, GroupRules } from "../../shared/client/connect.ts";
import type { Api } from "../../shared/client/api.ts";
import { openDialog } from "../frame/dialog.ts";
import { el } from "../frame/dom.ts";

const ACTIONS: readonly (readonly [GroupAction, string])[] = [
  ["write", "Write"],
  ["add", "Add people"],
  ["remove", "Remove others"],
  ["rename", "Rename the group"],
  ["pin", "Pin messages"],
];

/** Opens a dialog in which a group's administrators say who may do what. */
export function openRulesDialog(api: Api, chat: Chat, onChanged: (chat: Chat) => void) {
  const { rules } = chat;
  const field = ([action, label]: readonly [GroupAction, string]) =>
    el(
      "label",
      { class: "field rule" },
      label,
      el(
        "select",
        { name: action },
        option("everyone", "Everybody", rules?.[action]),
        option("admins", "Administrators", rules?.[action]),
      ),
    );
  openDialog({
    title: "Who may do what",
    action: "Save",
    content: ACTIONS.map(field),
    async submit(form) {
      const changed = ACTIONS.map(([action]) => [action, form.get(action)] as const).filter(
        ([action, value]) => value !== rules?.[action],
      );
      if (changed.length === 0) return;
      const change = Object.fromEntries(changed) as Partial<GroupRules>;
      onChanged(await api.patch(`/chats/${chat.number}`, { rules: change }));
    },
  });
}

const option = (value: GroupRules[GroupAction], label: string, chosen: string | undefined) =>
  el("option", { value, selected: value === chosen }, label);
