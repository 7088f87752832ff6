import type { Api } from "../../shared/client/api.ts";
import type { Chat } from "../../shared/client/connect.ts";
import { openDialog } from "../frame/dialog.ts";
import type { People } from "../frame/people.ts";
import { createMetadataFields, metadataChangeOf } from "./metadata-fields.ts";
import { modelFields, type ModelSettings, modelSettingsOf } from "./model-fields.ts";

/**
 * Opens a dialog with what is noted at a chat, and what one with a model can be told. The chat is read first,
 * as somebody else may have changed it a moment ago.
 *
 * @throws ApiError
 */
export async function openSettingsDialog(
  api: Api,
  people: People,
  { number, kind }: Pick<Chat, "number" | "kind">,
  onChanged: (chat: Chat) => void,
) {
  const isWithModel = kind === "assistant";
  const [chat, models] = await Promise.all([
    api.get<Chat>(`/chats/${number}`),
    isWithModel ? people.models() : [],
  ]);
  openDialog({
    title: "Settings of this chat",
    action: "Save",
    content: [...(isWithModel ? modelFields(models, chat) : []), createMetadataFields(chat.metadata)],
    submit: async (form) => {
      const metadata = metadataChangeOf(form, chat.metadata);
      const change = {
        ...(isWithModel ? changeOf(modelSettingsOf(form, chat), chat) : {}),
        ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
      };
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
