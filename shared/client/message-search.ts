import type { Message } from "../chat/contract.ts";
import type { Hit, HitPage } from "../search/contract.ts";
import type { Api } from "./api.ts";
import { createEmitter, type Emitter } from "./emitter.ts";
import { type Environment, pause } from "./environment.ts";

export type MessageHit = Hit<Message>;

/** Which messages are looked through; all of the person's chats when nothing is said. */
export interface SearchFilter {
  readonly chat?: number;
  readonly sender?: string;
  readonly tag?: string;
  /** RFC 3339. */
  readonly from?: string;
  readonly to?: string;
}

/** A search as somebody types: it always shows what was found for what was asked last. */
export interface MessageSearch extends Emitter<{ change: undefined }> {
  readonly query: string;
  readonly hits: readonly MessageHit[];
  /** There may be more: the server could not look everywhere. */
  readonly isPartial: boolean;
  readonly isSearching: boolean;
  readonly hasMore: boolean;
  /** Why nothing could be found out. */
  readonly error: unknown;
  /** Looks for something else; asks when nothing else has been typed for TYPING_PAUSE_MS. */
  type(query: string): void;
  /** The next page. @throws ApiError */
  loadMore(): Promise<void>;
  close(): void;
}

/** Who types goes on within this; so a word costs a search or two and not one for each letter. */
export const TYPING_PAUSE_MS = 150;

export interface MessageSearchOptions {
  readonly env: Pick<Environment, "after">;
  readonly api: Pick<Api, "get">;
  readonly filter: SearchFilter;
}

interface Shown {
  readonly hits: readonly MessageHit[];
  readonly isPartial: boolean;
  readonly next: string | null;
  readonly error?: unknown;
}

const NOTHING: Shown = { hits: [], isPartial: false, next: null };

export function createMessageSearch({ env, api, filter }: MessageSearchOptions): MessageSearch {
  const emitter = createEmitter<{ change: undefined }>();
  let query = "";
  let shown = NOTHING;
  /** Of what is being asked; calls it off. */
  let asking: AbortController | undefined;

  const read = (cursor: string | undefined, signal: AbortSignal): Promise<HitPage<Message>> => {
    const parameters = new URLSearchParams({ q: query });
    for (const [name, value] of Object.entries({ ...filter, cursor })) {
      if (value !== undefined) parameters.set(name, String(value));
    }
    return api.get<HitPage<Message>>(`/search?${parameters.toString()}`, { signal });
  };

  /** Undefined once something else is asked, or nothing any more. */
  const ask = async (afterMs: number, cursor?: string): Promise<HitPage<Message> | undefined> => {
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    emitter.emit("change", undefined);
    try {
      if (afterMs > 0) await pause(env, afterMs, mine.signal);
      if (mine.signal.aborted) return undefined;
      const page = await read(cursor, mine.signal);
      return mine.signal.aborted ? undefined : page;
    } catch (cause) {
      if (mine.signal.aborted) return undefined;
      throw cause;
    } finally {
      if (asking === mine) asking = undefined;
    }
  };

  const show = (next: Shown): void => {
    shown = next;
    emitter.emit("change", undefined);
  };

  return {
    on: emitter.on,
    get query() {
      return query;
    },
    get hits() {
      return shown.hits;
    },
    get isPartial() {
      return shown.isPartial;
    },
    get isSearching() {
      return asking !== undefined;
    },
    get hasMore() {
      return shown.next !== null;
    },
    get error() {
      return shown.error;
    },
    type(text) {
      if (text.trim() === query.trim()) return;
      query = text;
      if (text.trim() === "") {
        asking?.abort();
        asking = undefined;
        show(NOTHING);
        return;
      }
      ask(TYPING_PAUSE_MS).then(
        (page) => {
          if (page !== undefined) show({ hits: page.data, isPartial: page.partial, next: page.next });
        },
        (error: unknown) => show({ ...NOTHING, error }),
      );
    },
    async loadMore() {
      if (shown.next === null || asking !== undefined) return;
      const page = await ask(0, shown.next);
      if (page === undefined) return;
      const isPartial = shown.isPartial || page.partial;
      show({ hits: [...shown.hits, ...page.data], isPartial, next: page.next });
    },
    close() {
      asking?.abort();
      asking = undefined;
    },
  };
}
