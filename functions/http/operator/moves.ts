import { NewMove } from "../../../shared/cells/contract.ts";
import { MOVE } from "../../../shared/cells/move-app.ts";
import { appHandle } from "../../../shared/identity/app.ts";
import { readOpenApp } from "../../../shared/identity/manage-app.ts";
import { Job } from "../../../shared/jobs/contract.ts";
import { createJob } from "../../../shared/jobs/jobs.ts";
import { accepted } from "../../runtime/reply.ts";
import { systemEndpoint } from "../endpoint.ts";

/** Asked of the cell in which the app is. */
export const postMove = systemEndpoint({
  method: "POST",
  path: "/v1/operator/moves",
  summary: "Moves an app to another cell, or calls that off.",
  statuses: [202],
  idempotent: true,
  body: NewMove,
  reply: Job,
  async handle({ deps, body, requestKey }) {
    deps.cells.named(body.cell);
    await readOpenApp(appHandle(deps.firestore, body.app));
    const { job, replayed } = await createJob(deps, { kind: MOVE, input: body }, requestKey);
    return accepted(job, replayed);
  },
});
