import { randomBytes } from "node:crypto";
import {
  type AuthCore,
  type Call,
  nowSeconds,
  parseEmail,
  parsePassword,
  requireUnique,
  textOf,
} from "./core.ts";
import { authError } from "./failure.ts";
import { OOB_MS } from "./limits.ts";
import { hashPassword, isPassword } from "./passwords.ts";
import type { OobCode, OobType, Realm } from "./state.ts";
import { presented } from "./tokens.ts";

const MODES: Readonly<Record<OobType, string>> = {
  PASSWORD_RESET: "resetPassword",
  VERIFY_EMAIL: "verifyEmail",
  VERIFY_AND_CHANGE_EMAIL: "verifyAndChangeEmail",
  RECOVER_EMAIL: "recoverEmail",
  EMAIL_SIGNIN: "signIn",
};

/** accounts:sendOobCode. No mail is sent: the code is stored and appears in the list of codes. */
export async function sendOobCode(core: AuthCore, call: Call): Promise<unknown> {
  const { body, realm, admin } = call;
  const type = body.requestType as OobType;
  if (!(type in MODES) || type === "RECOVER_EMAIL") throw authError("INVALID_REQ_TYPE");
  if (body.returnOobLink === true && !admin) throw authError("INSUFFICIENT_PERMISSION");
  const continueUrl = textOf(body, "continueUrl");
  if (continueUrl !== undefined && !URL.canParse(continueUrl))
    throw authError("INVALID_CONTINUE_URI : ((continueUrl must be a URL))");
  const idToken = textOf(body, "idToken");
  const email = idToken === undefined ? parseEmail(body.email ?? "") : emailOf(core, call, idToken);
  const newEmail = type === "VERIFY_AND_CHANGE_EMAIL" ? parseEmail(body.newEmail) : undefined;
  if (type !== "EMAIL_SIGNIN" && core.state.byEmail(realm, email) === undefined)
    throw authError("EMAIL_NOT_FOUND");
  const code = newCode(core, call, { type, email, newEmail, continueUrl });
  await core.state.database.write(() => core.state.putOobCode(realm, code));
  return {
    kind: "identitytoolkit#GetOobConfirmationCodeResponse",
    email,
    ...(body.returnOobLink === true ? { oobCode: code.oobCode, oobLink: code.oobLink } : {}),
  };
}

function emailOf(core: AuthCore, call: Call, idToken: string): string {
  const { account } = presented(core, call, idToken);
  if (account.email === undefined) throw authError("MISSING_EMAIL");
  return account.email;
}

interface CodeOrder {
  readonly type: OobType;
  readonly email: string;
  readonly newEmail?: string | undefined;
  readonly continueUrl?: string | undefined;
}

export function newCode(
  core: AuthCore,
  { realm, origin }: Call,
  { type, email, newEmail, continueUrl }: CodeOrder,
): OobCode {
  const oobCode = randomBytes(40).toString("base64url");
  const link = new URL("/emulator/action", origin);
  const query = {
    mode: MODES[type],
    lang: "en",
    oobCode,
    apiKey: "any",
    continueUrl,
    tenantId: realm.tenant || undefined,
  };
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) link.searchParams.set(name, value);
  const createdMs = core.kernel.clock.now();
  return {
    oobCode,
    requestType: type,
    email,
    ...(newEmail === undefined ? {} : { newEmail }),
    oobLink: link.href,
    createdMs,
  };
}

/** The code, if it is still valid and of one of the kinds. */
export function accessOobCode(core: AuthCore, realm: Realm, id: string, types: readonly OobType[]): OobCode {
  const code = core.state.oobCode(realm, id);
  if (code === undefined || !types.includes(code.requestType)) throw authError("INVALID_OOB_CODE");
  if (code.createdMs + OOB_MS[code.requestType] <= core.kernel.clock.now())
    throw authError("EXPIRED_OOB_CODE");
  return code;
}

/** As `accessOobCode`, and the code is used up; call inside `database.write`. */
export function takeOobCode(core: AuthCore, realm: Realm, id: string, types: readonly OobType[]): OobCode {
  const code = accessOobCode(core, realm, id, types);
  core.state.removeOobCode(realm, id);
  return code;
}

const ALL_TYPES = Object.keys(MODES) as OobType[];

/** accounts:resetPassword: sets the new password, or without one only checks the code. */
export async function resetPassword(core: AuthCore, call: Call): Promise<unknown> {
  const { body, realm } = call;
  const kind = "identitytoolkit#ResetPasswordResponse";
  if (body.oldPassword !== undefined) return changePassword(core, call);
  if (!body.oobCode) throw authError("MISSING_OOB_CODE");
  const id = textOf(body, "oobCode") ?? "";
  if (!body.newPassword) {
    const { requestType, email, newEmail } = accessOobCode(core, realm, id, ALL_TYPES);
    // The response to a sign-in link must not reveal whose link it is.
    const shown = requestType === "EMAIL_SIGNIN" ? {} : { email };
    return { kind, requestType, ...shown, ...(newEmail === undefined ? {} : { newEmail }) };
  }
  const password = hashPassword(parsePassword(body.newPassword));
  return core.state.database.write(() => {
    const { email, requestType } = takeOobCode(core, realm, id, ["PASSWORD_RESET"]);
    const account = core.state.byEmail(realm, email);
    if (account === undefined) throw authError("INVALID_OOB_CODE");
    const passwordUpdatedAt = core.kernel.clock.now();
    // The mail has reached its owner, so the address is proven too.
    const next = {
      ...account,
      password,
      passwordUpdatedAt,
      emailVerified: true,
      validSince: nowSeconds(core),
    };
    core.state.putAccount(realm, next);
    return { kind, requestType, email };
  });
}

async function changePassword(core: AuthCore, { body, realm }: Call): Promise<unknown> {
  const email = parseEmail(body.email);
  const password = hashPassword(parsePassword(body.newPassword));
  return core.state.database.write(() => {
    const account = core.state.byEmail(realm, email);
    if (account?.password === undefined || !isPassword(String(body.oldPassword), account.password)) {
      throw authError("INVALID_PASSWORD");
    }
    if (account.disabled) throw authError("USER_DISABLED");
    const passwordUpdatedAt = core.kernel.clock.now();
    core.state.putAccount(realm, { ...account, password, passwordUpdatedAt, validSince: nowSeconds(core) });
    return { kind: "identitytoolkit#ResetPasswordResponse", email, requestType: "PASSWORD_RESET" };
  });
}

/** Applies a code to the account that it was sent to, for accounts:update. */
export function redeem(core: AuthCore, realm: Realm, id: string) {
  const code = takeOobCode(core, realm, id, ["VERIFY_EMAIL", "VERIFY_AND_CHANGE_EMAIL", "RECOVER_EMAIL"]);
  const { state } = core;
  const account =
    code.requestType === "RECOVER_EMAIL"
      ? state
          .accounts(realm, "", Number.MAX_SAFE_INTEGER)
          .find(({ initialEmail }) => initialEmail === code.email)
      : state.byEmail(realm, code.email);
  if (account === undefined) throw authError("INVALID_OOB_CODE");
  const email = code.newEmail ?? code.email;
  const changed = { ...account, email, emailVerified: true };
  requireUnique(core, realm, changed);
  const moved = email !== account.email;
  state.putAccount(realm, moved ? { ...changed, validSince: nowSeconds(core) } : changed);
  return { account: changed, code };
}
