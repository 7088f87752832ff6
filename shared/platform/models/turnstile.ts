/** Lets so many in at the same time; the others wait in the order in which they came. */
export interface Turnstile {
  /** @throws the signal's reason when the caller no longer wants to */
  enter(signal: AbortSignal): Promise<void>;
  leave(): void;
}

export function createTurnstile(places: number): Turnstile {
  let free = places;
  const waiting = new Set<() => void>();
  return {
    async enter(signal) {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return;
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const giveUp = (): void => {
        waiting.delete(resolve);
        reject(signal.reason as Error);
      };
      waiting.add(resolve);
      signal.addEventListener("abort", giveUp, { once: true });
      await promise;
      signal.removeEventListener("abort", giveUp);
    },
    leave() {
      const [next] = waiting;
      if (next === undefined) free += 1;
      else {
        waiting.delete(next);
        next();
      }
    },
  };
}
