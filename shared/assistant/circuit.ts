import { storedAs } from "../platform/stored.ts";
import type { Timestamp } from "../platform/firestore-values.ts";

/** What all instances know of a model that fails, or did. */
export interface StoredCircuit {
  readonly model: string;
  /** The host of the provider. */
  readonly provider: string;
  /**
   * Failed calls of late, each with how many calls the instance that tells of it has made since it last did.
   */
  readonly failures: readonly { readonly atMs: number; readonly calls: number }[];
  /** Nobody asks the model until then; null while it works. */
  readonly openUntilMs: number | null;
  /** How often it has opened without having worked in between: each time it stays open for longer. */
  readonly openings: number;
  /** Until when somebody is trying whether it works again. */
  readonly probeUntilMs: number | null;
  /** Which opening or closing this is: a call that began before the last one says nothing of now. */
  readonly turn: number;
  readonly recordedAt?: Timestamp;
}
export const storedCircuit = storedAs<StoredCircuit>();

/** When a circuit opens, and for how long. */
export interface CircuitLimits {
  /** So many failures within the window, of all instances together, … */
  readonly failuresMax: number;
  readonly windowMs: number;
  /** … that are at least this part of all calls. */
  readonly failedShare: number;
  readonly openMs: number;
  readonly openMsMax: number;
}

/** A probe that has not ended by then is taken for lost. */
export const PROBE_MS = 60_000;

export type CircuitState = "closed" | "open" | "half-open";

export const newCircuit = (model: string, provider: string): StoredCircuit => ({
  model,
  provider,
  failures: [],
  openUntilMs: null,
  openings: 0,
  probeUntilMs: null,
  turn: 0,
});

/** Half-open: somebody may try, or is trying. Pure. */
export function stateOf({ openUntilMs }: StoredCircuit, nowMs: number): CircuitState {
  if (openUntilMs === null) return "closed";
  return openUntilMs > nowMs ? "open" : "half-open";
}

/** Whether it has failed of late, so that the next call asks how it stands first. Pure. */
export const isTroubled = (circuit: StoredCircuit, nowMs: number, { windowMs }: CircuitLimits): boolean =>
  circuit.openUntilMs !== null || circuit.failures.some(({ atMs }) => atMs > nowMs - windowMs);

/** Pure. `calls`: made by this instance since it last told of a failure, the failed one included. */
export function afterFailure(
  circuit: StoredCircuit,
  { nowMs, calls, turn }: { readonly nowMs: number; readonly calls: number; readonly turn: number },
  limits: CircuitLimits,
): StoredCircuit {
  // It has opened or closed since the call began.
  if (turn !== circuit.turn || stateOf(circuit, nowMs) === "open") return circuit;
  if (circuit.openUntilMs !== null) return opened(circuit, nowMs, limits);
  const recent = circuit.failures.filter(({ atMs }) => atMs > nowMs - limits.windowMs);
  const failures = [...recent, { atMs: nowMs, calls }];
  const made = failures.reduce((sum, each) => sum + each.calls, 0);
  const isDown = failures.length >= limits.failuresMax && failures.length >= made * limits.failedShare;
  if (isDown) return opened(circuit, nowMs, limits);
  // A model that is asked a thousand times a second and fails now and then must not fill the document.
  return { ...circuit, failures: failures.slice(-limits.failuresMax) };
}

function opened(circuit: StoredCircuit, nowMs: number, limits: CircuitLimits): StoredCircuit {
  const openMs = Math.min(limits.openMs * 2 ** circuit.openings, limits.openMsMax);
  return {
    ...circuit,
    failures: [],
    openUntilMs: nowMs + openMs,
    openings: Math.min(circuit.openings + 1, 20),
    probeUntilMs: null,
    turn: circuit.turn + 1,
  };
}

/** Open until then at least, as the provider asks; its failures are forgotten. Pure. */
export function held(circuit: StoredCircuit, untilMs: number, nowMs: number): StoredCircuit {
  if (untilMs <= Math.max(nowMs, circuit.openUntilMs ?? 0)) return circuit;
  return { ...circuit, failures: [], openUntilMs: untilMs, probeUntilMs: null, turn: circuit.turn + 1 };
}

/** It works again. Pure. */
export const closed = (circuit: StoredCircuit): StoredCircuit => ({
  ...circuit,
  failures: [],
  openUntilMs: null,
  openings: 0,
  probeUntilMs: null,
  turn: circuit.turn + 1,
});
