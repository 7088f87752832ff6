import { NewRotation, Rotation } from "../../../shared/identity/contract.ts";
import { rotateKeys } from "../../../shared/identity/rotate-keys.ts";
import { created } from "../../runtime/reply.ts";
import { systemEndpoint } from "../endpoint.ts";

export const postRotation = systemEndpoint({
  method: "POST",
  path: "/v1/operator/keys/rotations",
  summary: "Rotates the signing keys.",
  idempotent: true,
  body: NewRotation,
  reply: Rotation,
  async handle({ deps, body, requestKey, caller }) {
    const { rotation, replayed } = await rotateKeys(deps, { ...body, requestKey, caller });
    return created(rotation, replayed);
  },
});
