import { NewUser, User } from "../../../shared/identity/contract.ts";
import { provisionPerson } from "../../../shared/identity/provision-person.ts";
import { created, ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

/** A user for somebody whom the app's own server knows; 200 for one who was there already. */
export const postUser = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/users",
  summary: "Creates a person, or finds them.",
  statuses: [200, 201],
  access: "user:create",
  sensitive: true,
  body: NewUser,
  example: { externalId: "customer-17", name: "Ada" },
  reply: User,
  async handle({ deps, app, principal, body, caller }) {
    const { user, isNew } = await provisionPerson(deps, app, principal, { draft: body, caller });
    return isNew ? created(user) : ok(user);
  },
});
