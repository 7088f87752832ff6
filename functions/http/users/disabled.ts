import { disablePerson, enablePerson } from "../../../shared/identity/end-membership.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { UserParams } from "../parameters.ts";

const path = "/v1/apps/{app}/users/{id}/disabled";

/** Refuses the person everywhere. */
export const putDisabled = appEndpoint({
  method: "PUT",
  path,
  summary: "Disables a person.",
  access: "user:change",
  sensitive: true,
  params: UserParams,
  reply: "empty",
  async handle({ deps, app, principal, params, caller }) {
    await disablePerson(deps, app, principal, { userId: params.id, caller });
    return noContent;
  },
});

/** Lets them in again. */
export const deleteDisabled = appEndpoint({
  method: "DELETE",
  path,
  summary: "Enables a person again.",
  access: "user:change",
  sensitive: true,
  params: UserParams,
  reply: "empty",
  async handle({ deps, app, principal, params, caller }) {
    await enablePerson(deps, app, principal, { userId: params.id, caller });
    return noContent;
  },
});
