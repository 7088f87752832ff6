import { type AuthCore, type Body, textOf } from "./core.ts";
import { decodeJwt } from "./jwt.ts";

/**
 * The project of a call whose path names none. In the cloud the API key tells it; here keys are any text,
 * so what the call brings along tells it: an ID token's audience, a mail's code, a key that is the id of a
 * project with people in it. Failing these it is the emulator's own project, unless that doesn't know the
 * tenant or the person and exactly one other does.
 */
export function projectOfCall(
  core: AuthCore,
  { body, key, tenant }: { readonly body: Body; readonly key: string; readonly tenant: string },
  own: string,
): string {
  const { state } = core;
  const audience = audienceOf(core, textOf(body, "idToken"));
  if (audience !== undefined) return audience;
  const code = textOf(body, "oobCode");
  const sender = code === undefined ? undefined : state.oobRealm(code);
  if (sender !== undefined) return sender.project;
  if (state.hasPeople(key)) return key;
  if (tenant !== "") {
    const owners = state.projectsWithTenant(tenant);
    return owners.includes(own) ? own : (only(owners) ?? own);
  }
  const localId = uidOf(core, textOf(body, "token"));
  const email = textOf(body, "email")?.toLowerCase();
  if (localId === undefined && email === undefined) return own;
  const knowing = state.projectsKnowing(localId ?? "", email ?? "");
  return knowing.includes(own) ? own : (only(knowing) ?? own);
}

const only = (projects: readonly string[]): string | undefined =>
  projects.length === 1 ? projects[0] : undefined;

/** Undefined where the call has no token of this service. Handlers verify the token. */
function audienceOf(core: AuthCore, idToken: string | undefined): string | undefined {
  const payload = idToken === undefined ? undefined : decodeJwt(idToken, core.key)?.payload;
  const { iss, aud } = payload ?? {};
  return typeof aud === "string" && iss === `https://securetoken.google.com/${aud}` ? aud : undefined;
}

/** Whom a custom token is for. */
function uidOf(core: AuthCore, token: string | undefined): string | undefined {
  const uid = token === undefined ? undefined : decodeJwt(token, core.key)?.payload.uid;
  return typeof uid === "string" ? uid : undefined;
}
