/**
 * Planned faults. A plan selects calls by service, method and resource and says how they fail. The servers
 * and the deliverers (Pub/Sub push, task dispatch, mail) consult the plans once per call.
 */
export type FaultKind =
  /** Fails before anything is applied. */
  | "before"
  /** Applies, then reports failure: the caller can't know. */
  | "after"
  /** Never answers; the caller's deadline ends it. Nothing is applied. */
  | "hang"
  /** Is applied and answers `ms` late, or once `until` is fulfilled. */
  | "slow"
  /** Is applied once `until` is fulfilled. */
  | "held"
  /** Drops the connection without an answer. Nothing is applied. */
  | "drop"
  /** Is applied or delivered twice; the second outcome is answered. */
  | "twice";

export interface FaultPlan {
  /** "firestore", "pubsub", "tasks", "storage", "mail", "model" … */
  readonly service: string;
  /** The RPC's name ("Commit"), or "Push", "Dispatch", "Send" for deliveries; "*" for all. */
  readonly method: string;
  /** Only calls whose resource (project, document, topic, queue …) contains this text. */
  readonly match?: string | undefined;
  /** How many matching calls to let pass first. Default 0. */
  readonly skip?: number | undefined;
  /** How many calls to affect. Default 1. */
  readonly count?: number | undefined;
  readonly kind: FaultKind;
  /** The gRPC status (name) of "before" and "after". Default UNAVAILABLE. */
  readonly code?: string | undefined;
  /** For "slow": how late, in milliseconds. */
  readonly ms?: number | undefined;
  /** For "held", and for "slow" in place of `ms`. Only tests in the suite's own process can give one. */
  readonly until?: Promise<void> | undefined;
}

export interface Fault {
  readonly kind: FaultKind;
  readonly code: string;
  readonly ms: number;
  readonly until?: Promise<void> | undefined;
}

export interface Faults {
  add(plan: FaultPlan): void;
  /** Forgets all plans, or those whose `match` is the given text. */
  clear(match?: string): void;
  /** The fault for this call, if there is one. Each query consumes a fault, so query once per call. */
  take(service: string, method: string, resource: string): Fault | undefined;
}

interface Pending {
  readonly plan: FaultPlan;
  skip: number;
  count: number;
}

export function createFaults(): Faults {
  let pending: Pending[] = [];
  return {
    add(plan) {
      pending.push({ plan, skip: plan.skip ?? 0, count: plan.count ?? 1 });
    },
    clear(match) {
      pending = match === undefined ? [] : pending.filter((entry) => entry.plan.match !== match);
    },
    take(service, method, resource) {
      if (pending.length === 0) return undefined;
      for (const entry of pending) {
        const { plan } = entry;
        if (plan.service !== service || (plan.method !== "*" && plan.method !== method)) continue;
        if (plan.match !== undefined && !resource.includes(plan.match)) continue;
        if (entry.skip > 0) {
          entry.skip -= 1;
          continue;
        }
        entry.count -= 1;
        if (entry.count <= 0) pending = pending.filter((other) => other !== entry);
        return { kind: plan.kind, code: plan.code ?? "UNAVAILABLE", ms: plan.ms ?? 0, until: plan.until };
      }
      return undefined;
    },
  };
}
