import {
  Factor,
  FactorBegun,
  FactorCode,
  FactorConfirmation,
  FactorOn,
  NewFactor,
  Session,
} from "../../../shared/identity/contract.ts";
import { beginFactor, confirmFactor, readFactor, removeFactor } from "../../../shared/identity/factor.ts";
import { proveFactor } from "../../../shared/identity/prove-factor.ts";
import { created, noContent, ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

const path = "/v1/apps/{app}/me/factor";

/** Whether the caller has a second factor. */
export const getFactor = appEndpoint({
  method: "GET",
  path,
  summary: "Says whether the caller has a second factor.",
  access: "me:read",
  own: true,
  reply: Factor,
  async handle({ app, principal }) {
    return ok(await readFactor(app, principal));
  },
});

/** Begins a second factor, with a code just mailed: the secret is for an authenticator app. */
export const postFactor = appEndpoint({
  method: "POST",
  path,
  summary: "Begins to enrol a second factor.",
  access: "session:end",
  own: true,
  body: NewFactor,
  reply: FactorBegun,
  async handle({ deps, app, principal, body, caller }) {
    return created(await beginFactor(deps, app, principal, { ...body, caller }));
  },
});

/** Puts the second factor in force with a first code of the authenticator app. */
export const putFactor = appEndpoint({
  method: "PUT",
  path,
  summary: "Confirms the second factor with a code.",
  access: "session:end",
  body: FactorConfirmation,
  own: true,
  reply: FactorOn,
  async handle({ deps, app, principal, body, caller }) {
    return ok(await confirmFactor(deps, app, principal, { code: body.code, caller }));
  },
});

/** Removes the second factor, once it has been proved. */
export const deleteFactor = appEndpoint({
  method: "DELETE",
  path,
  summary: "Removes the second factor.",
  access: "session:end",
  sensitive: true,
  own: true,
  reply: "empty",
  async handle({ deps, app, principal, caller }) {
    await removeFactor(deps, app, principal, caller);
    return noContent;
  },
});

/**
 * Proves the second factor in the current session. The returned token permits sensitive actions for a while.
 */
export const postFactorProof = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/sessions/current/factor",
  summary: "Proves the second factor for the caller's session.",
  access: "session:end",
  body: FactorCode,
  own: true,
  reply: Session,
  async handle({ deps, app, principal, body, caller }) {
    return created(await proveFactor(deps, app, principal, { code: body.code, caller }));
  },
});
