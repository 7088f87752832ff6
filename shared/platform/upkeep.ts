import { randomBytes } from "node:crypto";
import type { Config } from "./config.ts";
import { runInContext } from "./context.ts";

/**
 * What an instance does for itself and not for a request: following lists, renewing what it remembers.
 * Its calls carry an id of their own in place of the request that happened to set them off, so that no
 * request is charged with them, in logs and in budgets.
 */
export interface Upkeep {
  run<T>(work: () => T): T;
  /**
   * Has `heed` called when the instance is told to end, or at once when it has been told already. What it
   * returns is waited for before the clients are closed. Returns the end of that.
   */
  onEnding(heed: () => unknown): () => void;
  readonly isEnding: boolean;
  /** Tells all of them that the instance ends; resolves when what they return has settled. Never throws. */
  end(): Promise<void>;
  /** Has `stop` called when the instance closes its clients. */
  onClose(stop: () => void): void;
  /** Stops all, and resolves when nothing that was run is under way any more. */
  close(): Promise<void>;
}

/** The id that calls of upkeep carry as their request's. */
export const upkeepId = (projectId: string): string => `upkeep-${projectId}`;

export function createUpkeep(config: Pick<Config, "projectId">): Upkeep {
  const stops: (() => void)[] = [];
  const requestId = upkeepId(config.projectId);
  const trace = randomBytes(24).toString("hex");
  const traceparent = `00-${trace.slice(0, 32)}-${trace.slice(32)}-00`;
  const underWay = new Set<Promise<unknown>>();
  const heeders = new Set<() => unknown>();
  const endings: unknown[] = [];
  let isEnding = false;
  return {
    onEnding(heed) {
      if (isEnding) endings.push(heed());
      else heeders.add(heed);
      return () => void heeders.delete(heed);
    },
    get isEnding() {
      return isEnding;
    },
    async end() {
      isEnding = true;
      for (const heed of heeders) endings.push(heed());
      heeders.clear();
      while (endings.length > 0) await Promise.allSettled(endings.splice(0));
    },
    run(work) {
      const result = runInContext({ requestId, traceparent }, work);
      if (result instanceof Promise) {
        const settled: Promise<unknown> = result
          .catch(() => undefined)
          .finally(() => underWay.delete(settled));
        underWay.add(settled);
      }
      return result;
    },
    onClose: (stop) => void stops.push(stop),
    async close() {
      for (const stop of stops.splice(0)) stop();
      await Promise.all(underWay);
    },
  };
}
