import { type AnswerFeeds, openAnswerFeeds } from "../../shared/assistant/answer-feed.ts";
import { createAnswerHub } from "../../shared/assistant/answer-hub.ts";
import { type ChatLog, openChatLog } from "../../shared/chat/log/chat-log.ts";
import { type ChatFeeds, openChatFeeds } from "../../shared/live/chat-feed.ts";
import { type Hooks, openHooks } from "../../shared/chat/moderation/hook.ts";
import { openRollouts, type Rollouts } from "../../shared/rollout/rollouts.ts";
import { openPersonFeeds, type PersonFeeds } from "../../shared/live/person-feed.ts";
import { openPresence } from "../../shared/live/presence.ts";
import { openStreamSlots } from "../../shared/live/stream-slots.ts";
import type { Deps } from "../../shared/platform/deps.ts";
import { type HttpDeps, openHttpDeps } from "../runtime/http-deps.ts";
import { type OpenStreams, openOpenStreams } from "../runtime/open-streams.ts";

/** What streams are made of. */
export interface LiveDeps extends HttpDeps {
  readonly chatLog: ChatLog;
  readonly hooks: Hooks;
  readonly rollouts: Rollouts;
  readonly answerFeeds: AnswerFeeds;
  readonly chatFeeds: ChatFeeds;
  readonly personFeeds: PersonFeeds;
  readonly openStreams: OpenStreams;
}

export function openLiveDeps(deps: Deps): LiveDeps {
  const http = openHttpDeps(deps);
  const presence = openPresence(deps);
  // No answer is made here; all come by Firestore.
  const answerFeeds = openAnswerFeeds(deps, createAnswerHub());
  return {
    ...http,
    chatLog: openChatLog(deps),
    hooks: openHooks(http),
    rollouts: openRollouts(deps),
    answerFeeds,
    chatFeeds: openChatFeeds(deps, presence, answerFeeds),
    personFeeds: openPersonFeeds(deps, presence, answerFeeds),
    openStreams: openOpenStreams(deps, { ...http, presence, slots: openStreamSlots(deps) }),
  };
}
