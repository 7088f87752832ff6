import { beginExport, recallExport } from "../../../shared/export/begin-export.ts";
import { Job } from "../../../shared/jobs/contract.ts";
import { NewExport } from "../../../shared/transfers/contract.ts";
import { accepted } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const postExport = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/exports",
  summary: "Begins an export of all that the caller has, or that an owner's app has.",
  access: "export:create",
  statuses: [202],
  idempotent: true,
  body: NewExport,
  example: { format: "zip" },
  reply: Job,
  async replay({ deps, app, principal, body, requestKey }) {
    const before = await recallExport(deps, app, principal, { draft: body, requestKey });
    return before && accepted(before, true);
  },
  async handle({ deps, app, principal, body, requestKey, caller }) {
    const { job, replayed } = await beginExport(deps, app, principal, { draft: body, requestKey, caller });
    return accepted(job, replayed);
  },
});
