import { z } from "zod";
import { listUsage } from "../../../shared/chat/store.ts";
import { AppError } from "../../../shared/platform/errors.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";

const DAYS_MAX = 366;
const DAY_MS = 24 * 3600 * 1000;

/** Messages written on each day (UTC) from `from` to `to`, both included; the last 30 days by default. */
export const getUsage = endpoint({
  method: "GET",
  path: "/v1/apps/{app}/usage",
  access: "usage:read",
  query: z.strictObject({ from: z.iso.date(), to: z.iso.date() }).partial(),
  async handle({ deps, app, query }) {
    const to = query.to ?? dayOf(deps.clock.now());
    const from = query.from ?? dayOf(Date.parse(to) - 29 * DAY_MS);
    if ((Date.parse(to) - Date.parse(from)) / DAY_MS >= DAYS_MAX) {
      throw new AppError("invalid_request", "The range is too long.", {
        errors: [{ path: "from", message: `must be less than ${DAYS_MAX} days before to` }],
      });
    }
    return ok({ data: await listUsage(app, from, to) });
  },
});

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
