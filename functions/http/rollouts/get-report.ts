import { z } from "zod";
import { RolloutName, RolloutReport } from "../../../shared/rollout/contract.ts";
import { reportRollout } from "../../../shared/rollout/report-rollout.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

const PREFIX = "rollout-";
/** `rollout-{name}` is the report on the rollout of that name. */
const ReportParams = z.object({
  id: z
    .string()
    .startsWith(PREFIX)
    .transform((name) => name.slice(PREFIX.length))
    .pipe(RolloutName),
});

export const getReport = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/reports/{id}",
  summary: "Reads how a rollout's versions compare.",
  access: "rollout:read",
  params: ReportParams,
  reply: RolloutReport,
  async handle({ app, params }) {
    return ok(await reportRollout(app, params.id));
  },
});
