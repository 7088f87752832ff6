import { chatHandle } from "../../../shared/chat/chat-handle.ts";
import { ResumeQuery } from "../../../shared/live/contract.ts";
import { liveEndpoint } from "../endpoint.ts";
import { STREAM_OPERATIONS } from "../../runtime/open-streams.ts";
import { eventStream } from "../../runtime/event-stream.ts";
import { ChatParams } from "../parameters.ts";

/** The live changes of a chat, as server-sent events resumed by `Last-Event-ID` or `?after=`. */
export const getChatEvents = liveEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/chats/{chat}/events",
  summary: "Streams what happens in a chat.",
  access: "message:read",
  ticket: true,
  params: ChatParams,
  operations: STREAM_OPERATIONS,
  query: ResumeQuery,
  reply: "event-stream",
  async handle({ deps, app, principal, params, query, headers, spend }) {
    const lastId = headers["last-event-id"];
    const since = typeof lastId === "string" && /^\d{1,15}$/.test(lastId) ? Number(lastId) : query.after;
    return eventStream({ deps, app, principal, spend }, (sink) =>
      deps.chatFeeds.subscribe(chatHandle(app, params.chat), principal, since, sink),
    );
  },
});
