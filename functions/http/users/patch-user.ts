import { changeRole } from "../../../shared/identity/change-role.ts";
import { User, UserChange } from "../../../shared/identity/contract.ts";
import { changeMetadata, readUser } from "../../../shared/identity/profile.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { UserParams } from "../parameters.ts";

export const patchUser = appEndpoint({
  method: "PATCH",
  path: "/v1/apps/{app}/users/{id}",
  summary: "Changes a person's role.",
  access: "user:change",
  sensitive: true,
  params: UserParams,
  body: UserChange,
  reply: User,
  async handle({ deps, app, principal, params, body, caller }) {
    const { role, metadata } = body;
    const userId = params.id;
    if (metadata !== undefined) {
      await changeMetadata(deps, app, { userId, metadata, by: principal });
    }
    return ok(
      role === undefined
        ? await readUser(app, principal, userId)
        : await changeRole(deps, app, principal, { userId, role, caller }),
    );
  },
});
