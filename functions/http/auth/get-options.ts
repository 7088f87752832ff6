import { SignInOptions } from "../../../shared/identity/contract.ts";
import { ok } from "../../runtime/reply.ts";
import { publicEndpoint } from "../endpoint.ts";

/** How people come in: what a page of signing in offers. */
export const getSignInOptions = publicEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/auth/options",
  summary: "Says how people may sign in.",
  signIn: true,
  reply: SignInOptions,
  async handle({ deps, app }) {
    const { mode, guests } = (await deps.apps.settingsOf(app)).registration;
    return ok({ mode, guests });
  },
});
