import { chatHandle, type ChatHandle } from "../chat/chat-handle.ts";
import type { ChatDeps } from "../chat/log/chat-log.ts";
import { createChat } from "../chat/log/create-chat.ts";
import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import { createAlias, readAlias } from "./store.ts";

/** The number of a chat, as an id of ours in a client of others. */
const NUMBER = /^[1-9]\d{0,14}$/;

/** The chat of an id, if there is one. 1 read; none for the number of a chat. */
export async function findUiChat(
  app: App,
  { id: person }: Principal,
  id: string,
): Promise<ChatHandle | undefined> {
  if (NUMBER.test(id)) return chatHandle(app, Number(id));
  const chat = await readAlias(app, person, id);
  return chat === undefined ? undefined : chatHandle(app, chat);
}

/** The same. @throws AppError `not_found` when there is none */
export async function demandUiChat(app: App, principal: Principal, id: string): Promise<ChatHandle> {
  const chat = await findUiChat(app, principal, id);
  if (chat === undefined) throw new AppError("not_found", "There is no such chat.");
  return chat;
}

/**
 * The chat of an id, which is created when there is none. Repeated, and at once on two instances, it is one
 * chat: it is created under a key of its own, and the first to note it has the say. 1 read; 1 write more than
 * creating a chat when there is none.
 */
export async function openUiChat(
  deps: ChatDeps,
  app: App,
  principal: Principal,
  { id, model }: { readonly id: string; readonly model: string | undefined },
): Promise<ChatHandle> {
  const known = await findUiChat(app, principal, id);
  if (known !== undefined) return known;
  const draft = { kind: "assistant" as const, ...(model === undefined ? {} : { model }) };
  const { chat } = await createChat(deps, app, principal, { draft, requestKey: `ai-sdk ${id}` });
  try {
    await createAlias(app, principal.id, id, chat.number);
    return chatHandle(app, chat.number);
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
    return demandUiChat(app, principal, id);
  }
}
