import type { Endpoint } from "../runtime/endpoint.ts";
import { getApp } from "./apps/get-app.ts";
import { getUsage } from "./apps/get-usage.ts";
import { postApp } from "./apps/post-app.ts";
import { deleteCurrentSession, deleteSession, deleteSessions } from "./auth/delete-session.ts";
import { getJwks } from "./auth/get-jwks.ts";
import { postCode } from "./auth/post-code.ts";
import { postRefresh } from "./auth/post-refresh.ts";
import { postSession } from "./auth/post-session.ts";
import { deleteChat } from "./chats/delete-chat.ts";
import { getChat } from "./chats/get-chat.ts";
import { getChats } from "./chats/get-chats.ts";
import { patchChat } from "./chats/patch-chat.ts";
import { postChat } from "./chats/post-chat.ts";
import { putRead } from "./chats/put-read.ts";
import { getMe } from "./me/get-me.ts";
import { patchMe } from "./me/patch-me.ts";
import { getMessage } from "./messages/get-message.ts";
import { getMessages } from "./messages/get-messages.ts";
import { postMessage } from "./messages/post-message.ts";
import { getHealth } from "./system/get-health.ts";
import { getProblem } from "./system/get-problem.ts";
import { getUser } from "./users/get-user.ts";
import { getUsers } from "./users/get-users.ts";

/** Every endpoint of the API. */
export const endpoints: readonly Endpoint[] = [
  postCode,
  postSession,
  postRefresh,
  deleteCurrentSession,
  deleteSession,
  deleteSessions,
  getJwks,
  postApp,
  getApp,
  getUsage,
  getUsers,
  getUser,
  getMe,
  patchMe,
  postChat,
  getChats,
  getChat,
  patchChat,
  deleteChat,
  putRead,
  postMessage,
  getMessages,
  getMessage,
  getHealth,
  getProblem,
];
