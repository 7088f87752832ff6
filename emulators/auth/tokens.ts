import { randomBytes } from "node:crypto";
import { type Account, providersOf } from "./account.ts";
import { type AuthCore, type Call, nowSeconds, textOf } from "./core.ts";
import { authError } from "./failure.ts";
import { type Claims, decodeJwt, encodeJwt } from "./jwt.ts";
import { ID_TOKEN_SECONDS, SESSION_COOKIE_SECONDS_MAX, SESSION_COOKIE_SECONDS_MIN } from "./limits.ts";
import type { RefreshGrant } from "./state.ts";

/** How a person has signed in. */
export interface SignIn {
  /** "password", "google.com", "custom", "anonymous" … */
  readonly provider: string;
  /** Further claims: of a custom token, or a provider's attributes. */
  readonly claims?: Claims | undefined;
  readonly attributes?: Claims | undefined;
}

export interface IssuedTokens {
  readonly idToken: string;
  readonly refreshToken: string;
  readonly expiresIn: string;
}

/** Tokens for a sign-in of this moment; call inside `database.write`. */
export function issueTokens(core: AuthCore, call: Call, account: Account, signIn: SignIn): IssuedTokens {
  const { provider, claims = {}, attributes } = signIn;
  const grant: RefreshGrant = {
    token: randomBytes(96).toString("base64url"),
    localId: account.localId,
    provider,
    authTime: nowSeconds(core),
    claims: attributes === undefined ? claims : { ...claims, [ATTRIBUTES]: attributes },
  };
  const nowMs = core.kernel.clock.now();
  core.state.putAccount(call.realm, { ...account, lastLoginAt: nowMs, lastRefreshAt: nowMs });
  core.state.putGrant(call.realm, grant);
  return {
    idToken: mint(core, call, account, grant),
    refreshToken: grant.token,
    expiresIn: String(ID_TOKEN_SECONDS),
  };
}

/** Where a grant keeps what becomes `firebase.sign_in_attributes`. */
const ATTRIBUTES = "__sign_in_attributes";

const issuer = (project: string): string => `https://securetoken.google.com/${project}`;

function mint(core: AuthCore, { realm, signed }: Call, account: Account, grant: RefreshGrant): string {
  const { [ATTRIBUTES]: attributes, ...claims } = grant.claims;
  const { email, emailVerified, displayName, photoUrl, phoneNumber, customAttributes, localId } = account;
  const now = nowSeconds(core);
  const payload: Claims = {
    ...(displayName === undefined ? {} : { name: displayName }),
    ...(photoUrl === undefined ? {} : { picture: photoUrl }),
    ...(JSON.parse(customAttributes ?? "{}") as Claims),
    ...claims,
    ...(grant.provider === "anonymous" ? { provider_id: "anonymous" } : {}),
    ...(email === undefined ? {} : { email, email_verified: emailVerified }),
    ...(phoneNumber === undefined ? {} : { phone_number: phoneNumber }),
    iss: issuer(realm.project),
    aud: realm.project,
    auth_time: grant.authTime,
    user_id: localId,
    sub: localId,
    iat: now,
    exp: now + ID_TOKEN_SECONDS,
    firebase: {
      identities: identitiesOf(account),
      sign_in_provider: grant.provider,
      ...(realm.tenant === "" ? {} : { tenant: realm.tenant }),
      ...(attributes === undefined ? {} : { sign_in_attributes: attributes }),
    },
  };
  return encodeJwt(payload, signed ? core.key : undefined);
}

function identitiesOf(account: Account): Record<string, string[]> {
  const identities: Record<string, string[]> = {};
  for (const { providerId, rawId, email } of providersOf(account)) {
    const add = (name: string, value: string): void => {
      const known = (identities[name] ??= []);
      if (!known.includes(value)) known.push(value);
    };
    if (providerId !== "password") add(providerId, rawId);
    if (email !== undefined) add("email", email);
  }
  if (account.email !== undefined && identities.email === undefined) identities.email = [account.email];
  return identities;
}

export interface Presented {
  readonly account: Account;
  readonly claims: Claims;
  readonly provider: string;
}

/**
 * The account that an ID token speaks for. A token may be unsigned, as those of Google's own emulator are.
 */
export function presented(core: AuthCore, { realm }: Call, idToken: string): Presented {
  const decoded = decodeJwt(idToken, core.key);
  if (decoded === undefined || decoded.trust === "foreign") throw authError("INVALID_ID_TOKEN");
  const { payload } = decoded;
  if (payload.iss !== issuer(realm.project) || payload.aud !== realm.project)
    throw authError("INVALID_ID_TOKEN");
  if (Number(payload.exp) <= nowSeconds(core)) throw authError("TOKEN_EXPIRED");
  const firebase = (payload.firebase ?? {}) as { tenant?: string; sign_in_provider?: string };
  if ((firebase.tenant ?? "") !== realm.tenant) throw authError("TENANT_ID_MISMATCH");
  const account = core.state.account(realm, String(payload.sub ?? payload.user_id));
  if (account === undefined) throw authError("USER_NOT_FOUND");
  if (account.disabled) throw authError("USER_DISABLED");
  if (Number(payload.auth_time ?? payload.iat) < account.validSince) throw authError("TOKEN_EXPIRED");
  return { account, claims: payload, provider: firebase.sign_in_provider ?? "custom" };
}

/** The tenant that an unverified ID token names, which says in which realm to look up the account. */
export function tenantOf(core: AuthCore, idToken: string): string {
  const firebase = decodeJwt(idToken, core.key)?.payload.firebase as { tenant?: string } | undefined;
  return firebase?.tenant ?? "";
}

/**
 * The endpoint `token` of securetoken.googleapis.com: a new ID token for a refresh token, which stays valid.
 */
export async function refresh(core: AuthCore, call: Call): Promise<unknown> {
  const { body } = call;
  if (body.grant_type !== "refresh_token")
    throw authError(body.grant_type ? "INVALID_GRANT_TYPE" : "MISSING_GRANT_TYPE");
  if (!body.refresh_token) throw authError("MISSING_REFRESH_TOKEN");
  const found = core.state.grant(textOf(body, "refresh_token") ?? "");
  if (found === undefined) throw authError("INVALID_REFRESH_TOKEN");
  const { realm, grant } = found;
  return core.state.database.write(() => {
    const account = core.state.account(realm, grant.localId);
    if (account === undefined) throw authError("USER_NOT_FOUND");
    if (account.disabled) throw authError("USER_DISABLED");
    if (grant.authTime < account.validSince) throw authError("TOKEN_EXPIRED");
    core.state.putAccount(realm, { ...account, lastRefreshAt: core.kernel.clock.now() });
    const idToken = mint(core, { ...call, realm }, account, grant);
    return {
      access_token: idToken,
      id_token: idToken,
      refresh_token: grant.token,
      expires_in: String(ID_TOKEN_SECONDS),
      token_type: "Bearer",
      user_id: account.localId,
      project_id: realm.project,
    };
  });
}

/** createSessionCookie: the claims of an ID token under another issuer, for the requested time. */
export function createSessionCookie(core: AuthCore, call: Call): unknown {
  const { body } = call;
  if (!body.idToken) throw authError("MISSING_ID_TOKEN");
  const seconds = Number(body.validDuration ?? SESSION_COOKIE_SECONDS_MAX);
  if (!(seconds >= SESSION_COOKIE_SECONDS_MIN && seconds <= SESSION_COOKIE_SECONDS_MAX))
    throw authError("INVALID_DURATION");
  const { claims } = presented(core, call, textOf(body, "idToken") ?? "");
  const now = nowSeconds(core);
  const payload = {
    ...claims,
    iat: now,
    exp: now + seconds,
    iss: `https://session.firebase.google.com/${call.realm.project}`,
  };
  return { sessionCookie: encodeJwt(payload, call.signed ? core.key : undefined) };
}
