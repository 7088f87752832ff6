import { openChatLog } from "../../shared/chat/log/chat-log.ts";
import { exportKind } from "../../shared/export/export-kind.ts";
import { importKind } from "../../shared/import/import-kind.ts";
import { runTransfer as run, type TransferKind } from "../../shared/transfers/run-transfer.ts";
import { transferTask } from "../../shared/transfers/tasks.ts";
import type { Deps } from "../../shared/platform/deps.ts";
import { taskFunction } from "../runtime/background-function.ts";

/** Everything that people bring in or take out; each kind adds itself here. */
const kindsOf = (deps: Deps): readonly TransferKind[] => {
  const chatDeps = { ...deps, chatLog: openChatLog(deps) };
  return [exportKind(chatDeps), importKind(chatDeps)];
};

/** Does the next step of an import or export. */
export const runTransfer = taskFunction({
  task: transferTask,
  open(deps) {
    const kinds = kindsOf(deps);
    return (task) => run(deps, kinds, task);
  },
});
