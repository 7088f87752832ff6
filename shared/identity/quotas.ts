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

/** References to limits' documents that are remembered: each is named by a keyed hash, in every request. */
const REFS_MAX = 10_000;

/** What a limit counts the requests of. */
interface Limited {
  readonly app: App | undefined;
  readonly policy: Policy;
  readonly name: string;
}

export function openQuotas(deps: Deps, apps: AppDirectory): Quotas {
  const limiter = openRateLimiter(deps);

  const take = async (limited: Limited, limit: number | null, weight = 1): Promise<Quota | undefined> =>
    limit === null
      ? undefined
      : { ...(await limiter.take(refOf(limited), limit, weight)), policy: limited.policy, limit };

  const refs = new Map<string, DocumentReference>();
  const refOf = ({ app, policy, name }: Limited): DocumentReference => {
    const key = JSON.stringify([app?.id, policy, name]);
    const known = refs.get(key);
    if (known !== undefined) return known;
    const id = `${policy}_${deps.keys.mac("limit", app?.id ?? "", policy, name)}`;
    const ref =
      app === undefined
        ? deps.firestore.collection("system").doc("limits").collection("limits").doc(id)
        : app.collection("limits").doc(id);
    if (refs.size >= REFS_MAX) refs.clear();
    refs.set(key, ref);
    return ref;
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
      return take({ app, policy: "token", name: principal.id }, limits.tokenPerMinute, weight);
    }
    const ofRole = principal.role === "service" ? undefined : limits.roles[principal.role];
    const limit = ofRole === undefined ? limits.personPerMinute : ofRole;
    return take({ app, policy: "person", name: principal.id }, limit, weight);
  };

  return {
    async take({ app, principal, isRefused, caller, isSignIn, weight = 1 }) {
      if (principal?.kind === "operator") return undefined;
      const address = limitedAddress(caller.ip);
      if (app === undefined) {
        // Open routes outside apps (keys, problems, health) cost nothing that would need a limit.
        if (!isRefused) return undefined;
        return take({ app, policy: "ip", name: address }, DEFAULT_SETTINGS.limits.ipPerMinute);
      }
      const settings = await settingsFor(app, principal !== undefined);
      // Absent apps are remembered, and their callers counted in memory (functions/runtime/gate.ts).
      if (settings === undefined) return undefined;
      const { limits } = settings;
      if (principal === undefined) {
        const policy = isSignIn ? "sign-in" : "ip";
        const limit = isSignIn ? limits.signInPerMinute : limits.ipPerMinute;
        return take({ app, policy, name: address }, limit);
      }
      const own = await takeOwn(app, principal, limits, weight);
      // Who is refused by their own limit takes nothing from the others'.
      if (own?.isAdmitted === false) return own;
      const all = await take({ app, policy: "app", name: "" }, limits.appPerMinute, weight);
      return all?.isAdmitted === false ? all : own;
    },
    async takeForAddress(app, { address, source }) {
      const { limits } = await apps.settingsOf(app);
      return take({ app, policy: "address", name: `${address} ${source}` }, limits.codesPerMinute);
    },
  };
}
