import { coalesce, createEmitter, type Emitter } from "./emitter.ts";
import type { Environment } from "./environment.ts";

/** A page of what was found. */
export interface FoundPage<Item> {
  readonly data: readonly Item[];
  readonly hasMore: boolean;
  readonly next: string | null;
}

/** A search as one types: asked when there is a pause in the typing, and what is outdated is called off. */
export interface AsYouType<Asked, Found> extends Emitter<{ change: undefined }> {
  /** What the found is of; the earlier stays until then. */
  readonly asked: Asked;
  readonly found: Found;
  readonly isSearching: boolean;
  /** Why there is nothing, when that is for a failure. */
  readonly error: unknown;
  ask(asked: Asked): void;
  /** The next page. @throws ApiError */
  loadMore(): Promise<void>;
  close(): void;
}

/** A pause in typing: few people type slower than this within a word, and nobody feels it as waiting. */
export const PAUSE_MS = 120;

export interface AsYouTypeOptions<Asked, Found> {
  readonly env: Pick<Environment, "after">;
  readonly nothing: Found;
  readonly asked: Asked;
  /** For how long it waits before it asks; undefined where there is nothing to ask. */
  waitMs(asked: Asked): number | undefined;
  read(asked: Asked, cursor: string | null, signal: AbortSignal): Promise<Found>;
  /** Both pages as one. */
  join(found: Found, page: Found): Found;
}

export function createAsYouType<Asked, Found extends FoundPage<unknown>>(
  options: AsYouTypeOptions<Asked, Found>,
): AsYouType<Asked, Found> {
  const { env, nothing, waitMs, read, join } = options;
  const emitter = createEmitter<{ change: undefined }>();
  const onChange = coalesce(() => emitter.emit("change", undefined));
  let { asked } = options;
  let found = nothing;
  let error: unknown;
  let isSearching = false;
  let turn = new AbortController();
  let cancel = (): void => undefined;

  const run = async (next: Asked, signal: AbortSignal): Promise<void> => {
    let outcome: { readonly found: Found; readonly error?: unknown };
    try {
      outcome = { found: await read(next, null, signal) };
    } catch (cause) {
      outcome = { found: nothing, error: cause };
    }
    if (signal.aborted) return;
    ({ found, error } = { error: undefined, ...outcome });
    asked = next;
    isSearching = false;
    onChange();
  };

  const callOff = (): void => {
    cancel();
    turn.abort();
    turn = new AbortController();
  };

  return {
    on: emitter.on,
    get asked() {
      return asked;
    },
    get found() {
      return found;
    },
    get isSearching() {
      return isSearching;
    },
    get error() {
      return error;
    },
    ask(next) {
      callOff();
      const ms = waitMs(next);
      isSearching = ms !== undefined;
      if (ms === undefined) {
        asked = next;
        found = nothing;
        error = undefined;
      } else {
        const { signal } = turn;
        cancel = env.after(ms, () => void run(next, signal));
      }
      onChange();
    },
    async loadMore() {
      const { next } = found;
      if (next === null || isSearching) return;
      const { signal } = turn;
      const page = await read(asked, next, signal);
      if (signal.aborted || found.next !== next) return;
      found = join(found, page);
      onChange();
    },
    close: callOff,
  };
}
