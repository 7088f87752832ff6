import { showFile } from "../../shared/chat/files/show-file.ts";
import { openChatLog } from "../../shared/chat/log/chat-log.ts";
import { checkFile as check } from "../../shared/files/check/check-file.ts";
import { FileUploaded } from "../../shared/files/contract.ts";
import { eventFunction } from "../runtime/background-function.ts";

/** Looks at what was uploaded, whenever the bucket tells of it. */
export const checkFile = eventFunction({
  name: "check-file",
  payload: FileUploaded,
  open(deps) {
    const chatDeps = { ...deps, chatLog: openChatLog(deps) };
    return (event) => check(deps, event, (app, id) => showFile(chatDeps, app, id));
  },
});
