import type { Api } from "../../shared/client/api.ts";
import type { Chat } from "../../shared/client/connect.ts";
import { openDialog } from "../frame/dialog.ts";
import type { People } from "../frame/people.ts";
import { modelFields, type ModelSettings, modelSettingsOf } from "./model-fields.ts";

/**
 * Opens a dialog with what a chat with a model can be told. The chat is read first, as somebody else may have
 * changed it a moment ago.
 *
 * @throws ApiError
 */
export async function openSettingsDialog(
  api: Api,
  people: People,
  number: number,
  onChanged: (chat: Chat) => void,
) {
  const [chat, models] = await Promise.all([api.get<Chat>(`/chats/${number}`), people.models()]);
  openDialog({
    title: "Settings of this chat",
    action: "Save",
    content: modelFields(models, chat),
    submit: async (form) => {
      const change = changeOf(modelSettingsOf(form, chat), chat);
      if (Object.keys(change).length > 0) onChanged(await api.patch(`/chats/${number}`, change));
    },
  });
}

/**
 * Only what is other than it was, so that two people can change different things at once; null takes back.
 */
const changeOf = (now: ModelSettings, before: ModelSettings): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    (["model", "instructions", "temperature"] as const)
      .filter((name) => now[name] !== before[name])
      .map((name) => [name, now[name] ?? null]),
  );
