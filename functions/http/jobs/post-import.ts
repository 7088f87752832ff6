import { beginImport, recallImport } from "../../../shared/import/begin-import.ts";
import { Job } from "../../../shared/jobs/contract.ts";
import { NewImport } from "../../../shared/transfers/contract.ts";
import { accepted } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

/** Whatever the file holds comes to the caller's own chats, with the times that it had. */
export const postImport = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/imports",
  summary: "Begins to bring in the chats of another product, out of an uploaded file.",
  access: "import:create",
  statuses: [202],
  idempotent: true,
  body: NewImport,
  reply: Job,
  async replay({ deps, app, principal, body, requestKey }) {
    const before = await recallImport(deps, app, principal, { draft: body, requestKey });
    return before && accepted(before, true);
  },
  async handle({ deps, app, principal, body, requestKey }) {
    const { job, replayed } = await beginImport(deps, app, principal, { draft: body, requestKey });
    return accepted(job, replayed);
  },
});
