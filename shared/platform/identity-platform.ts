import type { Auth, BaseAuth } from "firebase-admin/auth";
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
   * Whether a sign-in still stands: not disabled, deleted or signed out since. One call.
   * @throws AppError `unavailable`
   */
  stands(signIn: SignInThere): Promise<boolean>;
}

/** Who signed in there, in the project itself or in a tenant, and when. */
export interface SignInThere {
  readonly uid: string;
  readonly tenant?: string;
  readonly signedInAt: { toMillis(): number };
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
  "auth/invalid-tenant-id",
  "auth/mismatching-tenant-id",
  "auth/tenant-not-found",
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
  /**
   * The project's own accounts do not include those of its tenants: whether a tenant's account still stands
   * is answered only where that tenant is named (firebase-admin-node, issues 1199 and 2803).
   */
  const authOf = async (tenant: string | undefined): Promise<BaseAuth> => {
    const { auth } = await kit.get();
    return tenant === undefined ? auth : auth.tenantManager().authForTenant(tenant);
  };
  return {
    async verify(idToken) {
      const tenant = tenantNamed(idToken);
      if (tenant !== undefined && !TENANT.test(tenant)) return undefined;
      const auth = await authOf(tenant);
      return unlessRefused(within(CALL_MS_MAX, auth.verifyIdToken(idToken, true)));
    },
    async stands({ uid, tenant, signedInAt }) {
      const auth = await authOf(tenant);
      const user = await unlessRefused(within(CALL_MS_MAX, auth.getUser(uid)));
      if (user === undefined || user.disabled) return false;
      return Date.parse(user.tokensValidAfterTime ?? "1970-01-01T00:00:00Z") <= signedInAt.toMillis();
    },
  };
}

const TENANT = /^[A-Za-z0-9-]{1,128}$/;

/** The tenant that a token says it is of, before anything about it is proved: it says who is to prove it. */
function tenantNamed(idToken: string): string | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(idToken.split(".")[1] ?? "", "base64url").toString());
    const tenant = (payload as { firebase?: { tenant?: unknown } } | null)?.firebase?.tenant;
    return typeof tenant === "string" ? tenant : undefined;
  } catch {
    return undefined;
  }
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
