import { randomUUID } from "node:crypto";
import type { Account, MfaEnrollment } from "./account.ts";
import {
  type AuthCore,
  type Body,
  type Call,
  newLocalId,
  nowSeconds,
  parseEmail,
  parseLocalId,
  parsePassword,
  parsePhoneNumber,
  requireUnique,
  textOf,
} from "./core.ts";
import { authError } from "./failure.ts";
import { MFA_ENROLLMENTS_MAX } from "./limits.ts";
import { hashPassword } from "./passwords.ts";
import { issueTokens, presented } from "./tokens.ts";

/** An account without anything in it. */
export const emptyAccount = (core: AuthCore, call: Call, localId = newLocalId()): Account => ({
  localId,
  ...(call.realm.tenant === "" ? {} : { tenantId: call.realm.tenant }),
  emailVerified: false,
  disabled: false,
  validSince: nowSeconds(core),
  createdAt: core.kernel.clock.now(),
  links: [],
  mfa: [],
});

const KIND = "identitytoolkit#SignupNewUserResponse";

/** accounts:signUp by a person, and accounts by a server. */
export async function signUp(core: AuthCore, call: Call): Promise<unknown> {
  if (call.admin) return createAccount(core, call);
  const { body } = call;
  if (body.localId !== undefined) throw authError("UNEXPECTED_PARAMETER : User ID");
  const email = body.email === undefined ? undefined : parseEmail(body.email);
  if (email !== undefined && !body.password) throw authError("MISSING_PASSWORD");
  if (email === undefined && body.password) throw authError("MISSING_EMAIL");
  const password = email === undefined ? undefined : hashPassword(parsePassword(body.password));
  return core.state.database.write(() => {
    const idToken = textOf(body, "idToken");
    const before = idToken === undefined ? undefined : presented(core, call, idToken).account;
    const account: Account = {
      ...(before ?? emptyAccount(core, call)),
      ...profileOf(body),
      ...(email === undefined ? {} : { email }),
      ...(password === undefined ? {} : { password, passwordUpdatedAt: core.kernel.clock.now() }),
    };
    requireUnique(core, call.realm, account);
    core.state.putAccount(call.realm, account);
    const provider = email === undefined ? "anonymous" : "password";
    const tokens = issueTokens(core, call, account, { provider });
    return {
      kind: KIND,
      localId: account.localId,
      ...(email === undefined ? {} : { email }),
      ...(account.displayName === undefined ? {} : { displayName: account.displayName }),
      ...tokens,
    };
  });
}

export const profileOf = (body: Body): Pick<Account, "displayName" | "photoUrl"> => ({
  ...(typeof body.displayName === "string" ? { displayName: body.displayName } : {}),
  ...(typeof body.photoUrl === "string" ? { photoUrl: body.photoUrl } : {}),
});

/** What a server may give a new account. */
async function createAccount(core: AuthCore, call: Call): Promise<unknown> {
  const { body, realm } = call;
  const localId = body.localId === undefined ? newLocalId() : parseLocalId(body.localId);
  const password = body.password === undefined ? undefined : hashPassword(parsePassword(body.password));
  const account: Account = {
    ...emptyAccount(core, call, localId),
    ...profileOf(body),
    ...(body.email === undefined ? {} : { email: parseEmail(body.email) }),
    ...(body.phoneNumber === undefined ? {} : { phoneNumber: parsePhoneNumber(body.phoneNumber) }),
    ...(password === undefined ? {} : { password, passwordUpdatedAt: core.kernel.clock.now() }),
    emailVerified: body.emailVerified === true,
    disabled: body.disabled === true,
    mfa: parseEnrollments(core, body.mfaInfo),
  };
  await core.state.database.write(() => {
    if (core.state.account(realm, localId) !== undefined) throw authError("DUPLICATE_LOCAL_ID");
    requireUnique(core, realm, account);
    core.state.putAccount(realm, account);
  });
  return {
    kind: KIND,
    localId,
    ...(account.email === undefined ? {} : { email: account.email }),
    ...(account.displayName === undefined ? {} : { displayName: account.displayName }),
  };
}

/** Second factors from a server; a factor without an id gets one. */
export function parseEnrollments({ kernel }: AuthCore, value: unknown): MfaEnrollment[] {
  if (!Array.isArray(value)) return [];
  if (value.length > MFA_ENROLLMENTS_MAX) throw authError("SECOND_FACTOR_LIMIT_EXCEEDED");
  const enrollments = (value as Body[]).map((factor): MfaEnrollment => {
    const phone = factor.phoneInfo === undefined ? undefined : parsePhoneNumber(factor.phoneInfo);
    if (phone === undefined && factor.totpInfo === undefined)
      throw authError("INVALID_MFA_PHONE_NUMBER : Invalid format.");
    const name = textOf(factor, "displayName");
    return {
      mfaEnrollmentId: textOf(factor, "mfaEnrollmentId") ?? randomUUID(),
      ...(name === undefined ? {} : { displayName: name }),
      ...(phone === undefined ? { totpInfo: {} } : { phoneInfo: phone }),
      enrolledAt: new Date(textOf(factor, "enrolledAt") ?? kernel.clock.now()).toISOString(),
    };
  });
  if (new Set(enrollments.map(({ mfaEnrollmentId }) => mfaEnrollmentId)).size < enrollments.length) {
    throw authError("DUPLICATE_MFA_ENROLLMENT_ID");
  }
  return enrollments;
}
