import CircuitBreaker from "opossum";
import type { Deps } from "../platform/deps.ts";
import type { Firestore } from "../platform/firestore.ts";
import { FieldValue } from "../platform/firestore-values.ts";
import { follow, wholeIndex } from "../platform/follow.ts";
import { derivedId } from "../platform/ids.ts";
import { ModelFailure } from "../platform/models/contract.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import {
  afterFailure,
  closed,
  held,
  isTroubled,
  newCircuit,
  PROBE_MS,
  type StoredCircuit,
  stateOf,
  storedCircuit,
} from "./circuit.ts";
import type { CircuitView } from "./contract.ts";

/**
 * A circuit breaker for each model of the provider, shared by all instances. Within an instance opossum
 * counts and refuses; what instances know together stands in a document for each model, which exists once the
 * model has failed. While all is well a call costs no Firestore operation. A failure costs 1 read and 1
 * write; a call to a model that has failed of late 1 read; a probe 2 reads and 2 writes; a refusal nothing.
 */
export interface Circuits {
  /**
   * Whether a call would be refused, as far as is known here. Costs nothing but, once an instance, 1 query.
   */
  isOpen(model: string): Promise<boolean>;
  /**
   * Calls the model, unless its circuit is open. One caller at a time tries whether an open one works again.
   * @throws what the call throws; a ModelFailure that is the provider's counts against the model
   */
  run<T>(
    model: string,
    call: () => Promise<T>,
  ): Promise<{ readonly isRefused: true } | { readonly isRefused: false; readonly value: T }>;
  /**
   * Opens the circuit until then, for all instances: the provider has asked not to be called before. 1 read
   * and 1 write.
   */
  hold(model: string, untilMs: number): Promise<void>;
  /** When the first of these may be tried again, at the latest known; now when one is closed. */
  retryAtMs(models: readonly string[]): Promise<number>;
  /** Every model that has failed since the deployment began. */
  list(): Promise<CircuitView[]>;
}

const circuitsOf = (firestore: Firestore) =>
  firestore.collection("system").doc("breakers").collection("models");
/** How old the list may be: while the listener lives, changes are here in milliseconds. */
const STALE_MS_MAX = 5 * 60_000;

export function openCircuits(
  deps: Pick<Deps, "firestore" | "clock" | "log" | "upkeep" | "config">,
): Circuits {
  const { firestore, clock, log, config } = deps;
  const limits = config.circuit;
  const provider = new URL(config.modelBaseUrl).host;
  const entries = circuitsOf(firestore);
  const refOf = (model: string) => entries.doc(derivedId("circuit", provider, model));
  const index = wholeIndex((documents) => {
    const circuits = documents.map((document) => storedCircuit(document));
    return new Map(circuits.filter((each) => each.provider === provider).map((each) => [each.model, each]));
  });
  const followed = follow(deps, entries, entries, index);

  /** An instance that can't read the list decides by what it has seen itself. */
  const known = async (model: string): Promise<StoredCircuit | undefined> => {
    try {
      return (await followed.read(STALE_MS_MAX)).get(model);
    } catch (cause) {
      log.error("The circuits of other instances are not known.", cause);
      return undefined;
    }
  };

  const locals = new Map<string, Local>();
  deps.upkeep.onClose(() => {
    for (const { breaker } of locals.values()) breaker.shutdown();
  });
  /** The shared state has precedence. When it changes, this instance begins its own count anew. */
  const localOf = (model: string, turn: number): Local => {
    const local = locals.get(model);
    if (local?.turn === turn) return local;
    local?.breaker.shutdown();
    const next = { breaker: newBreaker(limits), calls: 0, sinceMs: clock.now(), turn };
    locals.set(model, next);
    return next;
  };

  /**
   * Moves the shared state and returns it. A failure is ignored, since the instance's own breaker still
   * counts.
   */
  const change = async (
    model: string,
    decide: (circuit: StoredCircuit) => StoredCircuit,
  ): Promise<{ before: StoredCircuit; after: StoredCircuit } | undefined> => {
    const ref = refOf(model);
    try {
      return await within(
        READ_MS_MAX,
        firestore.runTransaction(async (transaction) => {
          const found = await transaction.get(ref);
          const before = storedCircuit(found) ?? newCircuit(model, provider);
          const after = decide(before);
          if (after !== before) {
            transaction.set(ref, { ...after, recordedAt: FieldValue.serverTimestamp() });
          }
          return { before, after };
        }),
      );
    } catch (cause) {
      log.error("What a model does could not be told to other instances.", cause, { model });
      return undefined;
    }
  };

  const tellFailure = async (model: string, local: Local, turn: number): Promise<void> => {
    const calls = local.calls;
    local.calls = 0;
    const told = { nowMs: clock.now(), calls, turn };
    const changed = await change(model, (circuit) => afterFailure(circuit, told, limits));
    if (changed === undefined || changed.before.turn === changed.after.turn) return;
    log.write("ERROR", "A model is not asked for a while, as it fails.", {
      event: "breaker.opened",
      model,
      provider,
      openMs: (changed.after.openUntilMs ?? 0) - told.nowMs,
      openings: changed.after.openings,
    });
  };

  const claimProbe = async (model: string): Promise<StoredCircuit | undefined> => {
    const nowMs = clock.now();
    let isOurs = false;
    const changed = await change(model, (circuit) => {
      isOurs = stateOf(circuit, nowMs) === "half-open" && (circuit.probeUntilMs ?? 0) <= nowMs;
      return isOurs ? { ...circuit, probeUntilMs: nowMs + PROBE_MS } : circuit;
    });
    return isOurs ? changed?.after : undefined;
  };

  const tellRecovery = async (model: string, turn: number): Promise<void> => {
    const changed = await change(model, (circuit) => (circuit.turn === turn ? closed(circuit) : circuit));
    if (changed === undefined || changed.before === changed.after) return;
    log.write("NOTICE", "A model answers again.", { event: "breaker.closed", model, provider });
  };

  return {
    async isOpen(model) {
      const circuit = await known(model);
      const isOpenHere = localOf(model, circuit?.turn ?? 0).breaker.opened;
      return isOpenHere || (circuit !== undefined && stateOf(circuit, clock.now()) === "open");
    },

    async run(model, call) {
      let circuit = await known(model);
      if (circuit !== undefined && stateOf(circuit, clock.now()) === "open") return { isRefused: true };
      if (circuit !== undefined && isTroubled(circuit, clock.now(), limits)) {
        circuit = await readCircuit(circuit, refOf(model), log);
      }
      const state = circuit === undefined ? "closed" : stateOf(circuit, clock.now());
      if (state === "open") return { isRefused: true };
      const probe = state === "half-open" ? await claimProbe(model) : undefined;
      if (state === "half-open" && probe === undefined) return { isRefused: true };
      const turn = (probe ?? circuit)?.turn ?? 0;
      const local = localOf(model, turn);
      if (probe !== undefined) local.breaker.close();
      if (clock.now() - local.sinceMs > limits.windowMs)
        Object.assign(local, { calls: 0, sinceMs: clock.now() });
      local.calls += 1;
      try {
        const value = (await local.breaker.fire(call)) as Awaited<ReturnType<typeof call>>;
        if (probe !== undefined) await tellRecovery(model, turn);
        return { isRefused: false, value };
      } catch (cause) {
        if (CircuitBreaker.isOurError(cause as Error)) return { isRefused: true };
        if (isModelsFault(cause)) await tellFailure(model, local, turn);
        throw cause;
      }
    },

    async hold(model, untilMs) {
      const changed = await change(model, (circuit) => held(circuit, untilMs, clock.now()));
      if (changed === undefined || changed.before === changed.after) return;
      log.write("WARNING", "A provider asks not to be called for a while.", {
        event: "breaker.held",
        model,
        provider,
        openMs: untilMs - clock.now(),
      });
    },

    async retryAtMs(models) {
      const circuits = await Promise.all(models.map(known));
      const times = circuits.map((circuit) =>
        Math.max(circuit?.openUntilMs ?? 0, circuit?.openUntilMs === null ? 0 : (circuit?.probeUntilMs ?? 0)),
      );
      return Math.max(clock.now(), Math.min(...times));
    },

    async list() {
      const circuits = [...(await followed.read(STALE_MS_MAX)).values()];
      return circuits.map((circuit) => ({
        model: circuit.model,
        provider: circuit.provider,
        state: stateOf(circuit, clock.now()),
        openUntil: circuit.openUntilMs === null ? null : new Date(circuit.openUntilMs).toISOString(),
      }));
    },
  };
}

interface Local {
  readonly breaker: CircuitBreaker;
  /**
   * Made since others were last told of a failure, or since `sinceMs`: what was long ago says nothing of now.
   */
  calls: number;
  sinceMs: number;
  readonly turn: number;
}

/** Opens by what one instance sees, which is what is left when Firestore is out of reach. */
const newBreaker = ({ failuresMax, windowMs, failedShare, openMs }: Deps["config"]["circuit"]) =>
  new CircuitBreaker((call: () => Promise<unknown>) => call(), {
    timeout: false,
    // The local breaker counts successes too; the shared circuit has to open before it.
    volumeThreshold: 2 * failuresMax,
    errorThresholdPercentage: failedShare * 100,
    rollingCountTimeout: windowMs,
    resetTimeout: openMs,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
    errorFilter: (cause) => !isModelsFault(cause),
  });

const isModelsFault = (cause: unknown): boolean =>
  cause instanceof ModelFailure && cause.owner === "provider";

/** As it is now. One read; when that fails, as it was. */
async function readCircuit(
  before: StoredCircuit,
  ref: ReturnType<ReturnType<typeof circuitsOf>["doc"]>,
  log: Deps["log"],
): Promise<StoredCircuit> {
  try {
    return storedCircuit(await within(READ_MS_MAX, ref.get())) ?? before;
  } catch (cause) {
    log.error("How a model stands could not be read.", cause);
    return before;
  }
}
