import { z } from "zod";
import { changeRollout } from "../../../shared/rollout/change-rollout.ts";
import { Rollout, RolloutDefinition, RolloutName } from "../../../shared/rollout/contract.ts";
import { readRollout } from "../../../shared/rollout/read-rollout.ts";
import { etagOf, expectedRevision } from "../../runtime/conditional.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

const RolloutParams = z.object({ name: RolloutName });
const path = "/v1/apps/{app}/rollouts/{name}";

export const getRollout = appEndpoint({
  method: "GET",
  path,
  summary: "Reads a rollout.",
  access: "rollout:read",
  params: RolloutParams,
  reply: Rollout,
  async handle({ app, params }) {
    const rollout = await readRollout(app, params.name);
    return ok(rollout, { etag: etagOf(rollout.revision) });
  },
});

/** Creates a rollout (201) or replaces its definition (200). */
export const putRollout = appEndpoint({
  method: "PUT",
  path,
  summary: "Begins or changes a rollout.",
  statuses: [200, 201],
  conditional: "write",
  access: "rollout:change",
  params: RolloutParams,
  body: RolloutDefinition,
  reply: Rollout,
  async handle({ deps, app, principal, params, body, headers }) {
    const change = { name: params.name, definition: body, expected: expectedRevision(headers) };
    const { rollout, isNew } = await changeRollout(deps, app, principal, change);
    return { ...ok(rollout, { etag: etagOf(rollout.revision) }), status: isNew ? 201 : 200 };
  },
});
