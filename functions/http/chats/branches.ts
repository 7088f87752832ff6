import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { readBranches, switchBranch } from "../../../shared/chat/branches/branches.ts";
import { Branch, BranchChoice, BranchListQuery, Chat, pageOf } from "../../../shared/chat/contract.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { ChatParams } from "../parameters.ts";

export const getBranches = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}/branches",
  summary: "Lists a chat's branches.",
  access: "chat:read",
  params: ChatParams,
  operations: operationsOfPage,
  query: BranchListQuery,
  reply: pageOf(Branch),
  async handle({ deps, app, principal, params, query }) {
    return ok(await readBranches(deps, chatHandle(app, params.chat), principal, query));
  },
});

export const putBranch = appEndpoint({
  method: "PUT",
  path: "/v1/apps/{app}/chats/{chat}/branch",
  summary: "Turns a chat to another branch.",
  access: "chat:change",
  params: ChatParams,
  body: BranchChoice,
  reply: Chat,
  async handle({ deps, app, principal, params, body }) {
    return ok(await switchBranch(deps, chatHandle(app, params.chat), principal, body.branch));
  },
});
