import { ApiTokenCreated, NewApiToken } from "../../../shared/identity/contract.ts";
import { createApiToken } from "../../../shared/identity/manage-api-token.ts";
import { created } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const postToken = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/tokens",
  access: "token:manage",
  sensitive: true,
  idempotent: true,
  body: NewApiToken,
  reply: ApiTokenCreated,
  async handle({ deps, app, principal, body, requestKey, caller }) {
    const { created: token, replayed } = await createApiToken(deps, app, principal, {
      draft: body,
      requestKey,
      caller,
    });
    return created(token, replayed);
  },
});
