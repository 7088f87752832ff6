import { Session } from "../../../shared/identity/contract.ts";
import { createSessionFor } from "../../../shared/identity/provision-person.ts";
import { created } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { UserParams } from "../parameters.ts";

/** A session for somebody whom the app's own server has signed in itself. */
export const postUserSession = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/users/{id}/sessions",
  summary: "Begins a session for a person.",
  access: "user:act-for",
  sensitive: true,
  idempotent: true,
  params: UserParams,
  reply: Session,
  async handle({ deps, app, principal, params, requestKey, caller }) {
    const { session, replayed } = await createSessionFor(deps, app, principal, {
      userId: params.id,
      requestKey,
      caller,
    });
    return created(session, replayed);
  },
});
