import type { AuthCore, Call } from "./core.ts";
import { jsonReply, type Reply } from "../kernel/http.ts";
import { StatusError } from "../kernel/status-error.ts";
import { accessOobCode, redeem, resetPassword } from "./oob.ts";

const actionReply = (status: number, authEmulator: Readonly<Record<string, string>>): Reply =>
  jsonReply(status, { authEmulator });

/**
 * GET /emulator/action: does what the link in a mail asks for, as the page behind it would, and goes on to
 * the link's `continueUrl` where there is one. The form of the answers is that of Google's own emulator.
 */
export async function followLink(core: AuthCore, url: URL): Promise<Reply> {
  const query = url.searchParams;
  const oobCode = query.get("oobCode") ?? "";
  const realm = core.state.oobRealm(oobCode);
  if (realm === undefined)
    return actionReply(400, { error: "The code is unknown or has been used already." });
  const call: Call = {
    realm,
    body: { oobCode, newPassword: query.get("newPassword") ?? undefined },
    query,
    admin: false,
    signed: false,
    origin: url.origin,
    names: {},
  };
  try {
    return await act(core, call, oobCode);
  } catch (cause) {
    if (!(cause instanceof StatusError)) throw cause;
    return actionReply(400, { error: cause.message });
  }
}

async function act(core: AuthCore, call: Call, oobCode: string): Promise<Reply> {
  const { query, body, realm } = call;
  const continueUrl = query.get("continueUrl");
  const done = (success: string, email: string): Reply =>
    continueUrl === null
      ? actionReply(200, { success, email })
      : { status: 303, headers: { location: continueUrl } };
  switch (query.get("mode")) {
    case "resetPassword": {
      const { email } = accessOobCode(core, realm, oobCode, ["PASSWORD_RESET"]);
      if (!body.newPassword) {
        return actionReply(400, { error: "The query parameter newPassword is missing.", email });
      }
      await resetPassword(core, call);
      return done("The password has been changed.", email);
    }
    case "verifyEmail":
    case "verifyAndChangeEmail":
    case "recoverEmail": {
      const { account } = await core.state.database.write(() => redeem(core, realm, oobCode));
      return done("The e-mail address has been verified.", account.email);
    }
    case "signIn":
      return redirectToClient(call, oobCode, accessOobCode(core, realm, oobCode, ["EMAIL_SIGNIN"]).email);
    default:
      return actionReply(400, { error: `There is no mode ${JSON.stringify(query.get("mode"))}.` });
  }
}

/**
 * The client that requested the link signs in with the code. The redirect passes it on without using it up.
 */
function redirectToClient({ query }: Call, oobCode: string, email: string): Reply {
  const continueUrl = query.get("continueUrl");
  if (continueUrl === null || !URL.canParse(continueUrl))
    return actionReply(400, { error: "The query parameter continueUrl is missing.", email });
  const target = new URL(continueUrl);
  for (const name of ["mode", "lang", "apiKey", "tenantId"]) {
    const value = query.get(name);
    if (value !== null) target.searchParams.set(name, value);
  }
  target.searchParams.set("oobCode", oobCode);
  return { status: 303, headers: { location: target.href } };
}
