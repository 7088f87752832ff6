import { answerCounter } from "../../shared/assistant/count-answers.ts";
import { summaryFollower } from "../../shared/assistant/summaries.ts";
import { openCatchUp } from "../../shared/chat/upkeep/catch-up.ts";
import { judgeFollower } from "../../shared/chat/moderation/judge-stored.ts";
import { openChatLog } from "../../shared/chat/log/chat-log.ts";
import { ChatChanged } from "../../shared/chat/contract.ts";
import { appHandle } from "../../shared/identity/app.ts";
import { notificationFollower } from "../../shared/notify/announce-messages.ts";
import { searchFollower } from "../../shared/search/follow-changes.ts";
import { eventFunction } from "../runtime/background-function.ts";

export const onChatChanged = eventFunction({
  name: "on-chat-changed",
  payload: ChatChanged,
  open(deps) {
    const catchUp = openCatchUp({ ...deps, chatLog: openChatLog(deps) }, [
      judgeFollower(deps),
      notificationFollower(deps),
      searchFollower(deps),
      summaryFollower,
      answerCounter(deps),
    ]);
    return ({ app, chat, revision }) => catchUp.run(appHandle(deps.firestore, app), chat, revision);
  },
});
