import { changeRole } from "../../../shared/identity/change-role.ts";
import { User, UserChange } from "../../../shared/identity/contract.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { UserParams } from "../parameters.ts";

export const patchUser = appEndpoint({
  method: "PATCH",
  path: "/v1/apps/{app}/users/{id}",
  access: "user:change",
  sensitive: true,
  params: UserParams,
  body: UserChange,
  reply: User,
  async handle({ deps, app, principal, params, body, caller }) {
    return ok(await changeRole(deps, app, principal, { userId: params.id, role: body.role, caller }));
  },
});
