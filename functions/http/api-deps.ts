import { type ChatLog, openChatLog } from "../../shared/chat/chat-log.ts";
import { type AccessTokens, openAccessTokens } from "../../shared/identity/access-token.ts";
import { type ApiTokens, openApiTokens } from "../../shared/identity/api-token.ts";
import { type AppDirectory, openAppDirectory } from "../../shared/identity/app-directory.ts";
import { openRevocations, type Revocations } from "../../shared/identity/revocations.ts";
import type { Deps } from "../../shared/platform/deps.ts";

/** What the API's endpoints work with: the platform, and what an instance remembers. */
export interface ApiDeps extends Deps {
  readonly revocations: Revocations;
  readonly accessTokens: AccessTokens;
  readonly apiTokens: ApiTokens;
  readonly apps: AppDirectory;
  readonly chatLog: ChatLog;
}

export function openApiDeps(deps: Deps): ApiDeps {
  const revocations = openRevocations(deps);
  return {
    ...deps,
    revocations,
    accessTokens: openAccessTokens(deps, revocations),
    apiTokens: openApiTokens(deps, revocations),
    apps: openAppDirectory(deps, revocations),
    chatLog: openChatLog(deps),
  };
}
