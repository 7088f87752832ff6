import { randomBytes, randomInt } from "node:crypto";
import type { Account } from "./account.ts";
import { type AuthCore, type Call, newLocalId, parsePhoneNumber, requireUnique, textOf } from "./core.ts";
import { authError } from "./failure.ts";
import { PHONE_SESSION_MS } from "./limits.ts";
import { complete } from "./sign-in.ts";
import { emptyAccount } from "./sign-up.ts";
import { presented } from "./tokens.ts";

/** The kind of document that keeps a code until it is used. */
const PHONE_SESSION = "phoneSession";

interface PhoneSession {
  readonly phoneNumber: string;
  readonly sessionInfo: string;
  readonly code: string;
  readonly tenant: string;
  readonly createdMs: number;
}

/** accounts:sendVerificationCode. Nothing is sent: the code is stored and appears in the list of codes. */
export async function sendVerificationCode(core: AuthCore, { body, realm }: Call): Promise<unknown> {
  if (!body.phoneNumber) throw authError("MISSING_PHONE_NUMBER");
  const session: PhoneSession = {
    phoneNumber: parsePhoneNumber(body.phoneNumber),
    sessionInfo: randomBytes(48).toString("base64url"),
    code: String(randomInt(1_000_000)).padStart(6, "0"),
    tenant: realm.tenant,
    createdMs: core.kernel.clock.now(),
  };
  await core.state.database.write(() => {
    const kept = core.state.documents(realm.project, PHONE_SESSION) as unknown as PhoneSession[];
    for (const { sessionInfo, createdMs } of kept)
      if (isOutlived(core, createdMs)) core.state.removeDocument(realm.project, PHONE_SESSION, sessionInfo);
    core.state.putDocument(realm.project, PHONE_SESSION, session.sessionInfo, { ...session });
  });
  return { sessionInfo: session.sessionInfo };
}

const isOutlived = ({ kernel }: AuthCore, createdMs: number): boolean =>
  createdMs + PHONE_SESSION_MS <= kernel.clock.now();

/** The codes that have been neither used nor expired. */
export function listVerificationCodes(core: AuthCore, { realm }: Call): unknown {
  const sessions = core.state.documents(realm.project, PHONE_SESSION) as unknown as PhoneSession[];
  const live = sessions.filter(({ createdMs }) => !isOutlived(core, createdMs));
  const inOrder = live.sort((one, other) => one.createdMs - other.createdMs);
  return {
    verificationCodes: inOrder.map(({ phoneNumber, sessionInfo, code }) => ({
      phoneNumber,
      sessionInfo,
      code,
    })),
  };
}

/** Signs in or up by a number, or adds it to the account whose token comes along. */
export async function signInWithPhoneNumber(core: AuthCore, call: Call): Promise<unknown> {
  const { body, realm } = call;
  const sessionInfo = textOf(body, "sessionInfo");
  if (sessionInfo === undefined) throw authError("MISSING_SESSION_INFO");
  if (!body.code) throw authError("MISSING_CODE");
  return core.state.database.write(() => {
    const phoneNumber = provenNumber(core, call, sessionInfo);
    core.state.removeDocument(realm.project, PHONE_SESSION, sessionInfo);
    const idToken = textOf(body, "idToken");
    const linked = idToken === undefined ? undefined : presented(core, call, idToken).account;
    const known = linked ?? core.state.byPhone(realm, phoneNumber);
    const account: Account = { ...(known ?? emptyAccount(core, call, newLocalId())), phoneNumber };
    requireUnique(core, realm, account);
    core.state.putAccount(realm, account);
    return {
      localId: account.localId,
      phoneNumber,
      isNewUser: known === undefined,
      ...complete(core, call, account, { provider: "phone" }),
    };
  });
}

function provenNumber(core: AuthCore, { body, realm }: Call, sessionInfo: string): string {
  const session = core.state.document(realm.project, PHONE_SESSION, sessionInfo) as unknown as
    | PhoneSession
    | undefined;
  if (session === undefined || session.tenant !== realm.tenant) throw authError("INVALID_SESSION_INFO");
  if (isOutlived(core, session.createdMs)) throw authError("SESSION_EXPIRED");
  if (session.code !== String(body.code)) throw authError("INVALID_CODE");
  return session.phoneNumber;
}
