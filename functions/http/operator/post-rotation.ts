import { NewRotation, Rotation } from "../../../shared/identity/contract.ts";
import { rotateKeys } from "../../../shared/identity/rotate-keys.ts";
import { created, endpoint } from "../../runtime/endpoint.ts";

export const postRotation = endpoint({
  method: "POST",
  path: "/v1/operator/keys/rotations",
  access: "operator",
  idempotent: true,
  body: NewRotation,
  answer: Rotation,
  async handle({ deps, body, requestKey, caller }) {
    const { rotation, replayed } = await rotateKeys(deps, { ...body, requestKey, caller });
    return created(rotation, replayed);
  },
});
