import type { IncomingHttpHeaders } from "node:http";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { functionUrl } from "../../shared/platform/config.ts";
import type { Deps } from "../../shared/platform/deps.ts";
import { AppError } from "../../shared/platform/errors.ts";

/** @throws AppError `unauthenticated` unless the caller proves to be our own invoker */
export type CallerCheck = (headers: IncomingHttpHeaders) => Promise<void>;

const JWKS_MS_MAX = 5_000;
/** A queue presents one token for many deliveries; its signature is checked once. */
const TRUSTED_MAX = 100;
const CLOCK_TOLERANCE_SECONDS = 60;

/**
 * Pushes, tasks and schedules carry an OpenID Connect token of the invoker's service account, made out
 * for this function. The platform checks it too; a function that is made public by mistake stays shut.
 */
export function openCallerCheck(deps: Deps, name: string): CallerCheck {
  const { config, clock } = deps;
  const keys = createRemoteJWKSet(new URL(config.oidcJwksUrl), { timeoutDuration: JWKS_MS_MAX });
  const audience = functionUrl(config.functionsUrl, name);
  const trustedUntilMs = new Map<string, number>();
  return async (headers) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(headers.authorization ?? "")?.[1];
    if (token === undefined) throw new AppError("unauthenticated", "This function is called by queues only.");
    if ((trustedUntilMs.get(token) ?? 0) > clock.now()) return;
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ["RS256"],
        issuer: config.oidcIssuer,
        audience,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(clock.now()),
      });
      if (payload.email !== config.invokerEmail || payload.email_verified !== true) {
        throw new AppError("unauthenticated", "The token is not the invoker's.");
      }
      if (trustedUntilMs.size >= TRUSTED_MAX) trustedUntilMs.clear();
      trustedUntilMs.set(token, (payload.exp ?? 0) * 1000);
    } catch (cause) {
      if (!(cause instanceof errors.JOSEError) || cause instanceof errors.JWKSTimeout) throw cause;
      throw new AppError("unauthenticated", "The token is not valid for this function.", {}, { cause });
    }
  };
}
