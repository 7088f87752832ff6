import type { Chat, ChatListQuery, Page } from "../chat/contract.ts";
import type { Api } from "./api.ts";
import type { ChatHeads } from "./chat-heads.ts";
import { coalesce, createEmitter, type Emitter } from "./emitter.ts";

/** What a list shows. */
export type ChatFilter = Pick<ChatListQuery, "kind" | "tag" | "member" | "archived">;

/** The person's chats, those with the latest message first, a page at a time, and live from then on. */
export interface ChatList extends Emitter<{ change: undefined }> {
  readonly chats: readonly Chat[];
  readonly isLoaded: boolean;
  readonly hasMore: boolean;
  /** The next page; the first one to begin with. @throws ApiError */
  loadMore(): Promise<void>;
  /** Reads the first page again, where no stream has told what has changed. @throws ApiError */
  refresh(): Promise<void>;
  close(): void;
}

export interface OwnChatList extends ChatList {
  changed(): void;
}

const LIMIT = 30;

export interface ChatListOptions {
  readonly api: Api;
  readonly heads: ChatHeads;
  readonly filter: ChatFilter;
  /** Resolves once changes are followed: what changes after a page has been read must be told. */
  readonly following: Promise<unknown>;
  onClose(): void;
}

export function createChatList({ api, heads, filter, following, onClose }: ChatListOptions): OwnChatList {
  const emitter = createEmitter<{ change: undefined }>();
  const onChange = coalesce(() => emitter.emit("change", undefined));
  let cursor: string | null = null;
  /** Chats without a message since then are on pages that were not read. */
  let floor = "";
  let isLoaded = false;
  const gone = new AbortController();

  const read = async (from: string | null): Promise<Page<Chat>> => {
    const query = new URLSearchParams({ limit: String(LIMIT) });
    for (const [name, value] of Object.entries(filter))
      if (value !== undefined) query.set(name, String(value));
    if (from !== null) query.set("cursor", from);
    const page = await api.get<Page<Chat>>(`/chats?${query.toString()}`, {
      background: isLoaded,
      signal: gone.signal,
    });
    for (const chat of page.data) heads.take(chat);
    return page;
  };
  const reached = (page: Page<Chat>): void => {
    cursor = page.next;
    floor = page.hasMore ? (page.data.at(-1)?.latestAt ?? "") : "";
    isLoaded = true;
    onChange();
  };

  return {
    on: emitter.on,
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
    },
    async refresh() {
      const page = await read(null);
      // Further pages stay where they are.
      if (!isLoaded || !page.hasMore) reached(page);
    },
    close() {
      gone.abort();
      onClose();
    },
  };
}

const matches = (chat: Chat, { kind, tag, member, archived }: ChatFilter): boolean =>
  (kind === undefined || chat.kind === kind) &&
  (tag === undefined || chat.tags.includes(tag)) &&
  (member === undefined || chat.members.includes(member)) &&
  (archived === undefined || chat.archived === archived);
