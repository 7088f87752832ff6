import { openCatchUp } from "../../shared/chat/catch-up.ts";
import { ChatChanged } from "../../shared/chat/contract.ts";
import { appHandle } from "../../shared/identity/app.ts";
import { eventFunction } from "../runtime/background-function.ts";

export const onChatChanged = eventFunction({
  name: "on-chat-changed",
  payload: ChatChanged,
  open(deps) {
    const catchUp = openCatchUp(deps);
    return ({ app, chat, revision }) => catchUp.run(appHandle(deps.firestore, app), chat, revision);
  },
});
