import type { z } from "zod";
import type { Message as MessageContract } from "../chat/contract.ts";
import type { searchPageOf } from "../search/contract.ts";
import type { Api } from "./api.ts";
import { type AsYouType, createAsYouType, PAUSE_MS } from "./as-you-type.ts";
import type { Environment } from "./environment.ts";

export type SearchPage = z.infer<ReturnType<typeof searchPageOf<typeof MessageContract>>>;
export type Hit = SearchPage["data"][number];

export interface SearchAsked {
  readonly text: string;
  /** Only in this chat; undefined: in all of the person's. */
  readonly chat?: number | undefined;
}

type Found = Pick<SearchPage, "data" | "hasMore" | "next" | "partial">;

/** Looks for messages as one types. */
export interface Search extends Omit<AsYouType<SearchAsked, Found>, "found"> {
  readonly hits: readonly Hit[];
  readonly hasMore: boolean;
  /** There may be more than was found: the index could not be asked, or is behind. */
  readonly isPartial: boolean;
}

const LIMIT = 20;

export interface SearchOptions {
  readonly env: Pick<Environment, "after">;
  readonly api: Api;
}

const NOTHING: Found = { data: [], hasMore: false, next: null, partial: false };

export function createSearch({ env, api }: SearchOptions): Search {
  const search = createAsYouType<SearchAsked, Found>({
    env,
    nothing: NOTHING,
    asked: { text: "" },
    waitMs: ({ text }) => (text === "" ? undefined : PAUSE_MS),
    read(of, cursor, signal) {
      const query = new URLSearchParams({ q: of.text, limit: String(LIMIT) });
      if (of.chat !== undefined) query.set("chat", String(of.chat));
      if (cursor !== null) query.set("cursor", cursor);
      return api.get<SearchPage>(`/search?${query.toString()}`, { signal });
    },
    join: (found, page) => ({
      ...page,
      data: [...found.data, ...page.data],
      partial: found.partial || page.partial,
    }),
  });
  return {
    on: search.on,
    get asked() {
      return search.asked;
    },
    get hits() {
      return search.found.data;
    },
    get hasMore() {
      return search.found.hasMore;
    },
    get isPartial() {
      return search.found.partial;
    },
    get isSearching() {
      return search.isSearching;
    },
    get error() {
      return search.error;
    },
    ask: ({ text, chat }) => search.ask({ text: text.trim(), chat }),
    loadMore: search.loadMore,
    close: search.close,
  };
}
