import type { Acting } from "../../shared/identity/acting.ts";
import type { AccessTokens } from "../../shared/identity/access-token.ts";
import type { ApiTokens } from "../../shared/identity/api-token.ts";
import type { AppDirectory } from "../../shared/identity/app-directory.ts";
import type { Outsiders } from "../../shared/identity/outsiders.ts";
import type { Quotas } from "../../shared/identity/quotas.ts";
import type { Revocations } from "../../shared/identity/revocations.ts";
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
