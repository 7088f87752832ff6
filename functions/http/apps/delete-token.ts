import { deleteApiToken } from "../../../shared/identity/manage-api-token.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { TokenParams } from "../parameters.ts";

export const deleteToken = appEndpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/tokens/{id}",
  summary: "Ends an API token.",
  access: "token:manage",
  sensitive: true,
  params: TokenParams,
  reply: "empty",
  async handle({ deps, app, principal, params, caller }) {
    await deleteApiToken(deps, app, principal, { id: params.id, caller });
    return noContent;
  },
});
