import { catchUp } from "../../shared/chat/catch-up.ts";
import { ChatChanged } from "../../shared/chat/contract.ts";
import { appHandle } from "../../shared/identity/app.ts";
import { eventFunction } from "../runtime/background-function.ts";

export const onChatChanged = eventFunction({
  name: "on-chat-changed",
  payload: ChatChanged,
  handle: (deps, event) => catchUp(deps, appHandle(deps.firestore, event.app), event.chat),
});
