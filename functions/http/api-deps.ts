import { type ChatLog, openChatLog } from "../../shared/chat/chat-log.ts";
import { type AccessTokens, openAccessTokens } from "../../shared/identity/access-token.ts";
import { type ApiTokens, openApiTokens } from "../../shared/identity/api-token.ts";
import { type KnownApps, openKnownApps } from "../../shared/identity/manage-app.ts";
import type { Deps } from "../../shared/platform/deps.ts";

/** What the API's endpoints work with: the platform, and what an instance remembers. */
export interface ApiDeps extends Deps {
  readonly accessTokens: AccessTokens;
  readonly apiTokens: ApiTokens;
  readonly knownApps: KnownApps;
  readonly chatLog: ChatLog;
}

export const openApiDeps = (deps: Deps): ApiDeps => ({
  ...deps,
  accessTokens: openAccessTokens(deps),
  apiTokens: openApiTokens(deps),
  knownApps: openKnownApps(deps),
  chatLog: openChatLog(deps),
});
