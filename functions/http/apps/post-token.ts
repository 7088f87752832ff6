import { ApiTokenCreated, NewApiToken } from "../../../shared/identity/contract.ts";
import { createApiToken, recallApiToken } from "../../../shared/identity/manage-api-token.ts";
import { created } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const postToken = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/tokens",
  summary: "Makes an API token.",
  access: "token:manage",
  sensitive: true,
  idempotent: true,
  body: NewApiToken,
  example: { name: "Nightly export", scopes: ["chat:read", "message:read"] },
  reply: ApiTokenCreated,
  async replay({ deps, app, principal, body, requestKey }) {
    const token = await recallApiToken(deps, app, principal, { draft: body, requestKey });
    return token && created(token, true);
  },
  async handle({ deps, app, principal, body, requestKey, caller }) {
    const { created: token, replayed } = await createApiToken(deps, app, principal, {
      draft: body,
      requestKey,
      caller,
    });
    return created(token, replayed);
  },
});
