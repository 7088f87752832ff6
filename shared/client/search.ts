import type { z } from "zod";
import type { Message as MessageContract } from "../chat/contract.ts";
import type { searchPageOf } from "../search/contract.ts";
import type { Api } from "./api.ts";
import { coalesce, createEmitter, type Emitter } from "./emitter.ts";
import type { Environment } from "./environment.ts";

export type SearchPage = z.infer<ReturnType<typeof searchPageOf<typeof MessageContract>>>;
export type Hit = SearchPage["data"][number];

export interface SearchAsked {
  readonly text: string;
  /** Only in this chat; undefined: in all of the person's. */
  readonly chat?: number | undefined;
}

/** A search as one types: asked when there is a pause in the typing, and what is outdated is called off. */
export interface Search extends Emitter<{ change: undefined }> {
  /** What the hits are of; earlier ones stay until then. */
  readonly asked: SearchAsked;
  readonly hits: readonly Hit[];
  readonly hasMore: boolean;
  /** There may be more than was found: the index could not be asked, or is behind. */
  readonly isPartial: boolean;
  readonly isSearching: boolean;
  /** Why there are no hits, when that is for a failure. */
  readonly error: unknown;
  ask(asked: SearchAsked): void;
  /** The next page of hits. @throws ApiError */
  loadMore(): Promise<void>;
  close(): void;
}

/** A pause in typing: few people type slower than this within a word, and nobody feels it as waiting. */
export const PAUSE_MS = 120;
const LIMIT = 20;

export interface SearchOptions {
  readonly env: Pick<Environment, "after">;
  readonly api: Api;
}

const NOTHING = { data: [], hasMore: false, next: null, partial: false } as const;
type Found = Pick<SearchPage, "data" | "hasMore" | "next" | "partial"> | typeof NOTHING;

export function createSearch({ env, api }: SearchOptions): Search {
  const emitter = createEmitter<{ change: undefined }>();
  const onChange = coalesce(() => emitter.emit("change", undefined));
  let asked: SearchAsked = { text: "" };
  let found: Found = NOTHING;
  let error: unknown;
  let isSearching = false;
  let turn = new AbortController();
  let cancel = (): void => undefined;

  const read = (of: SearchAsked, cursor: string | null, signal: AbortSignal): Promise<SearchPage> => {
    const query = new URLSearchParams({ q: of.text, limit: String(LIMIT) });
    if (of.chat !== undefined) query.set("chat", String(of.chat));
    if (cursor !== null) query.set("cursor", cursor);
    return api.get<SearchPage>(`/search?${query.toString()}`, { signal });
  };

  const run = async (next: SearchAsked, signal: AbortSignal): Promise<void> => {
    let outcome: { readonly found: Found; readonly error?: unknown };
    try {
      outcome = { found: await read(next, null, signal) };
    } catch (cause) {
      outcome = { found: NOTHING, error: cause };
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
    get hits() {
      return found.data;
    },
    get hasMore() {
      return found.hasMore;
    },
    get isPartial() {
      return found.partial;
    },
    get isSearching() {
      return isSearching;
    },
    get error() {
      return error;
    },
    ask({ text, chat }) {
      callOff();
      const next = { text: text.trim(), chat };
      isSearching = next.text !== "";
      if (isSearching) {
        const { signal } = turn;
        cancel = env.after(PAUSE_MS, () => void run(next, signal));
      } else {
        asked = next;
        found = NOTHING;
        error = undefined;
      }
      onChange();
    },
    async loadMore() {
      const { next, data } = found;
      if (next === null || isSearching) return;
      const { signal } = turn;
      const page = await read(asked, next, signal);
      if (signal.aborted || found.next !== next) return;
      found = { ...page, data: [...data, ...page.data], partial: found.partial || page.partial };
      onChange();
    },
    close: callOff,
  };
}
