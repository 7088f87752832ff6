import { PersonResumeQuery } from "../../../shared/live/contract.ts";
import { parsePosition } from "../../../shared/live/person-cursor.ts";
import { liveEndpoint } from "../endpoint.ts";
import { PERSON_STREAM_OPERATIONS } from "../../runtime/open-streams.ts";
import { eventStream } from "../../runtime/event-stream.ts";
import { oneHeader } from "../../runtime/request-context.ts";

/**
 * The live changes of all chats of the caller, as server-sent events resumed by `Last-Event-ID` or `?after=`.
 */
export const getPersonEvents = liveEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/events",
  summary: "Streams what happens in all of the caller's chats.",
  access: "message:read",
  ticket: true,
  operations: PERSON_STREAM_OPERATIONS,
  query: PersonResumeQuery,
  reply: "event-stream",
  async handle({ deps, app, principal, query, headers, spend }) {
    const position = parsePosition(oneHeader(headers["last-event-id"]) ?? query.after ?? "");
    return eventStream({ deps, app, principal, spend }, (sink) =>
      deps.personFeeds.subscribe(app, principal, position, sink),
    );
  },
});
