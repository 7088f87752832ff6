import { changeRole } from "../../../shared/identity/change-role.ts";
import { User, UserChange } from "../../../shared/identity/contract.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";
import { UserParams } from "../parameters.ts";

export const patchUser = endpoint({
  method: "PATCH",
  path: "/v1/apps/{app}/users/{id}",
  access: "user:change",
  sensitive: true,
  params: UserParams,
  body: UserChange,
  answer: User,
  async handle({ deps, app, principal, params, body, caller }) {
    return ok(await changeRole(deps, app, principal, params.id, body.role, caller));
  },
});
