import { z } from "zod";
import { pageOf } from "../../../shared/chat/contract.ts";
import { acceptInvitation } from "../../../shared/identity/accept-invitation.ts";
import { Invitation, InvitationCreated, NewInvitation, User } from "../../../shared/identity/contract.ts";
import {
  createInvitation,
  deleteInvitation,
  listInvitations,
  recallInvitation,
} from "../../../shared/identity/invitation.ts";
import { created, noContent, ok } from "../../runtime/reply.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { appEndpoint } from "../endpoint.ts";
import { PageQuery, TokenParams } from "../parameters.ts";

const path = "/v1/apps/{app}/invitations";

export const postInvitation = appEndpoint({
  method: "POST",
  path,
  summary: "Invites somebody by address, or people by a link.",
  access: "invitation:manage",
  sensitive: true,
  idempotent: true,
  body: NewInvitation,
  example: { email: "grace@example.com", role: "member" },
  reply: InvitationCreated,
  async replay({ deps, app, principal, body, requestKey }) {
    const invitation = await recallInvitation(deps, app, principal, { draft: body, requestKey });
    return invitation && created(invitation, true);
  },
  async handle({ deps, app, principal, body, requestKey, caller }) {
    const { created: invitation, replayed } = await createInvitation(deps, app, principal, {
      draft: body,
      requestKey,
      caller,
    });
    return created(invitation, replayed);
  },
});

export const getInvitations = appEndpoint({
  method: "GET",
  path,
  summary: "Lists open invitations.",
  access: "invitation:manage",
  operations: operationsOfPage,
  query: PageQuery,
  reply: pageOf(Invitation),
  async handle({ deps, app, query }) {
    return ok(await listInvitations(deps, app, query));
  },
});

export const removeInvitation = appEndpoint({
  method: "DELETE",
  path: `${path}/{id}`,
  summary: "Takes an invitation back.",
  access: "invitation:manage",
  params: TokenParams,
  reply: "empty",
  async handle({ deps, app, principal, params, caller }) {
    await deleteInvitation(deps, app, principal, { id: params.id, caller });
    return noContent;
  },
});

/** Takes the role one is invited to. Who is not in the app yet brings the code to the sign-in. */
export const postAcceptance = appEndpoint({
  method: "POST",
  path: `${path}/{code}/accept`,
  summary: "Accepts an invitation.",
  statuses: [200],
  access: "me:change",
  own: true,
  params: z.object({ code: z.string().min(1).max(100) }),
  reply: User,
  async handle({ deps, app, principal, params, caller }) {
    return ok(await acceptInvitation(deps, app, principal, { code: params.code, caller }));
  },
});
