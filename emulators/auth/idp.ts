import type { Account, ProviderLink } from "./account.ts";
import { type AuthCore, allowsDuplicateEmails, type Call, nowSeconds, textOf } from "./core.ts";
import { authError } from "./failure.ts";
import { type Claims, decodeJwt } from "./jwt.ts";
import { complete } from "./sign-in.ts";
import { emptyAccount } from "./sign-up.ts";
import { presented } from "./tokens.ts";

/** What a provider says of a person. */
interface Assertion {
  readonly providerId: string;
  readonly rawId: string;
  readonly link: ProviderLink;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  readonly claims: Claims;
  readonly attributes: Claims | undefined;
  readonly answer: Record<string, unknown>;
}

/**
 * accounts:signInWithIdp. No provider is asked: whatever claims the request brings are believed, in an
 * ID token of any signature, as plain JSON in its place, or as a SAML assertion in JSON.
 */
export async function signInWithIdp(core: AuthCore, call: Call): Promise<unknown> {
  const assertion = parseAssertion(core, call);
  const { realm, body } = call;
  return core.state.database.write(() => {
    const idToken = textOf(body, "idToken");
    const current = idToken === undefined ? undefined : presented(core, call, idToken).account;
    const owner = core.state.byProvider(realm, assertion.providerId, assertion.rawId);
    if (current !== undefined && owner !== undefined && owner.localId !== current.localId) {
      throw authError("FEDERATED_USER_ID_ALREADY_LINKED");
    }
    const known = current ?? owner ?? ownerOfEmail(core, call, assertion);
    if (known === "unconfirmed") return needsConfirmation(core, call, assertion);
    if (known?.disabled) throw authError("USER_DISABLED");
    const account = linked(core, known ?? emptyAccount(core, call), assertion, call);
    core.state.putAccount(realm, account);
    const { attributes, providerId } = assertion;
    return {
      ...assertion.answer,
      ...describe(account),
      localId: account.localId,
      isNewUser: known === undefined,
      ...complete(core, call, account, { provider: providerId, attributes }),
    };
  });
}

const describe = ({ displayName, photoUrl, emailVerified }: Account): Record<string, unknown> => ({
  emailVerified,
  ...(displayName === undefined ? {} : { displayName }),
  ...(photoUrl === undefined ? {} : { photoUrl }),
});

/**
 * A provider that vouches for an e-mail joins the account with that e-mail. Otherwise the account's owner
 * must confirm the join.
 */
function ownerOfEmail(
  core: AuthCore,
  { realm }: Call,
  { email, emailVerified }: Assertion,
): Account | "unconfirmed" | undefined {
  if (email === undefined || allowsDuplicateEmails(core, realm)) return undefined;
  const found = core.state.byEmail(realm, email);
  if (found === undefined) return undefined;
  return emailVerified ? found : "unconfirmed";
}

function needsConfirmation(core: AuthCore, { realm }: Call, { answer, email }: Assertion): unknown {
  const owner = core.state.byEmail(realm, email ?? "");
  const verifiedProvider = [
    ...(owner?.password ? ["password"] : []),
    ...(owner?.links.map(({ providerId }) => providerId) ?? []),
  ];
  return { ...answer, needConfirmation: true, verifiedProvider };
}

/** The account with the provider in it. */
function linked(
  core: AuthCore,
  account: Account,
  { link, email, emailVerified, claims }: Assertion,
  { realm }: Call,
): Account {
  const { password: _password, passwordUpdatedAt: _updated, ...withoutPassword } = account;
  // A password that was set without proof of the address ends when the proven owner of the address signs in.
  const takesOver =
    emailVerified && !account.emailVerified && account.email !== undefined && account.email === email;
  const base: Account = takesOver ? withoutPassword : account;
  const mayHaveEmail = base.email === undefined && email !== undefined && !allowsDuplicateEmails(core, realm);
  const screenName = claims.screen_name;
  return {
    ...base,
    links: [...base.links.filter(({ providerId }) => providerId !== link.providerId), link],
    ...(mayHaveEmail && core.state.byEmail(realm, email) === undefined ? { email } : {}),
    emailVerified: base.emailVerified || (emailVerified && (base.email ?? email) === email),
    ...(base.displayName === undefined && link.displayName !== undefined
      ? { displayName: link.displayName }
      : {}),
    ...(base.photoUrl === undefined && link.photoUrl !== undefined ? { photoUrl: link.photoUrl } : {}),
    ...(typeof screenName === "string" ? { screenName } : {}),
  };
}

/** The parameters of the provider's answer, in `postBody` or in the query of `requestUri`. */
function parseAssertion(core: AuthCore, { body }: Call): Assertion {
  const uri = textOf(body, "requestUri");
  if (uri === undefined) throw authError("MISSING_REQUEST_URI");
  if (!URL.canParse(uri)) throw authError("INVALID_REQUEST_URI");
  const params = new URLSearchParams(textOf(body, "postBody") ?? new URL(uri).search);
  const providerId = params.get("providerId")?.toLowerCase();
  if (!providerId) throw authError("INVALID_CREDENTIAL_OR_PROVIDER_ID : Invalid IdP response/credential");
  if (providerId.startsWith("saml.")) return samlAssertion(providerId, params);
  const token = params.get("id_token") ?? params.get("access_token");
  const claims = token === null ? undefined : (decodeJwt(token, core.key)?.payload ?? jsonOf(token));
  if (claims === undefined) {
    throw authError("INVALID_IDP_RESPONSE : The claims must be an ID token, or JSON in place of one.");
  }
  if (typeof claims.sub !== "string" || claims.sub === "")
    throw authError(`INVALID_IDP_RESPONSE : Invalid Idp Response: id_token missing required fields: sub`);
  if (Number(claims.exp ?? Number.POSITIVE_INFINITY) <= nowSeconds(core)) {
    throw authError("INVALID_IDP_RESPONSE : The supplied ID token is expired.");
  }
  const oauth = {
    ...(params.has("id_token") ? { oauthIdToken: params.get("id_token") } : {}),
    ...(params.has("access_token") ? { oauthAccessToken: params.get("access_token") } : {}),
  };
  return assertionOf({ providerId, rawId: claims.sub, claims, attributes: undefined, oauth });
}

function samlAssertion(providerId: string, params: URLSearchParams): Assertion {
  const text = params.get("SAMLResponse") ?? params.get("samlResponse") ?? params.get("saml_response") ?? "";
  const response = jsonOf(text) as
    | { assertion?: { subject?: { nameId?: string }; attributeStatements?: Claims } }
    | undefined;
  const nameId = response?.assertion?.subject?.nameId;
  if (nameId === undefined)
    throw authError("INVALID_IDP_RESPONSE : SAMLResponse must be JSON with assertion.subject.nameId.");
  const attributes = response?.assertion?.attributeStatements ?? {};
  const first = (name: string): unknown =>
    Array.isArray(attributes[name]) ? attributes[name][0] : attributes[name];
  const email = first("email") ?? (nameId.includes("@") ? nameId : undefined);
  const claims = {
    sub: nameId,
    email,
    email_verified: email !== undefined,
    name: first("name"),
    picture: first("picture"),
  };
  return assertionOf({ providerId, rawId: nameId, claims, attributes, oauth: {} });
}

/** Google and Apple vouch for the addresses that they send; other providers state it in a claim. */
const VOUCHES = new Set(["google.com", "apple.com"]);

interface AssertionParts {
  readonly providerId: string;
  readonly rawId: string;
  readonly claims: Claims;
  readonly attributes: Claims | undefined;
  readonly oauth: Record<string, unknown>;
}

function assertionOf({ providerId, rawId, claims, attributes, oauth }: AssertionParts): Assertion {
  const text = (name: string): string | undefined =>
    typeof claims[name] === "string" ? claims[name] : undefined;
  const email = text("email")?.toLowerCase();
  const [displayName, photoUrl, screenName] = [text("name"), text("picture"), text("screen_name")];
  const federatedId = providerId === "google.com" ? `https://accounts.google.com/${rawId}` : rawId;
  const emailVerified =
    email !== undefined &&
    (claims.email_verified === true || (VOUCHES.has(providerId) && claims.email_verified === undefined));
  const optional = (name: string, value: string | undefined): Record<string, string> =>
    value === undefined ? {} : { [name]: value };
  return {
    providerId,
    rawId,
    email,
    emailVerified,
    claims,
    attributes: attributes ?? (providerId.startsWith("oidc.") ? claims : undefined),
    link: {
      providerId,
      rawId,
      federatedId,
      ...optional("email", email),
      ...optional("displayName", displayName),
      ...optional("photoUrl", photoUrl),
      ...optional("screenName", screenName),
    },
    answer: {
      kind: "identitytoolkit#VerifyAssertionResponse",
      providerId,
      federatedId,
      ...optional("email", email),
      ...optional("fullName", displayName),
      ...optional("firstName", text("given_name")),
      ...optional("lastName", text("family_name")),
      ...optional("screenName", screenName),
      rawUserInfo: JSON.stringify({ ...claims, id: rawId }),
      ...oauth,
    },
  };
}

function jsonOf(text: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Claims)
      : undefined;
  } catch {
    return undefined;
  }
}
