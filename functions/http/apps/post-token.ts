import { ApiTokenCreated } from "../../../shared/identity/contract.ts";
import { createApiToken } from "../../../shared/identity/manage-api-token.ts";
import { created, endpoint } from "../../runtime/endpoint.ts";

export const postToken = endpoint({
  method: "POST",
  path: "/v1/apps/{app}/tokens",
  access: "token:manage",
  sensitive: true,
  idempotent: true,
  answer: ApiTokenCreated,
  async handle({ deps, app, principal, requestKey, caller }) {
    const { created: token, replayed } = await createApiToken(deps, app, principal, requestKey, caller);
    return created(token, replayed);
  },
});
