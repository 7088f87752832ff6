import type { Endpoint } from "../runtime/endpoint.ts";
import type { ApiDeps } from "./api-deps.ts";
import type { LiveDeps } from "./live-deps.ts";
import { deleteFile } from "./files/delete-file.ts";
import { getFile, getFileContent } from "./files/get-file.ts";
import { postFile } from "./files/post-file.ts";
import { deleteScheduled, getScheduled, patchScheduled } from "./scheduled/scheduled.ts";
import { deleteTransfer, getTransfer, getTransfers } from "./jobs/jobs.ts";
import { postExport } from "./jobs/post-export.ts";
import { postImport } from "./jobs/post-import.ts";
import { getModels } from "./models/get-models.ts";
import { getAiMessages, postAiStop } from "./ai/ai-chat.ts";
import { getAiStream } from "./ai/get-ai-stream.ts";
import { postAiChat } from "./ai/post-ai-chat.ts";
import { deleteAnswer, postAnswer, putFeedback } from "./answers/answers.ts";
import { deleteAppEndpoint } from "./apps/delete-app.ts";
import { deleteToken } from "./apps/delete-token.ts";
import { getApp } from "./apps/get-app.ts";
import { getTokens } from "./apps/get-tokens.ts";
import { getMyUsage, getUsage } from "./apps/get-usage.ts";
import { patchApp } from "./apps/patch-app.ts";
import { postApp } from "./apps/post-app.ts";
import { postToken } from "./apps/post-token.ts";
import { deleteCurrentSession, deleteSession, deleteSessions } from "./auth/delete-session.ts";
import { getJwks } from "./auth/get-jwks.ts";
import { postCode } from "./auth/post-code.ts";
import { postExchange } from "./auth/post-exchange.ts";
import { getSignInOptions } from "./auth/get-options.ts";
import { postGuest } from "./auth/post-guest.ts";
import { postRefresh } from "./auth/post-refresh.ts";
import { postSession } from "./auth/post-session.ts";
import { getBranches, putBranch } from "./chats/branches.ts";
import { deleteChat } from "./chats/delete-chat.ts";
import { deleteTyping } from "./chats/delete-typing.ts";
import { getChanges } from "./chats/get-changes.ts";
import { getChat } from "./chats/get-chat.ts";
import { getChats } from "./chats/get-chats.ts";
import { getReads } from "./chats/get-reads.ts";
import { deleteMember, putMember } from "./chats/members.ts";
import { patchChat } from "./chats/patch-chat.ts";
import { postChat } from "./chats/post-chat.ts";
import { postFork } from "./chats/post-fork.ts";
import { postTyping } from "./chats/post-typing.ts";
import { putDraft } from "./chats/put-draft.ts";
import { putRead } from "./chats/put-read.ts";
import { deleteDevice, putDevice } from "./devices/devices.ts";
import { deleteFactor, getFactor, postFactor, postFactorProof, putFactor } from "./factor/factor.ts";
import {
  getInvitations,
  postAcceptance,
  postInvitation,
  removeInvitation,
} from "./invitations/invitations.ts";
import { getAnswerStream } from "./live/get-answer-stream.ts";
import { getChatEvents } from "./live/get-chat-events.ts";
import { getPersonEvents } from "./live/get-person-events.ts";
import { getPresence } from "./live/get-presence.ts";
import { postTicket } from "./live/post-ticket.ts";
import { deleteBlock, getBlock, getBlocks, putBlock } from "./me/blocks.ts";
import { getMe } from "./me/get-me.ts";
import { getSessions } from "./me/get-sessions.ts";
import { patchMe } from "./me/patch-me.ts";
import { deleteAvatar, deleteLogo, getPicture, putAvatar, putLogo } from "./pictures/pictures.ts";
import { deleteMessage } from "./messages/delete-message.ts";
import { getEdits } from "./messages/get-edits.ts";
import { getMessage } from "./messages/get-message.ts";
import { getMessages } from "./messages/get-messages.ts";
import { deletePin, putPin } from "./messages/pin.ts";
import { getThread, putThreadRead } from "./messages/thread.ts";
import { putRole } from "./chats/put-role.ts";
import { patchMessage } from "./messages/patch-message.ts";
import { postMessage } from "./messages/post-message.ts";
import { deleteReaction, putReaction } from "./messages/reactions.ts";
import { getNotifications } from "./notifications/get-notifications.ts";
import { deleteMute, putMute } from "./notifications/mute.ts";
import { putNotificationsRead } from "./notifications/put-read.ts";
import {
  deleteDeadLetter,
  getDeadLetter,
  getDeadLetters,
  postReplay,
  postReplayAll,
} from "./operator/dead-letters.ts";
import { getBreakers } from "./operator/get-breakers.ts";
import { getJob, getJobs, postMigration } from "./operator/jobs.ts";
import { postMove } from "./operator/moves.ts";
import { postRevocation } from "./operator/post-revocation.ts";
import { postRotation } from "./operator/post-rotation.ts";
import { getRebuild, postRebuild } from "./operator/rebuilds.ts";
import { postHookSecret } from "./moderation/post-secret.ts";
import { getReportedMessages, getReports, patchReport, postReport } from "./reports/reports.ts";
import { openApiEndpoint } from "./openapi/get-openapi.ts";
import { getReport } from "./rollouts/get-report.ts";
import { getRollout, putRollout } from "./rollouts/rollouts.ts";
import { getSearch } from "./search/get-search.ts";
import { getSecurityEvents, getSystemSecurityEvents } from "./security/get-security-events.ts";
import { getHealth } from "./system/get-health.ts";
import { getProblem } from "./system/get-problem.ts";
import { getReady } from "./system/get-ready.ts";
import { deleteUserIdentities } from "./users/delete-identities.ts";
import { deleteUser } from "./users/delete-user.ts";
import { deleteDisabled, putDisabled } from "./users/disabled.ts";
import { getUser } from "./users/get-user.ts";
import { getUsers } from "./users/get-users.ts";
import { patchUser } from "./users/patch-user.ts";
import { postUser } from "./users/post-user.ts";
import { postUserSession } from "./users/post-user-session.ts";

const getOpenApi = openApiEndpoint(() => endpoints);

/** What the function `api` serves. */
export const apiEndpoints: readonly Endpoint<ApiDeps>[] = [
  postCode,
  postSession,
  postExchange,
  postGuest,
  getSignInOptions,
  postRefresh,
  deleteCurrentSession,
  deleteSession,
  deleteSessions,
  getJwks,
  postApp,
  getApp,
  patchApp,
  deleteAppEndpoint,
  postToken,
  getTokens,
  deleteToken,
  getSecurityEvents,
  getModels,
  getBreakers,
  getDeadLetters,
  getDeadLetter,
  postReplayAll,
  postReplay,
  deleteDeadLetter,
  getJobs,
  getJob,
  postMigration,
  postMove,
  getUsage,
  getMyUsage,
  postInvitation,
  getInvitations,
  removeInvitation,
  postAcceptance,
  postUser,
  postUserSession,
  getUsers,
  getUser,
  patchUser,
  deleteUser,
  deleteUserIdentities,
  putDisabled,
  deleteDisabled,
  getMe,
  getSessions,
  getBlocks,
  getBlock,
  putBlock,
  deleteBlock,
  patchMe,
  getFactor,
  postFactor,
  putFactor,
  deleteFactor,
  postFactorProof,
  postChat,
  getChats,
  getChat,
  patchChat,
  deleteChat,
  postFork,
  getBranches,
  putBranch,
  putMember,
  putRole,
  deleteMember,
  getChanges,
  getPresence,
  postTicket,
  putRead,
  putDraft,
  postTyping,
  deleteTyping,
  getReads,
  postMessage,
  getScheduled,
  patchScheduled,
  deleteScheduled,
  getMessages,
  getMessage,
  patchMessage,
  deleteMessage,
  getEdits,
  putReaction,
  putPin,
  deletePin,
  getThread,
  putThreadRead,
  deleteReaction,
  postAnswer,
  deleteAnswer,
  putFeedback,
  getAiMessages,
  postAiStop,
  postImport,
  postExport,
  getTransfers,
  getTransfer,
  deleteTransfer,
  postFile,
  getFile,
  getFileContent,
  deleteFile,
  putAvatar,
  deleteAvatar,
  putLogo,
  deleteLogo,
  getPicture,
  getSearch,
  putMute,
  deleteMute,
  getNotifications,
  putNotificationsRead,
  putDevice,
  deleteDevice,
  getRollout,
  putRollout,
  getReport,
  postReport,
  getReports,
  patchReport,
  getReportedMessages,
  postHookSecret,
  postRebuild,
  getRebuild,
  postRotation,
  postRevocation,
  getSystemSecurityEvents,
  getHealth,
  getReady,
  getProblem,
  getOpenApi,
];

/**
 * What the function `live` serves: streams, which last. Its paths in functions/manifest.json are these, and a
 * test compares them.
 */
export const liveEndpoints: readonly Endpoint<LiveDeps>[] = [
  getChatEvents,
  getPersonEvents,
  getAnswerStream,
  postAiChat,
  getAiStream,
];

/** Every endpoint of the API. */
export const endpoints: readonly Endpoint<ApiDeps & LiveDeps>[] = [...apiEndpoints, ...liveEndpoints];
