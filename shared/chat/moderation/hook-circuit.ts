import type { Clock } from "../../platform/clock.ts";

/** So many failures in a row and a hook is left alone for CIRCUIT_OPEN_MS; then one call tries it. */
export const CIRCUIT_FAILURES = 5;
export const CIRCUIT_OPEN_MS = 30_000;
/** Calls of one app that wait for its hook at one instance: a slow hook is not to take all of it. */
export const HOOK_CALLS_MAX = 20;
const APPS_MAX = 10_000;

/** What an instance knows of the apps' hooks that fail. */
export interface HookCircuits {
  /**
   * Begins a call, unless the hook is to be left alone. Tell how it went. What is known of an app's hook at
   * another address is forgotten.
   */
  begin(app: string, url: string): { end(isGood: boolean): void } | undefined;
}

interface Circuit {
  readonly url: string;
  failures: number;
  openUntilMs: number;
  calls: number;
}

export function createHookCircuits(clock: Clock): HookCircuits {
  const circuits = new Map<string, Circuit>();
  const of = (app: string, url: string): Circuit => {
    const known = circuits.get(app);
    if (known?.url === url) return known;
    const fresh = { url, failures: 0, openUntilMs: 0, calls: 0 };
    if (circuits.size >= APPS_MAX) circuits.clear();
    circuits.set(app, fresh);
    return fresh;
  };
  return {
    begin(app, url) {
      const circuit = of(app, url);
      const isHalfOpen = circuit.failures >= CIRCUIT_FAILURES;
      if (circuit.calls >= (isHalfOpen ? 1 : HOOK_CALLS_MAX)) return undefined;
      if (isHalfOpen && clock.now() < circuit.openUntilMs) return undefined;
      circuit.calls += 1;
      return {
        end(isGood) {
          circuit.calls -= 1;
          circuit.failures = isGood ? 0 : circuit.failures + 1;
          if (circuit.failures >= CIRCUIT_FAILURES) circuit.openUntilMs = clock.now() + CIRCUIT_OPEN_MS;
        },
      };
    },
  };
}
