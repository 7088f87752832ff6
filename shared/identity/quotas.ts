import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { DocumentReference } from "../platform/firestore.ts";
import type { App } from "./app.ts";
import type { AppDirectory } from "./app-directory.ts";
import { type Caller, limitedAddress } from "./caller.ts";
import { type AppSettings, DEFAULT_SETTINGS } from "./contract.ts";
import type { Principal } from "./principal.ts";
import { openRateLimiter, type Verdict } from "./rate-limiter.ts";
import type { CodeAsker } from "./sign-in-code.ts";

/** What a limit said of a request. */
export interface Quota extends Verdict {
  readonly policy: Policy;
  readonly limit: number;
}

export type Policy = "person" | "token" | "ip" | "sign-in" | "address" | "app";

/**
 * Which limit counts which request: a person and an API token have one each. The caller's IP address is
 * counted where nobody has been proved, at sign-in and on refused credentials: many honest people share an
 * address, and each has a limit of their own. What an app's people and tokens ask for together is counted
 * besides. The operator has no limit.
 */
export interface Quotas {
  /** Undefined where no limit applies. @throws AppError `not_found`, `unavailable` */
  take(request: {
    readonly app: App | undefined;
    /** Undefined when the credentials were refused, or none are needed. */
    readonly principal: Principal | undefined;
    readonly isRefused: boolean;
    readonly caller: Caller;
    readonly isSignIn: boolean;
    /** How many requests it counts as; 1 by default. */
    readonly weight?: number;
  }): Promise<Quota | undefined>;
  /** For a code to be mailed to this address by the wish of this asker: strangers can't use up another's. */
  takeForAddress(app: App, asker: Pick<CodeAsker, "address" | "source">): Promise<Quota | undefined>;
}

export function openQuotas(deps: Deps, apps: AppDirectory): Quotas {
  const limiter = openRateLimiter(deps);

  const take = async (
    policy: Policy,
    limit: number | null,
    ref: DocumentReference,
    weight = 1,
  ): Promise<Quota | undefined> =>
    limit === null ? undefined : { ...(await limiter.take(ref, limit, weight)), policy, limit };

  const refIn = (app: App | undefined, policy: Policy, name: string): DocumentReference => {
    const id = `${policy}_${deps.keys.mac("limit", app?.id ?? "", policy, name)}`;
    return app === undefined
      ? deps.firestore.collection("system").doc("limits").collection("limits").doc(id)
      : app.collection("limits").doc(id);
  };

  /** Requests to apps that do not exist are counted outside of any app. */
  const settingsFor = async (app: App, isProved: boolean): Promise<AppSettings | undefined> => {
    try {
      return await apps.settingsOf(app);
    } catch (cause) {
      if (!isProved && cause instanceof AppError && cause.code === "not_found") return undefined;
      throw cause;
    }
  };

  const takeOwn = (
    app: App,
    principal: Principal,
    limits: AppSettings["limits"],
    weight: number,
  ): Promise<Quota | undefined> => {
    if (principal.kind === "service") {
      return take("token", limits.tokenPerMinute, refIn(app, "token", principal.id), weight);
    }
    const ofRole = principal.role === "service" ? undefined : limits.roles[principal.role];
    const limit = ofRole === undefined ? limits.personPerMinute : ofRole;
    return take("person", limit, refIn(app, "person", principal.id), weight);
  };

  return {
    async take({ app, principal, isRefused, caller, isSignIn, weight = 1 }) {
      if (principal?.kind === "operator") return undefined;
      const address = limitedAddress(caller.ip);
      if (app === undefined) {
        // Open routes outside apps (keys, problems, health) cost nothing that would need a limit.
        if (!isRefused) return undefined;
        return take("ip", DEFAULT_SETTINGS.limits.ipPerMinute, refIn(undefined, "ip", address));
      }
      const settings = await settingsFor(app, principal !== undefined);
      // Absent apps are remembered, and their callers counted in memory (functions/runtime/gate.ts).
      if (settings === undefined) return undefined;
      const { limits } = settings;
      if (principal === undefined) {
        const policy = isSignIn ? "sign-in" : "ip";
        const limit = isSignIn ? limits.signInPerMinute : limits.ipPerMinute;
        return take(policy, limit, refIn(app, policy, address));
      }
      const own = await takeOwn(app, principal, limits, weight);
      // Who is refused by their own limit takes nothing from the others'.
      if (own?.isAdmitted === false) return own;
      const all = await take("app", limits.appPerMinute, refIn(app, "app", ""), weight);
      return all?.isAdmitted === false ? all : own;
    },
    async takeForAddress(app, { address, source }) {
      const { limits } = await apps.settingsOf(app);
      return take("address", limits.codesPerMinute, refIn(app, "address", `${address} ${source}`));
    },
  };
}
