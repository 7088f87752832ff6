import { checkFile } from "./events/check-file.ts";
import { keepDeadLetter } from "./events/keep-dead-letter.ts";
import { onChatChanged } from "./events/on-chat-changed.ts";
import { api } from "./http/api.ts";
import { live } from "./http/live.ts";
import type { CloudFunction } from "./runtime/function.ts";
import { audit } from "./schedules/audit.ts";
import { auditSearch } from "./schedules/audit-search.ts";
import { expireChats } from "./schedules/expire-chats.ts";
import { judgeRollouts } from "./schedules/judge-rollouts.ts";
import { reconcile } from "./schedules/reconcile.ts";
import { recoverAnswers } from "./schedules/recover-answers.ts";
import { recoverJobs } from "./schedules/recover-jobs.ts";
import { recoverScheduled } from "./schedules/recover-scheduled.ts";
import { tendFiles } from "./schedules/tend-files.ts";
import { answerFast, answerSlow } from "./tasks/answer-message.ts";
import { forkChat } from "./tasks/fork-chat.ts";
import { indexMessages } from "./tasks/index-messages.ts";
import { judgeMessage } from "./tasks/judge-message.ts";
import { notifyMembers } from "./tasks/notify-members.ts";
import { runJob } from "./tasks/run-job.ts";
import { runTransfer } from "./tasks/run-transfer.ts";
import { sendMail } from "./tasks/send-mail.ts";
import { sendScheduled } from "./tasks/send-scheduled.ts";
import { shadowAnswer } from "./tasks/shadow-answer.ts";
import { summarizeChat } from "./tasks/summarize-chat.ts";

/** Every function besides those that serve the API. */
export const backgroundFunctions: readonly CloudFunction[] = [
  onChatChanged,
  keepDeadLetter,
  checkFile,
  tendFiles,
  runJob,
  runTransfer,
  recoverJobs,
  sendMail,
  notifyMembers,
  judgeMessage,
  forkChat,
  sendScheduled,
  recoverScheduled,
  reconcile,
  expireChats,
  audit,
  auditSearch,
  indexMessages,
  answerFast,
  answerSlow,
  summarizeChat,
  shadowAnswer,
  recoverAnswers,
  judgeRollouts,
];

/** Every function; the manifest says how each is deployed, and a test compares the two. */
export const functions: readonly CloudFunction[] = [api, live, ...backgroundFunctions];
