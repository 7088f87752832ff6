import { z } from "zod";
import { listPersonUsage } from "../../../shared/assistant/person-usage.ts";
import { DayUsage } from "../../../shared/chat/contract.ts";
import { listUsage } from "../../../shared/chat/usage.ts";
import { PersonUsage } from "../../../shared/assistant/contract.ts";
import { UserId } from "../../../shared/identity/contract.ts";
import { AppError } from "../../../shared/platform/errors.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const USAGE_DAYS_MAX = 366;
/** About what a month of an app takes; a year in one request is rare. */
const USAGE_OPERATIONS = 310;
const DAYS_DEFAULT = 30;
const DAY_MS = 24 * 3600 * 1000;

/** Before it there was nothing to count, and of later days `toISOString` is no day any more. */
const Day = z.iso.date().refine((day) => day >= "1971", "must lie between the years 1971 and 9999");
const Days = z.strictObject({ from: Day, to: Day }).partial();

/** From and to, both included; the last DAYS_DEFAULT days by default. @throws AppError `invalid_request` */
function daysOf(query: z.infer<typeof Days>, nowMs: number): { from: string; to: string } {
  const to = query.to ?? dayOf(nowMs);
  const from = query.from ?? dayOf(Date.parse(to) - (DAYS_DEFAULT - 1) * DAY_MS);
  if ((Date.parse(to) - Date.parse(from)) / DAY_MS >= USAGE_DAYS_MAX) {
    throw new AppError("invalid_request", "The range is too long.", {
      errors: [{ path: "from", message: `must be less than ${USAGE_DAYS_MAX} days before to` }],
    });
  }
  return { from, to };
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Messages written and answers made on each day (UTC), of the whole app or of what one person asked. */
export const getUsage = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/usage",
  summary: "Reads the app's usage by day.",
  access: "usage:read",
  operations: USAGE_OPERATIONS,
  query: Days.extend({ person: UserId.optional() }),
  reply: z.object({ data: z.array(z.union([DayUsage, PersonUsage])) }),
  async handle({ deps, app, query }) {
    const { from, to } = daysOf(query, deps.clock.now());
    const data =
      query.person === undefined
        ? await listUsage(app, from, to)
        : await listPersonUsage(app, query.person, from, to);
    return ok({ data });
  },
});

/** What the caller's own questions took on each day. */
export const getMyUsage = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/me/usage",
  summary: "Reads the caller's usage by day.",
  access: "me:read",
  operations: USAGE_OPERATIONS,
  query: Days,
  reply: z.object({ data: z.array(PersonUsage) }),
  async handle({ deps, app, principal, query }) {
    const { from, to } = daysOf(query, deps.clock.now());
    return ok({ data: await listPersonUsage(app, principal.id, from, to) });
  },
});
