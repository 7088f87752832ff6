import type { Api } from "./api.ts";
import { type AsYouType, createAsYouType, type FoundPage, PAUSE_MS } from "./as-you-type.ts";
import type { Environment } from "./environment.ts";

export interface NameAsked {
  readonly text: string;
  /** Further parameters of the list that is searched. */
  readonly filter?: Readonly<Record<string, string>> | undefined;
}

/** Looks for people or chats by any part of their name, as one types. */
export type NameSearch<Item> = AsYouType<NameAsked, FoundPage<Item>>;

export interface NameSearchOptions {
  readonly env: Pick<Environment, "after">;
  readonly api: Api;
  /** The list that is searched. */
  readonly path: "/users" | "/chats";
  /** Whether no text finds all. */
  readonly isWhole: boolean;
}

/** The API's limit for what is looked for. */
export const NAME_CHARS_MAX = 200;
const LIMIT = 20;
/** A page looks at a part of what there may be, and so may find nothing yet. */
const EMPTY_PAGES_MAX = 5;

export function createNameSearch<Item>({ env, api, path, isWhole }: NameSearchOptions): NameSearch<Item> {
  const readPage = (
    { text, filter }: NameAsked,
    cursor: string | null,
    signal: AbortSignal,
  ): Promise<FoundPage<Item>> => {
    const q = text.trim().slice(0, NAME_CHARS_MAX);
    const query = new URLSearchParams({ limit: String(LIMIT), ...filter });
    if (q !== "") query.set("q", q);
    if (cursor !== null) query.set("cursor", cursor);
    return api.get(`${path}?${query.toString()}`, { background: q === "", signal });
  };
  return createAsYouType<NameAsked, FoundPage<Item>>({
    env,
    nothing: { data: [], hasMore: false, next: null },
    asked: { text: "" },
    waitMs: ({ text }) => (text.trim() === "" ? (isWhole ? 0 : undefined) : PAUSE_MS),
    async read(asked, cursor, signal) {
      let page = await readPage(asked, cursor, signal);
      for (let pages = 1; page.data.length === 0 && page.hasMore && pages < EMPTY_PAGES_MAX; pages += 1) {
        page = await readPage(asked, page.next, signal);
      }
      return page;
    },
    join: (found, page) => ({ ...page, data: [...found.data, ...page.data] }),
  });
}
