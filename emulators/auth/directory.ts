import { type Account, accountView, type PasswordScheme, providersOf } from "./account.ts";
import {
  type AuthCore,
  allowsDuplicateEmails,
  type Body,
  type Call,
  parseEmail,
  parseLocalId,
  parsePhoneNumber,
  requireAdmin,
  requireUnique,
  textOf,
} from "./core.ts";
import { StatusError } from "../kernel/status-error.ts";
import { authError } from "./failure.ts";
import type { Claims } from "./jwt.ts";
import { BATCH_CREATE_MAX, BATCH_DELETE_MAX, BATCH_GET_MAX, LOOKUP_MAX, QUERY_LIMIT_MAX } from "./limits.ts";
import { requireScheme } from "./passwords.ts";
import { requireClaims } from "./sign-in.ts";
import { emptyAccount, parseEnrollments, profileOf } from "./sign-up.ts";
import { presented } from "./tokens.ts";

const listOf = (value: unknown): unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

/** accounts:lookup: the person's own account, or any that a server asks for. */
export function lookup(core: AuthCore, call: Call): unknown {
  const { body, realm, admin } = call;
  const kind = "identitytoolkit#GetAccountInfoResponse";
  if (!admin) {
    if (!body.idToken) throw authError("MISSING_ID_TOKEN");
    return {
      kind,
      users: [accountView(presented(core, call, textOf(body, "idToken") ?? "").account, false)],
    };
  }
  const { state } = core;
  const federated = listOf(body.federatedUserId) as Body[];
  const identifiers = [
    ...listOf(body.localId),
    ...listOf(body.email),
    ...listOf(body.phoneNumber),
    ...federated,
  ];
  if (identifiers.length > LOOKUP_MAX) throw authError("TOO_MANY_IDENTIFIERS");
  const found = [
    ...listOf(body.localId).map((id) => state.account(realm, String(id))),
    ...listOf(body.email).map((email) => state.byEmail(realm, String(email))),
    ...listOf(body.phoneNumber).map((number) => state.byPhone(realm, String(number))),
    ...federated.map(({ providerId, rawId }) => state.byProvider(realm, String(providerId), String(rawId))),
  ].filter((account) => account !== undefined);
  const users = [...new Map(found.map((account) => [account.localId, account])).values()];
  return {
    kind,
    ...(users.length === 0 ? {} : { users: users.map((account) => accountView(account, true)) }),
  };
}

export async function deleteAccount(core: AuthCore, call: Call): Promise<unknown> {
  const { body, realm, admin } = call;
  return core.state.database.write(() => {
    const localId = admin
      ? parseLocalId(body.localId)
      : presented(core, call, textOf(body, "idToken") ?? "").account.localId;
    if (core.state.account(realm, localId) === undefined) throw authError("USER_NOT_FOUND");
    core.state.removeAccount(realm, localId);
    return { kind: "identitytoolkit#DeleteAccountResponse" };
  });
}

/** accounts:batchGet: pages in the order of the ids; the token is the last id. */
export function batchGet(core: AuthCore, call: Call): unknown {
  requireAdmin(call);
  const requested = Number(call.query.get("maxResults") ?? 20);
  const max = Math.min(requested > 0 ? requested : 20, BATCH_GET_MAX);
  const users = core.state.accounts(call.realm, call.query.get("nextPageToken") ?? "", max);
  const last = users.at(-1);
  return {
    kind: "identitytoolkit#DownloadAccountResponse",
    users: users.map((account) => accountView(account, true)),
    ...(users.length === max && last !== undefined ? { nextPageToken: last.localId } : {}),
  };
}

/** accounts:batchDelete: without `force` only disabled accounts go. */
export async function batchDelete(core: AuthCore, call: Call): Promise<unknown> {
  requireAdmin(call);
  const { body, realm } = call;
  const ids = listOf(body.localIds).map(String);
  if (ids.length === 0 || ids.length > BATCH_DELETE_MAX) throw authError("LOCAL_ID_LIST_EXCEEDS_LIMIT");
  const errors = await core.state.database.write(() =>
    ids.flatMap((localId, index) => {
      const account = core.state.account(realm, localId);
      if (account === undefined) return [];
      if (body.force !== true && !account.disabled) {
        return [{ index, localId, message: "NOT_DISABLED : Disable the account before batch deletion." }];
      }
      core.state.removeAccount(realm, localId);
      return [];
    }),
  );
  return errors.length === 0 ? {} : { errors };
}

/**
 * accounts:batchCreate. Each account is imported by itself; the response names failed ones by their index.
 */
export async function batchCreate(core: AuthCore, call: Call): Promise<unknown> {
  requireAdmin(call);
  const { body, realm } = call;
  const users = listOf(body.users) as Body[];
  if (users.length === 0) throw authError("MISSING_USER_ACCOUNT");
  if (users.length > BATCH_CREATE_MAX) throw authError("MAXIMUM_USER_COUNT_EXCEEDED");
  const scheme = schemeOf(body, users);
  const errors = await core.state.database.write(() =>
    users.flatMap((user, index) => {
      try {
        const account = importedAccount(core, call, user, scheme);
        if (body.allowOverwrite === false && core.state.account(realm, account.localId) !== undefined) {
          throw authError("DUPLICATE_LOCAL_ID");
        }
        if (body.sanityCheck === true) requireUnique(core, realm, account);
        requireImportable(core, call, account);
        core.state.putAccount(realm, account);
        return [];
      } catch (cause) {
        if (!(cause instanceof StatusError)) throw cause;
        return [{ index, message: cause.message }];
      }
    }),
  );
  return { kind: "identitytoolkit#UploadAccountResponse", ...(errors.length === 0 ? {} : { error: errors }) };
}

/** An import never takes a number, a provider's id or an e-mail away from another account. */
function requireImportable(core: AuthCore, { realm }: Call, account: Account): void {
  const isOther = (found: Account | undefined): boolean =>
    found !== undefined && found.localId !== account.localId;
  if (account.phoneNumber !== undefined && isOther(core.state.byPhone(realm, account.phoneNumber))) {
    throw authError("DUPLICATE_PHONE_NUMBER : phone number exists in other account in database");
  }
  if (
    account.email !== undefined &&
    !allowsDuplicateEmails(core, realm) &&
    isOther(core.state.byEmail(realm, account.email))
  ) {
    throw authError("DUPLICATE_EMAIL : email exists in other account in database");
  }
  for (const { providerId, rawId } of account.links) {
    if (isOther(core.state.byProvider(realm, providerId, rawId))) {
      throw authError(`DUPLICATE_RAW_ID : ${providerId} id exists in other account in database`);
    }
  }
}

function schemeOf(body: Body, users: readonly Body[]): PasswordScheme | undefined {
  const algorithm = textOf(body, "hashAlgorithm");
  if (algorithm === undefined) {
    if (users.some(({ passwordHash }) => passwordHash !== undefined))
      throw authError("MISSING_HASH_ALGORITHM");
    return undefined;
  }
  const number = (field: string): number | undefined =>
    body[field] === undefined ? undefined : Number(body[field]);
  const entries = {
    signerKey: textOf(body, "signerKey"),
    rounds: number("rounds"),
    saltSeparator: textOf(body, "saltSeparator"),
    // Firebase's own scrypt and the standard one name it differently.
    cpuMemCost: number("cpuMemCost") ?? number("memoryCost"),
    parallelization: number("parallelization"),
    blockSize: number("blockSize"),
    dkLen: number("dkLen"),
    passwordHashOrder: textOf(body, "passwordHashOrder"),
  };
  const given = Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
  const scheme: PasswordScheme = { algorithm, ...given };
  requireScheme(scheme);
  return scheme;
}

function importedAccount(
  core: AuthCore,
  call: Call,
  user: Body,
  scheme: PasswordScheme | undefined,
): Account {
  const localId = parseLocalId(user.localId);
  const attributes = textOf(user, "customAttributes");
  if (attributes !== undefined) requireClaims(JSON.parse(attributes) as Claims);
  const hash = textOf(user, "passwordHash");
  const links = (listOf(user.providerUserInfo) as Body[])
    .filter(({ providerId }) => providerId !== "password" && providerId !== "phone")
    .map((link) => ({
      federatedId: String(link.rawId),
      ...link,
      providerId: String(link.providerId),
      rawId: String(link.rawId),
    }));
  return {
    ...emptyAccount(core, call, localId),
    ...profileOf(user),
    ...(user.email ? { email: parseEmail(user.email) } : {}),
    ...(user.phoneNumber ? { phoneNumber: parsePhoneNumber(user.phoneNumber) } : {}),
    ...(attributes === undefined ? {} : { customAttributes: attributes }),
    ...(user.createdAt === undefined ? {} : { createdAt: Number(user.createdAt) }),
    ...(user.lastLoginAt === undefined ? {} : { lastLoginAt: Number(user.lastLoginAt) }),
    ...(hash === undefined || scheme === undefined
      ? {}
      : {
          password: { hash, salt: textOf(user, "salt") ?? "", scheme },
          passwordUpdatedAt: core.kernel.clock.now(),
        }),
    emailVerified: user.emailVerified === true,
    disabled: user.disabled === true,
    links,
    mfa: parseEnrollments(core, user.mfaInfo),
  };
}

const SORT_FIELDS: Readonly<Record<string, (account: Account) => string | number>> = {
  USER_ID: ({ localId }) => localId,
  NAME: ({ displayName }) => displayName ?? "",
  CREATED_AT: ({ createdAt }) => createdAt,
  LAST_LOGIN_AT: ({ lastLoginAt }) => lastLoginAt ?? 0,
  USER_EMAIL: ({ email }) => email ?? "",
};

/** accounts:query: accounts by any of the given identifiers, or all of them, sorted. */
export function query(core: AuthCore, call: Call): unknown {
  requireAdmin(call);
  const { body, realm } = call;
  const everyone = core.state.accounts(realm, "", Number.MAX_SAFE_INTEGER);
  const expressions = listOf(body.expression) as Body[];
  const matches = everyone.filter(
    (account) => expressions.length === 0 || expressions.some((expression) => fits(account, expression)),
  );
  const key = SORT_FIELDS[textOf(body, "sortBy") ?? "USER_ID"] ?? SORT_FIELDS.USER_ID;
  const direction = body.order === "DESC" ? -1 : 1;
  const sorted = matches.sort((a, b) =>
    key === undefined || key(a) === key(b) ? 0 : key(a) < key(b) ? -direction : direction,
  );
  if (body.returnUserInfo === false) return { recordsCount: String(matches.length) };
  const limit = Math.min(Number(body.limit ?? QUERY_LIMIT_MAX), QUERY_LIMIT_MAX);
  const offset = Number(body.offset ?? 0);
  const page = sorted.slice(offset, offset + limit);
  return { recordsCount: String(page.length), userInfo: page.map((account) => accountView(account, true)) };
}

const fits = ({ email, localId, phoneNumber }: Account, expression: Body): boolean =>
  (expression.email === undefined || textOf(expression, "email")?.toLowerCase() === email) &&
  (expression.userId === undefined || expression.userId === localId) &&
  (expression.phoneNumber === undefined || expression.phoneNumber === phoneNumber);

/** accounts:createAuthUri: the ways in which the owner of an address can sign in. */
export function createAuthUri(core: AuthCore, { body, realm }: Call): unknown {
  const email = parseEmail(body.identifier);
  const account = core.state.byEmail(realm, email);
  const methods =
    account === undefined
      ? []
      : [
          ...(account.password === undefined ? [] : ["password"]),
          ...(account.emailLinkSignin ? ["emailLink"] : []),
          ...account.links.map(({ providerId }) => providerId),
        ];
  const providers = account === undefined ? [] : providersOf(account).map(({ providerId }) => providerId);
  return {
    kind: "identitytoolkit#CreateAuthUriResponse",
    registered: account !== undefined,
    allProviders: [...new Set(providers)].filter((providerId) => providerId !== "phone"),
    signinMethods: methods,
  };
}
