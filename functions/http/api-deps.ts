import { type AnswerFeeds, openAnswerFeeds } from "../../shared/assistant/answer-feed.ts";
import { type AnswerHub, createAnswerHub } from "../../shared/assistant/answer-hub.ts";
import { type Circuits, openCircuits } from "../../shared/assistant/circuits.ts";
import { type ChatLog, openChatLog } from "../../shared/chat/log/chat-log.ts";
import { type Hooks, openHooks } from "../../shared/chat/moderation/hook.ts";
import { type Acting, openActing } from "../../shared/identity/acting.ts";
import { type Absences, createAbsences } from "../../shared/identity/absences.ts";
import { type AccessTokens, openAccessTokens } from "../../shared/identity/access-token.ts";
import { type ApiTokens, openApiTokens } from "../../shared/identity/api-token.ts";
import { type AppDirectory, openAppDirectory } from "../../shared/identity/app-directory.ts";
import { openOutsiders, type Outsiders } from "../../shared/identity/outsiders.ts";
import { openQuotas, type Quotas } from "../../shared/identity/quotas.ts";
import { openRevocations, type Revocations } from "../../shared/identity/revocations.ts";
import { type ChatFeeds, openChatFeeds } from "../../shared/live/chat-feed.ts";
import { openPersonFeeds, type PersonFeeds } from "../../shared/live/person-feed.ts";
import { openPresence } from "../../shared/live/presence.ts";
import { type OpenStreams, openOpenStreams } from "../runtime/open-streams.ts";
import type { Deps } from "../../shared/platform/deps.ts";
import { type IdentityPlatform, openIdentityPlatform } from "../../shared/platform/identity-platform.ts";
import { openRollouts, type Rollouts } from "../../shared/rollout/rollouts.ts";

/** What the API's endpoints work with: the platform, and what an instance remembers. */
export interface ApiDeps extends Deps {
  readonly identityPlatform: IdentityPlatform;
  readonly revocations: Revocations;
  readonly accessTokens: AccessTokens;
  readonly acting: Acting;
  readonly apiTokens: ApiTokens;
  readonly apps: AppDirectory;
  readonly outsiders: Outsiders;
  readonly quotas: Quotas;
  readonly chatLog: ChatLog;
  readonly hooks: Hooks;
  readonly answerHub: AnswerHub;
  readonly answerFeeds: AnswerFeeds;
  readonly circuits: Circuits;
  readonly rollouts: Rollouts;
  readonly chatFeeds: ChatFeeds;
  readonly personFeeds: PersonFeeds;
  readonly openStreams: OpenStreams;
  readonly absentPeople: Absences;
}

export function openApiDeps(deps: Deps): ApiDeps {
  const revocations = openRevocations(deps);
  const apps = openAppDirectory(deps, revocations);
  const presence = openPresence(deps);
  const answerHub = createAnswerHub();
  const answerFeeds = openAnswerFeeds(deps, answerHub);
  return {
    ...deps,
    identityPlatform: openIdentityPlatform(deps),
    revocations,
    accessTokens: openAccessTokens(deps, revocations),
    acting: openActing(deps, revocations),
    apiTokens: openApiTokens(deps, revocations),
    apps,
    outsiders: openOutsiders(deps),
    quotas: openQuotas(deps, apps),
    chatLog: openChatLog(deps),
    hooks: openHooks({ ...deps, apps }),
    answerHub,
    answerFeeds,
    circuits: openCircuits(deps),
    rollouts: openRollouts(deps),
    chatFeeds: openChatFeeds(deps, presence, answerFeeds),
    personFeeds: openPersonFeeds(deps, presence, answerFeeds),
    absentPeople: createAbsences(deps.clock),
    openStreams: openOpenStreams(deps, { apps, revocations, presence }),
  };
}
