import { type Acting, openActing } from "../../shared/identity/acting.ts";
import { type AccessTokens, openAccessTokens } from "../../shared/identity/access-token.ts";
import { type ApiTokens, openApiTokens } from "../../shared/identity/api-token.ts";
import { type AppDirectory, openAppDirectory } from "../../shared/identity/app-directory.ts";
import { openOutsiders, type Outsiders } from "../../shared/identity/outsiders.ts";
import { openQuotas, type Quotas } from "../../shared/identity/quotas.ts";
import { openRevocations, type Revocations } from "../../shared/identity/revocations.ts";
import type { Deps } from "../../shared/platform/deps.ts";

/** What an HTTP function needs to admit a request. Its endpoints may need more. */
export interface HttpDeps extends Deps {
  readonly accessTokens: AccessTokens;
  readonly acting: Acting;
  readonly apiTokens: ApiTokens;
  readonly apps: AppDirectory;
  readonly outsiders: Outsiders;
  readonly quotas: Quotas;
  readonly revocations: Revocations;
}

export function openHttpDeps(deps: Deps): HttpDeps {
  const revocations = openRevocations(deps);
  const apps = openAppDirectory(deps, revocations);
  return {
    ...deps,
    accessTokens: openAccessTokens(deps, revocations),
    acting: openActing(deps, revocations),
    apiTokens: openApiTokens(deps, revocations),
    apps,
    outsiders: openOutsiders(deps),
    quotas: openQuotas(deps, apps),
    revocations,
  };
}
