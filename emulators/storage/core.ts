import type { Kernel } from "../kernel/kernel.ts";
import type { Blobs } from "./blobs.ts";
import { noSuchBucket } from "./failure.ts";
import type { Announce } from "./notifications.ts";
import type { StorageState, StoredBucket } from "./state.ts";

/** What every handler works with. */
export interface StorageCore {
  readonly kernel: Kernel;
  readonly state: StorageState;
  readonly blobs: Blobs;
  /** Announces a change, inside the transaction that makes it. */
  readonly announce: Announce;
  /** Call inside `database.write`: the next generation, larger than all before. */
  nextGeneration(): number;
  /** Removes blobs that nothing refers to any more; call once the change is on disk. */
  release(blobs: readonly string[]): Promise<void>;
}

/** Generations are microseconds, as the service's look; two in one millisecond are told apart by counting. */
export function createGenerations(state: StorageState, now: () => number): () => number {
  let last = state.lastGeneration();
  return () => {
    last = Math.max(last + 1, Math.floor(now()) * 1000);
    return last;
  };
}

export function createRelease(state: StorageState, blobs: Blobs): StorageCore["release"] {
  return async (ids) => {
    for (const id of ids) if (id !== "" && !state.isReferenced(id)) await blobs.remove(id);
  };
}

export function accessBucket(core: StorageCore, name: string): StoredBucket {
  const bucket = core.state.bucket(name);
  if (bucket === undefined) throw noSuchBucket();
  return bucket;
}
