import { NewRevocation, Revoked } from "../../../shared/identity/contract.ts";
import { revoke } from "../../../shared/identity/revoke.ts";
import { created } from "../../runtime/reply.ts";
import { systemEndpoint } from "../endpoint.ts";

export const postRevocation = systemEndpoint({
  method: "POST",
  path: "/v1/operator/revocations",
  summary: "Revokes credentials.",
  idempotent: true,
  body: NewRevocation,
  reply: Revoked,
  async handle({ deps, body, requestKey, caller }) {
    const { revoked, replayed } = await revoke(deps, { ...body, requestKey, caller });
    return created(revoked, replayed);
  },
});
