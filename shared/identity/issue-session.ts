import type { Deps } from "../platform/deps.ts";
import type { IdentityPlatform } from "../platform/identity-platform.ts";
import { ACCESS_TOKEN_TTL_SECONDS, type AccessTokens } from "./access-token.ts";
import type { AppDirectory } from "./app-directory.ts";
import type { App } from "./app.ts";
import type { Session } from "./contract.ts";
import { encodeRefreshToken } from "./refresh-token.ts";
import type { Revocations } from "./revocations.ts";
import type { StoredSession, StoredUser } from "./store.ts";
import { userView } from "./user-view.ts";

export type IdentityDeps = Deps & {
  readonly accessTokens: AccessTokens;
  readonly revocations: Revocations;
  readonly apps: AppDirectory;
  readonly identityPlatform: IdentityPlatform;
};

/** The tokens of a session as it is stored. No Firestore operation. */
export async function issueSession(
  deps: IdentityDeps,
  app: App,
  sessionId: string,
  {
    session,
    user,
  }: {
    readonly session: Pick<StoredSession, "user" | "generation" | "createdAt" | "factorAt">;
    readonly user: StoredUser;
  },
): Promise<Session> {
  const accessToken = await deps.accessTokens.sign({
    app: app.id,
    user: session.user,
    role: user.role,
    sessionId,
    beganMs: session.createdAt.toMillis(),
    factorMs: session.factorAt?.toMillis(),
  });
  return {
    accessToken,
    tokenType: "Bearer",
    expiresIn: ACCESS_TOKEN_TTL_SECONDS,
    refreshToken: encodeRefreshToken(deps.keys, app, sessionId, session.generation),
    sessionId,
    user: userView(session.user, user, true),
  };
}
