import { z } from "zod";
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, pageOf } from "../../../shared/chat/contract.ts";
import { SecurityEvent, SecurityEventKind } from "../../../shared/identity/contract.ts";
import { listSecurityEvents, securityEventsOf } from "../../../shared/identity/security-event.ts";
import { systemEventsOf } from "../../../shared/identity/system.ts";
import { ok } from "../../runtime/reply.ts";
import { operationsOfPage } from "../../runtime/operations.ts";
import { appEndpoint, systemEndpoint } from "../endpoint.ts";

const Query = z.strictObject({
  cursor: z.string().max(2000).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT_DEFAULT),
  kind: SecurityEventKind.optional(),
});

/** What happened to the accounts of an app. */
export const getSecurityEvents = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/security-events",
  summary: "Lists the app's security events.",
  access: "security:read",
  operations: operationsOfPage,
  query: Query,
  reply: pageOf(SecurityEvent),
  async handle({ deps, app, query }) {
    return ok(await listSecurityEvents(deps, securityEventsOf(app), query));
  },
});

/** What happened to the keys and tokens of the whole deployment. */
export const getSystemSecurityEvents = systemEndpoint({
  method: "GET",
  path: "/v1/operator/security-events",
  summary: "Lists the deployment's security events.",
  query: Query,
  reply: pageOf(SecurityEvent),
  async handle({ deps, query }) {
    return ok(await listSecurityEvents(deps, systemEventsOf(deps.firestore), query));
  },
});
