import type { Auth } from "firebase-admin/auth";
import type { Deps } from "./deps.ts";
import { AppError } from "./errors.ts";
import { lazy } from "./lazy.ts";
import { within } from "./within.ts";

/**
 * Identity Platform (Firebase Authentication): who signs in with Google, Microsoft, SAML or OpenID Connect.
 */
export interface IdentityPlatform {
  /**
   * The claims of an ID token; undefined when it is not valid, or its account has been disabled, deleted or
   * signed out since. One call.
   * @throws AppError `unavailable`
   */
  verify(idToken: string): Promise<Readonly<Record<string, unknown>> | undefined>;
  /**
   * Whether a sign-in at that time still stands: not disabled, deleted or signed out. One call. @throws
   * AppError `unavailable`
   */
  stands(uid: string, signedInMs: number): Promise<boolean>;
}

const CALL_MS_MAX = 5_000;
/** What says that the token or account is not good; anything else says that nothing is known. */
const REFUSALS: ReadonlySet<string> = new Set([
  "auth/argument-error",
  "auth/invalid-argument",
  "auth/invalid-id-token",
  "auth/id-token-expired",
  "auth/id-token-revoked",
  "auth/user-disabled",
  "auth/user-not-found",
  "auth/invalid-uid",
]);

let opened = 0;

export function openIdentityPlatform({ config, upkeep }: Pick<Deps, "config" | "upkeep">): IdentityPlatform {
  // The kit keeps apps by name for the whole process.
  opened += 1;
  const name = `scrollback-${opened}`;
  const kit = lazy<{ auth: Auth; close(): Promise<void> }>(async () => {
    const [{ initializeApp, deleteApp }, { getAuth }] = await Promise.all([
      import("firebase-admin/app"),
      import("firebase-admin/auth"),
    ]);
    const app = initializeApp({ projectId: config.projectId }, name);
    return { auth: getAuth(app), close: () => deleteApp(app) };
  });
  upkeep.onClose(() => {
    kit
      .made()
      ?.then(({ close }) => close())
      .catch(() => undefined);
  });
  return {
    async verify(idToken) {
      const { auth } = await kit.get();
      return unlessRefused(within(CALL_MS_MAX, auth.verifyIdToken(idToken, true)));
    },
    async stands(uid, signedInMs) {
      const { auth } = await kit.get();
      const user = await unlessRefused(within(CALL_MS_MAX, auth.getUser(uid)));
      if (user === undefined || user.disabled) return false;
      return Date.parse(user.tokensValidAfterTime ?? "1970-01-01T00:00:00Z") <= signedInMs;
    },
  };
}

async function unlessRefused<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (cause) {
    if (REFUSALS.has(String((cause as { code?: unknown } | null)?.code))) return undefined;
    // The cause is left out: the kit's messages can repeat tokens and addresses.
    throw new AppError("unavailable", "The identity provider did not answer.", { retryAfterSeconds: 1 });
  }
}
