import { showFile } from "../../shared/chat/files/show-file.ts";
import { proveHolders } from "../../shared/chat/files/prove-holders.ts";
import { openChatLog } from "../../shared/chat/log/chat-log.ts";
import { sweepExports } from "../../shared/export/sweep-exports.ts";
import { tendFiles as tend } from "../../shared/files/tend-files.ts";
import { scheduleFunction } from "../runtime/background-function.ts";

export const tendFiles = scheduleFunction({
  name: "tend-files",
  open(deps) {
    const chatDeps = { ...deps, chatLog: openChatLog(deps) };
    return async () => ({
      ...(await tend(deps, {
        show: (app, id) => showFile(chatDeps, app, id),
        prove: (app, id, stored) => proveHolders(app, id, stored, deps),
      })),
      ...(await sweepExports(deps)),
    });
  },
});
