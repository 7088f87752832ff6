import { User } from "../../../shared/identity/contract.ts";
import { readContact } from "../../../shared/chat/read/list-contacts.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { UserParams } from "../parameters.ts";

export const getUser = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/users/{id}",
  access: "user:read",
  params: UserParams,
  reply: User,
  async handle({ deps, app, principal, params }) {
    const { directory } = await deps.apps.settingsOf(app);
    return ok(await readContact(app, principal, { id: params.id, directory }));
  },
});
