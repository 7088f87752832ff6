import { NewRevocation, Revoked } from "../../../shared/identity/contract.ts";
import { revoke } from "../../../shared/identity/revoke.ts";
import { created, endpoint } from "../../runtime/endpoint.ts";

export const postRevocation = endpoint({
  method: "POST",
  path: "/v1/operator/revocations",
  access: "operator",
  idempotent: true,
  body: NewRevocation,
  answer: Revoked,
  async handle({ deps, body, requestKey, caller }) {
    const { revoked, replayed } = await revoke(deps, { ...body, requestKey, caller });
    return created(revoked, replayed);
  },
});
