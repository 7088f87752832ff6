import { type AnswerFeeds, openAnswerFeeds } from "../../shared/assistant/answer-feed.ts";
import { type AnswerHub, createAnswerHub } from "../../shared/assistant/answer-hub.ts";
import { type Circuits, openCircuits } from "../../shared/assistant/circuits.ts";
import { type ChatLog, openChatLog } from "../../shared/chat/log/chat-log.ts";
import { type Hooks, openHooks } from "../../shared/chat/moderation/hook.ts";
import { type Absences, createAbsences } from "../../shared/identity/absences.ts";
import { type ChatFeeds, openChatFeeds } from "../../shared/live/chat-feed.ts";
import { openPresence } from "../../shared/live/presence.ts";
import type { Deps } from "../../shared/platform/deps.ts";
import { type IdentityPlatform, openIdentityPlatform } from "../../shared/platform/identity-platform.ts";
import { openRollouts, type Rollouts } from "../../shared/rollout/rollouts.ts";
import { type HttpDeps, openHttpDeps } from "../runtime/http-deps.ts";
import { type OpenStreams, openOpenStreams } from "../runtime/open-streams.ts";

/** What the API's endpoints work with: the platform, and what an instance remembers. */
export interface ApiDeps extends HttpDeps {
  readonly identityPlatform: IdentityPlatform;
  readonly chatLog: ChatLog;
  readonly hooks: Hooks;
  readonly answerHub: AnswerHub;
  readonly answerFeeds: AnswerFeeds;
  readonly circuits: Circuits;
  readonly rollouts: Rollouts;
  readonly chatFeeds: ChatFeeds;
  readonly openStreams: OpenStreams;
  readonly absentPeople: Absences;
}

export function openApiDeps(deps: Deps): ApiDeps {
  const http = openHttpDeps(deps);
  const presence = openPresence(deps);
  const answerHub = createAnswerHub();
  const answerFeeds = openAnswerFeeds(deps, answerHub);
  return {
    ...http,
    identityPlatform: openIdentityPlatform(deps),
    chatLog: openChatLog(deps),
    hooks: openHooks(http),
    answerHub,
    answerFeeds,
    circuits: openCircuits(deps),
    rollouts: openRollouts(deps),
    chatFeeds: openChatFeeds(deps, presence, answerFeeds),
    absentPeople: createAbsences(deps.clock),
    openStreams: openOpenStreams(deps, { ...http, presence }),
  };
}
