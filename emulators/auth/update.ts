import { type Account, providersOf } from "./account.ts";
import {
  type AuthCore,
  type Body,
  type Call,
  nowSeconds,
  parseEmail,
  parseLocalId,
  parsePassword,
  parsePhoneNumber,
  requireUnique,
  textOf,
} from "./core.ts";
import { authError } from "./failure.ts";
import type { Claims } from "./jwt.ts";
import { newCode, redeem } from "./oob.ts";
import { hashPassword } from "./passwords.ts";
import { requireClaims } from "./sign-in.ts";
import { parseEnrollments, profileOf } from "./sign-up.ts";
import { issueTokens, presented } from "./tokens.ts";

/** accounts:update: by a server, by the person with an ID token, or with a code from a mail. */
export async function updateAccount(core: AuthCore, call: Call): Promise<unknown> {
  const { body, realm } = call;
  return core.state.database.write(() => {
    if (body.oobCode !== undefined) {
      const { account, code } = redeem(core, realm, textOf(body, "oobCode") ?? "");
      return { ...viewOf(account), ...(code.newEmail === undefined ? {} : { newEmail: code.newEmail }) };
    }
    return call.admin ? changeByServer(core, call) : changeByPerson(core, call);
  });
}

const viewOf = (account: Account): Record<string, unknown> => {
  const { localId, email, emailVerified, displayName, photoUrl, password } = account;
  return {
    kind: "identitytoolkit#SetAccountInfoResponse",
    localId,
    ...(email === undefined ? {} : { email }),
    emailVerified,
    ...(displayName === undefined ? {} : { displayName }),
    ...(photoUrl === undefined ? {} : { photoUrl }),
    ...(password === undefined ? {} : { passwordHash: password.hash }),
    providerUserInfo: providersOf(account),
  };
};

/** Fields that only a server sets. */
const SERVER_FIELDS = [
  "customAttributes",
  "disableUser",
  "emailVerified",
  "phoneNumber",
  "validSince",
  "linkProviderUserInfo",
  "mfa",
];

function changeByPerson(core: AuthCore, call: Call): unknown {
  const { body, realm } = call;
  if (!body.idToken) throw authError("INVALID_REQ_TYPE");
  const forbidden = SERVER_FIELDS.find((field) => body[field] !== undefined);
  if (forbidden !== undefined) throw authError("OPERATION_NOT_ALLOWED");
  const { account, provider } = presented(core, call, textOf(body, "idToken") ?? "");
  const changed = changedAccount(core, call, account);
  const emailMoved = account.email !== undefined && changed.email !== account.email;
  const next = emailMoved ? { ...changed, initialEmail: account.initialEmail ?? account.email } : changed;
  core.state.putAccount(realm, next);
  // The old address can take the account back.
  if (emailMoved)
    core.state.putOobCode(realm, newCode(core, call, { type: "RECOVER_EMAIL", email: account.email ?? "" }));
  const renewed = body.password !== undefined || changed.email !== account.email;
  const tokens = renewed
    ? issueTokens(core, call, next, {
        provider: body.password === undefined ? provider : "password",
      })
    : {};
  return { ...viewOf(next), ...tokens };
}

function changeByServer(core: AuthCore, call: Call): unknown {
  const { body, realm } = call;
  const account = core.state.account(realm, parseLocalId(body.localId));
  if (account === undefined) throw authError("USER_NOT_FOUND");
  const changed: Account = { ...changedAccount(core, call, account), ...serverFields(core, account, body) };
  const next = withLink(core, call, changed);
  requireUnique(core, realm, next);
  core.state.putAccount(realm, next);
  return viewOf(next);
}

/** The fields that both may change. A new password or address ends existing sessions. */
function changedAccount(core: AuthCore, { body, realm }: Call, account: Account): Account {
  const email = body.email === undefined ? account.email : parseEmail(body.email);
  const emailMoved = email !== account.email;
  const password =
    body.password === undefined ? account.password : hashPassword(parsePassword(body.password));
  const changed: Account = {
    ...account,
    ...profileOf(body),
    ...(email === undefined ? {} : { email }),
    ...(emailMoved ? { emailVerified: false } : {}),
    ...(password === undefined ? {} : { password }),
    ...(body.password === undefined ? {} : { passwordUpdatedAt: core.kernel.clock.now() }),
    ...(emailMoved || body.password !== undefined ? { validSince: nowSeconds(core) } : {}),
  };
  requireUnique(core, realm, changed);
  return withoutProviders(
    withoutAttributes(changed, listOf(body.deleteAttribute)),
    listOf(body.deleteProvider),
  );
}

const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

const ATTRIBUTES: Readonly<Record<string, keyof Account>> = {
  DISPLAY_NAME: "displayName",
  PHOTO_URL: "photoUrl",
  EMAIL: "email",
  PASSWORD: "password",
};

function without(account: Account, ...fields: readonly (keyof Account)[]): Account {
  return Object.fromEntries(
    Object.entries(account).filter(([field]) => !fields.includes(field as keyof Account)),
  ) as unknown as Account;
}

const withoutAttributes = (account: Account, names: readonly string[]): Account =>
  without(account, ...names.flatMap((name) => ATTRIBUTES[name] ?? []));

function withoutProviders(account: Account, providers: readonly string[]): Account {
  const links = account.links.filter(({ providerId }) => !providers.includes(providerId));
  const fields: (keyof Account)[] = [
    ...(providers.includes("password")
      ? (["password", "passwordUpdatedAt", "emailLinkSignin"] as const)
      : []),
    ...(providers.includes("phone") ? (["phoneNumber"] as const) : []),
  ];
  return { ...without(account, ...fields), links };
}

function serverFields(core: AuthCore, account: Account, body: Body): Partial<Account> {
  const attributes = textOf(body, "customAttributes");
  if (attributes !== undefined) requireClaims(parseAttributes(attributes));
  return {
    ...(attributes === undefined ? {} : { customAttributes: attributes }),
    ...(body.phoneNumber ? { phoneNumber: parsePhoneNumber(body.phoneNumber) } : {}),
    ...(typeof body.emailVerified === "boolean" ? { emailVerified: body.emailVerified } : {}),
    ...(typeof body.disableUser === "boolean" ? { disabled: body.disableUser } : {}),
    ...(body.validSince === undefined ? {} : { validSince: Number(body.validSince) }),
    ...(body.mfa === undefined
      ? {}
      : { mfa: parseEnrollments(core, (body.mfa as Body | null)?.enrollments) }),
    ...(account.disabled && body.disableUser === undefined ? { disabled: true } : {}),
  };
}

function parseAttributes(text: string): Claims {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Claims;
  } catch {
    // The error below covers this case too.
  }
  throw authError("INVALID_CLAIMS");
}

/** A provider that a server links; "email" and "phone" are refused, those are fields. */
function withLink(core: AuthCore, { body, realm }: Call, account: Account): Account {
  if (body.linkProviderUserInfo === undefined) return account;
  const given = body.linkProviderUserInfo as Body;
  const [providerId, rawId] = [textOf(given, "providerId"), textOf(given, "rawId")];
  if (providerId === undefined || rawId === undefined) throw authError("INVALID_PROVIDER_ID");
  const owner = core.state.byProvider(realm, providerId, rawId);
  if (owner !== undefined && owner.localId !== account.localId)
    throw authError("FEDERATED_USER_ID_ALREADY_LINKED");
  const optional = Object.fromEntries(
    ["email", "displayName", "photoUrl", "phoneNumber"].flatMap((field) => {
      const value = textOf(given, field);
      return value === undefined ? [] : [[field, value]];
    }),
  );
  const link = { ...optional, providerId, rawId, federatedId: rawId };
  return { ...account, links: [...account.links.filter((each) => each.providerId !== providerId), link] };
}
