import type { Chat, ChatListQuery, ChatPage } from "../chat/contract.ts";
import type { Api } from "./api.ts";
import type { ChatHeads } from "./chat-heads.ts";
import { coalesce, createEmitter, type Emitter } from "./emitter.ts";
import type { UnreadTotal } from "./unread-total.ts";

/** What a list shows. */
export type ChatFilter = Pick<ChatListQuery, "kind" | "tag" | "member" | "archived" | "pinned">;

/** The person's chats, those with the latest message first, a page at a time, and live from then on. */
export interface ChatList extends Emitter<{ change: undefined }> {
  readonly chats: readonly Chat[];
  readonly isLoaded: boolean;
  readonly hasMore: boolean;
  /** The next page; the first one to begin with. @throws ApiError */
  loadMore(): Promise<void>;
  /** Reads the first page again, where no stream has told what has changed. @throws ApiError */
  refresh(): Promise<void>;
  /** Reads as many pages again as were read: chats may have come anywhere among theirs. @throws ApiError */
  readAgain(): Promise<void>;
  close(): void;
}

export interface OwnChatList extends ChatList {
  /** It has no filter. */
  readonly isWhole: boolean;
  changed(): void;
}

const LIMIT = 30;

export interface ChatListOptions {
  readonly api: Api;
  readonly heads: ChatHeads;
  readonly total: UnreadTotal;
  readonly filter: ChatFilter;
  /** Resolves once changes are followed: what changes after a page has been read must be told. */
  readonly following: Promise<unknown>;
  onClose(): void;
}

export function createChatList({
  api,
  heads,
  total,
  filter,
  following,
  onClose,
}: ChatListOptions): OwnChatList {
  const emitter = createEmitter<{ change: undefined }>();
  const onChange = coalesce(() => emitter.emit("change", undefined));
  let cursor: string | null = null;
  let pagesRead = 0;
  /** Chats without a message since then are on pages that were not read. */
  let floor = "";
  let isLoaded = false;
  const gone = new AbortController();

  const read = async (from: string | null): Promise<ChatPage> => {
    const query = new URLSearchParams({ limit: String(LIMIT) });
    for (const [name, value] of Object.entries(filter))
      if (value !== undefined) query.set(name, String(value));
    if (from !== null) query.set("cursor", from);
    const asOf = heads.moment();
    const page = await api.get<ChatPage>(`/chats?${query.toString()}`, {
      background: isLoaded,
      signal: gone.signal,
    });
    total.takePage(page, () => {
      for (const chat of page.data) heads.take(chat, asOf);
    });
    return page;
  };
  const reached = (page: ChatPage): void => {
    cursor = page.next;
    floor = page.hasMore ? (page.data.at(-1)?.latestAt ?? "") : "";
    isLoaded = true;
    onChange();
  };

  return {
    on: emitter.on,
    isWhole: Object.values(filter).every((value) => value === undefined),
    changed: onChange,
    get chats() {
      const shown = isLoaded
        ? heads.all().filter((chat) => chat.latestAt >= floor && matches(chat, filter))
        : [];
      return shown.sort((a, b) => b.latestAt.localeCompare(a.latestAt) || b.number - a.number);
    },
    get isLoaded() {
      return isLoaded;
    },
    get hasMore() {
      return cursor !== null;
    },
    async loadMore() {
      await following;
      reached(await read(cursor));
      pagesRead += 1;
    },
    async refresh() {
      const page = await read(null);
      // Further pages stay where they are.
      if (!isLoaded || !page.hasMore) reached(page);
    },
    async readAgain() {
      const wanted = pagesRead;
      let page = await read(null);
      for (let count = 1; count < wanted && page.hasMore; count += 1) page = await read(page.next);
      reached(page);
    },
    close() {
      gone.abort();
      onClose();
    },
  };
}

const matches = (chat: Chat, { kind, tag, member, archived, pinned }: ChatFilter): boolean =>
  (kind === undefined || chat.kind === kind) &&
  (tag === undefined || chat.tags.includes(tag)) &&
  (member === undefined || chat.members.includes(member)) &&
  (archived === undefined || chat.archived === archived) &&
  (pinned === undefined || chat.pinned === pinned);
