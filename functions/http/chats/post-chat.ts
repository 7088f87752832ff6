import { demandModel } from "../../../shared/assistant/choose-models.ts";
import { Chat, NewChat } from "../../../shared/chat/contract.ts";
import { createChat, recallChat } from "../../../shared/chat/log/create-chat.ts";
import { created, ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const postChat = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/chats",
  summary: "Creates a chat, or finds the direct chat with a person.",
  statuses: [200, 201],
  access: "chat:create",
  idempotent: true,
  body: NewChat,
  example: { kind: "group", title: "Lunch", tags: ["food"] },
  reply: Chat,
  async replay({ app, principal, body, requestKey }) {
    const chat = await recallChat(app, principal, { draft: body, requestKey });
    return chat && (body.kind === "direct" ? ok(chat) : created(chat, true));
  },
  async handle({ deps, app, principal, body, requestKey, spend }) {
    // Each member is looked up.
    await spend(body.members?.length ?? 0);
    const settings = await deps.apps.settingsOf(app);
    if (body.model) demandModel(deps, settings, body.model);
    const {
      chat,
      created: isNew,
      replayed,
    } = await createChat(deps, app, principal, { draft: body, requestKey, contact: settings.contact });
    return isNew || replayed ? created(chat, replayed) : ok(chat);
  },
});
