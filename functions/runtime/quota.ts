import type { Quota } from "../../shared/identity/quotas.ts";
import { WINDOW_MS } from "../../shared/identity/rate-limit.ts";
import type { Deps } from "../../shared/platform/deps.ts";
import { AppError } from "../../shared/platform/errors.ts";

/** @throws AppError `quota_exceeded` */
export function demandQuota(quota: Quota | undefined): void {
  if (quota === undefined || quota.isAdmitted) return;
  throw new AppError("quota_exceeded", "Too many requests; try again later.", {
    retryAfterSeconds: quota.resetSeconds,
    violatedPolicies: [quota.policy],
  });
}

/** The fields of the IETF draft, and those that clients before it look for. */
export function quotaHeaders(deps: Pick<Deps, "clock">, quota: Quota | undefined): Record<string, string> {
  if (quota === undefined) return {};
  const { policy, limit, remaining, resetSeconds } = quota;
  return {
    "ratelimit-policy": `"${policy}";q=${limit};w=${WINDOW_MS / 1000}`,
    ratelimit: `"${policy}";r=${remaining};t=${resetSeconds}`,
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-reset": String(Math.ceil(deps.clock.now() / 1000) + resetSeconds),
  };
}
