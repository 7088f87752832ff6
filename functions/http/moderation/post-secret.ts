import { HookSecretCreated, NewHookSecret } from "../../../shared/identity/contract.ts";
import { createHookSecret } from "../../../shared/identity/hook-secret.ts";
import { created } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

/** The secret that requests to `settings.moderation.url` are signed with. */
export const postHookSecret = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/moderation/secrets",
  summary: "Makes a secret that requests to the moderation hook are signed with.",
  access: "app:secure",
  sensitive: true,
  idempotent: true,
  body: NewHookSecret,
  reply: HookSecretCreated,
  async handle({ deps, app, principal, body, requestKey, caller }) {
    const { overlapSeconds } = body;
    const made = await createHookSecret(deps, app, principal, { overlapSeconds, requestKey, caller });
    deps.apps.forget(app.id);
    return created(made.created, made.replayed);
  },
});
