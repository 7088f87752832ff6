import { z } from "zod";
import { Message, NewReport, pageOf, Report, ReportDecision } from "../../../shared/chat/contract.ts";
import {
  createReport,
  decideReport,
  listReports,
  readReported,
} from "../../../shared/chat/moderation/report.ts";
import { created, ok } from "../../runtime/reply.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { appEndpoint } from "../endpoint.ts";
import { PageQuery, TokenParams } from "../parameters.ts";

const path = "/v1/apps/{app}/reports";

/** Tells the moderators of a message or of somebody. */
export const postReport = appEndpoint({
  method: "POST",
  path,
  summary: "Reports a message or a person to the moderators.",
  access: "report:create",
  body: NewReport,
  reply: Report,
  async handle({ deps, app, principal, body, caller }) {
    const { report, replayed } = await createReport(deps, app, principal, { draft: body, caller });
    return created(report, replayed);
  },
});

export const getReports = appEndpoint({
  method: "GET",
  path,
  summary: "Lists reports.",
  access: "report:decide",
  operations: operationsOfPage,
  query: PageQuery.extend({ status: z.enum(["open", "decided"]).optional() }),
  reply: pageOf(Report),
  async handle({ deps, app, query }) {
    return ok(await listReports(deps, app, query));
  },
});

export const patchReport = appEndpoint({
  method: "PATCH",
  path: `${path}/{id}`,
  summary: "Decides a report.",
  access: "report:decide",
  params: TokenParams,
  body: ReportDecision,
  reply: Report,
  async handle({ deps, app, principal, params, body, caller }) {
    const { decision } = body;
    return ok(await decideReport(deps, app, principal, { id: params.id, decision, caller }));
  },
});

/** The reported message and a few around it; the look is written down. */
export const getReportedMessages = appEndpoint({
  method: "GET",
  path: `${path}/{id}/messages`,
  summary: "Reads a reported message and a few around it.",
  access: "report:decide",
  params: TokenParams,
  reply: z.object({ data: z.array(Message) }),
  async handle({ deps, app, principal, params, caller }) {
    return ok({ data: await readReported(deps, app, principal, { id: params.id, caller }) });
  },
});
