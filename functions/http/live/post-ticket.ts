import { z } from "zod";
import { sealTicket } from "../../../shared/identity/ticket.ts";
import { bearerOf } from "../../runtime/authenticate.ts";
import { created } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

/** What a page puts into the address of a stream, in place of the access token. */
export const postTicket = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/tickets",
  summary: "Gives a ticket that opens one stream, for clients that can't send headers.",
  access: "message:read",
  own: true,
  reply: z.object({ ticket: z.string(), expiresIn: z.number() }),
  async handle({ deps, app, headers }) {
    return created(sealTicket(deps, app, bearerOf(headers)));
  },
});
