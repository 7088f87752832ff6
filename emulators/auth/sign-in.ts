import { type Account, mfaView } from "./account.ts";
import {
  type AuthCore,
  type Call,
  newLocalId,
  nowSeconds,
  parseEmail,
  requireUnique,
  textOf,
} from "./core.ts";
import { authError } from "./failure.ts";
import { type Claims, decodeJwt } from "./jwt.ts";
import { CUSTOM_CLAIMS_CHARS_MAX, UID_CHARS_MAX } from "./limits.ts";
import { takeOobCode } from "./oob.ts";
import { isPassword } from "./passwords.ts";
import { emptyAccount } from "./sign-up.ts";
import { issueTokens, presented, type SignIn } from "./tokens.ts";

/**
 * Returns tokens for the account. For an account with a second factor it returns only that one is needed,
 * because codes for second factors are not served.
 */
export function complete(
  core: AuthCore,
  call: Call,
  account: Account,
  signIn: SignIn,
): Record<string, unknown> {
  if (account.disabled) throw authError("USER_DISABLED");
  if (account.mfa.length === 0) return { ...issueTokens(core, call, account, signIn) };
  return {
    mfaPendingCredential: Buffer.from(JSON.stringify({ localId: account.localId, ...call.realm })).toString(
      "base64url",
    ),
    mfaInfo: account.mfa.map((factor) => mfaView(factor, false)),
  };
}

export async function signInWithPassword(core: AuthCore, call: Call): Promise<unknown> {
  const { body, realm } = call;
  if (!body.email) throw authError("MISSING_EMAIL");
  if (!body.password) throw authError("MISSING_PASSWORD");
  const email = parseEmail(body.email);
  return core.state.database.write(() => {
    const account = core.state.byEmail(realm, email);
    if (account === undefined) throw authError("EMAIL_NOT_FOUND");
    if (account.disabled) throw authError("USER_DISABLED");
    if (account.password === undefined || !isPassword(String(body.password), account.password)) {
      throw authError("INVALID_PASSWORD");
    }
    return {
      kind: "identitytoolkit#VerifyPasswordResponse",
      registered: true,
      localId: account.localId,
      email,
      ...(account.displayName === undefined ? {} : { displayName: account.displayName }),
      ...(account.photoUrl === undefined ? {} : { profilePicture: account.photoUrl }),
      ...complete(core, call, account, { provider: "password" }),
    };
  });
}

const CUSTOM_AUDIENCE =
  "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit";

const FORBIDDEN_CLAIMS = new Set(
  "acr amr at_hash aud auth_time azp cnf c_hash exp firebase iat iss jti nbf nonce sub".split(" "),
);

/** Claims that the service keeps for itself may not be set. */
export function requireClaims(claims: Claims): void {
  const forbidden = Object.keys(claims).find((name) => FORBIDDEN_CLAIMS.has(name));
  if (forbidden !== undefined) throw authError(`FORBIDDEN_CLAIM : ${forbidden}`);
  if (JSON.stringify(claims).length > CUSTOM_CLAIMS_CHARS_MAX) throw authError("CLAIMS_TOO_LARGE");
}

/**
 * Any signature is accepted, as by Google's own emulator, which cannot know the project's service accounts.
 */
export async function signInWithCustomToken(core: AuthCore, call: Call): Promise<unknown> {
  const { body, realm } = call;
  if (!body.token) throw authError("MISSING_CUSTOM_TOKEN");
  const payload =
    decodeJwt(textOf(body, "token") ?? "", core.key)?.payload ?? plainJson(textOf(body, "token") ?? "");
  if (payload === undefined) throw authError("INVALID_CUSTOM_TOKEN : Invalid assertion format");
  if (payload.aud !== undefined && payload.aud !== CUSTOM_AUDIENCE) {
    throw authError(`INVALID_CUSTOM_TOKEN : Invalid aud (audience): ${JSON.stringify(payload.aud)}`);
  }
  if (payload.exp !== undefined && Number(payload.exp) <= nowSeconds(core)) {
    throw authError("INVALID_CUSTOM_TOKEN : The custom token has expired.");
  }
  if ((payload.tenant_id ?? "") !== realm.tenant) throw authError("TENANT_ID_MISMATCH");
  const localId = payload.uid ?? payload.user_id;
  if (typeof localId !== "string" || localId === "" || localId.length > UID_CHARS_MAX)
    throw authError("MISSING_IDENTIFIER");
  const claims = (payload.claims ?? {}) as Claims;
  requireClaims(claims);
  return core.state.database.write(() => {
    const known = core.state.account(realm, localId);
    const account = { ...(known ?? emptyAccount(core, call, localId)), customAuth: true };
    core.state.putAccount(realm, account);
    return {
      kind: "identitytoolkit#VerifyCustomTokenResponse",
      isNewUser: known === undefined,
      ...complete(core, call, account, { provider: "custom", claims }),
    };
  });
}

function plainJson(text: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A link from an e-mail proves the address. It signs in, signs up, or is added to the account of the ID
 * token.
 */
export async function signInWithEmailLink(core: AuthCore, call: Call): Promise<unknown> {
  const { body, realm } = call;
  const email = parseEmail(body.email);
  if (!body.oobCode) throw authError("MISSING_OOB_CODE");
  return core.state.database.write(() => {
    const code = takeOobCode(core, realm, textOf(body, "oobCode") ?? "", ["EMAIL_SIGNIN"]);
    if (code.email !== email)
      throw authError("INVALID_EMAIL : The email provided does not match the sign-in email address.");
    const idToken = textOf(body, "idToken");
    const linked = idToken === undefined ? undefined : presented(core, call, idToken).account;
    const known = linked ?? core.state.byEmail(realm, email);
    const account: Account = {
      ...(known ?? emptyAccount(core, call, newLocalId())),
      email,
      emailVerified: true,
      emailLinkSignin: true,
    };
    requireUnique(core, realm, account);
    core.state.putAccount(realm, account);
    return {
      kind: "identitytoolkit#EmailLinkSigninResponse",
      email,
      localId: account.localId,
      isNewUser: known === undefined,
      ...complete(core, call, account, { provider: "password" }),
    };
  });
}
