import { NewGuest, Session } from "../../../shared/identity/contract.ts";
import { createGuest } from "../../../shared/identity/create-guest.ts";
import { publicEndpoint } from "../endpoint.ts";
import { sessionReply } from "./session-reply.ts";

/** Lets somebody in without an address, where the app takes guests. */
export const postGuest = publicEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/auth/guests",
  summary: "Begins a session as a guest, without an address.",
  signIn: true,
  body: NewGuest,
  reply: Session,
  async handle({ deps, app, body, caller }) {
    const session = await createGuest(deps, app, { name: body.name, caller });
    return { status: 201, ...sessionReply(deps, app, session, body.transport ?? "body") };
  },
});
