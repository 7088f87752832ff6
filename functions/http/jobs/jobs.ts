import { z } from "zod";
import { pageOf } from "../../../shared/chat/contract.ts";
import { DrawnId } from "../../../shared/identity/contract.ts";
import { Job } from "../../../shared/jobs/contract.ts";
import { cancelTransfer } from "../../../shared/transfers/cancel-transfer.ts";
import { listTransfers, readTransfer } from "../../../shared/transfers/read-transfers.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { noContent, ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { PageQuery } from "../parameters.ts";

const JobParams = z.object({ id: DrawnId });

export const getTransfers = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/jobs",
  summary: "Lists the caller's imports and exports, the newest first.",
  access: "job:read",
  query: PageQuery,
  operations: operationsOfPage,
  reply: pageOf(Job),
  async handle({ deps, app, principal, query }) {
    return ok(await listTransfers(deps, app, principal, query));
  },
});

export const getTransfer = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/jobs/{id}",
  summary: "Says how an import or export stands.",
  access: "job:read",
  params: JobParams,
  reply: Job,
  async handle({ app, principal, params: { id } }) {
    return ok(await readTransfer(app, principal, id));
  },
});

/** What an import has brought until then stays. */
export const deleteTransfer = appEndpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/jobs/{id}",
  summary: "Cancels an import or export.",
  access: "job:read",
  params: JobParams,
  reply: "empty",
  async handle({ deps, app, principal, params: { id } }) {
    await cancelTransfer(deps, app, principal, id);
    return noContent;
  },
});
