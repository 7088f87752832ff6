import type { Branch, Changes, Chat, Message, Page } from "../chat/contract.ts";
import type { Api } from "./api.ts";
import type { ChatHeads } from "./chat-heads.ts";
import { createMessageTree, type MessageTree, type Path } from "./message-tree.ts";

/**
 * What is known of one chat's messages, and how the rest is fetched: pages further back on demand, and by
 * itself what is missing between messages that are known, as every message says which it follows.
 */
export interface Timeline {
  readonly tree: MessageTree;
  readonly path: Path;
  readonly isLoaded: boolean;
  readonly isLoadingOlder: boolean;
  /**
   * Reads the chat and its newest messages. Answers with the revision from which on changes have to be
   * followed.
   */
  open(): Promise<number>;
  /** What an event or an answer says of messages. Answers with those that were unknown. */
  take(messages: readonly Message[]): readonly Message[];
  /** A page further back. @throws ApiError */
  loadOlder(): Promise<void>;
  /**
   * Everything that changed since a revision, without a stream. Answers with the revision then reached.
   * @throws ApiError
   */
  catchUp(since: number, signal: AbortSignal): Promise<number>;
  /** Reads the chat's head again. @throws ApiError */
  readHead(): Promise<void>;
  /** Fetches what has turned out to be missing; the head or a message has changed. */
  settle(): void;
  /**
   * Resolves once nothing is being fetched that has turned out to be missing, whether that succeeded or not.
   */
  settled(): Promise<void>;
  close(): void;
}

const FIRST_LIMIT = 50;
const LIMIT = 100;
/**
 * A page at a time, what is missing is fetched at most so often in a row; then the next event begins anew.
 */
const FETCHES_MAX = 50;

export interface TimelineOptions {
  readonly api: Api;
  readonly number: number;
  readonly heads: ChatHeads;
  onChange(): void;
  onError(cause: unknown): void;
}

export function createTimeline({ api, number, heads, onChange, onError }: TimelineOptions): Timeline {
  const at = `/chats/${number}`;
  const tree = createMessageTree();
  const ending = new AbortController();
  const background = { background: true, signal: ending.signal };
  /** Branches whose last message is known, so that their paths can be shown. */
  const ended = new Set<string>();
  /** Messages whose successor on their own branch has been asked for. */
  const followed = new Set<number>();
  let shown = "";
  /** The reader has come back as far as this; nothing above it on the path may be missing. */
  let floor = 0;
  let isLoaded = false;
  let isLoadingOlder = false;
  let settling: Promise<void> | undefined;
  let isUnsettled = false;

  const active = (): string => heads.get(number)?.activeBranch ?? "main";
  const path = (): Path => tree.path(shown);

  const readPage = async (query: string): Promise<Page<Message>> => {
    const isBranched = (heads.get(number)?.branchesCount ?? 1) > 1;
    const along = isBranched && shown !== "" ? `&branch=${shown}` : "";
    const page = await api.get<Page<Message>>(`${at}/messages?${query}${along}`, background);
    tree.take(page.data);
    return page;
  };

  /**
   * A branch's newest messages. The page tells which branch it is of, should another have become active
   * meanwhile.
   */
  const readEnd = async (): Promise<void> => {
    const { data } = await readPage(`limit=${FIRST_LIMIT}`);
    ended.add(data[0]?.branch ?? active());
  };

  /** Shows the path to this branch's end, as far back as it is known. */
  const show = (branch: string): void => {
    shown = branch;
    floor = path().messages[0]?.number ?? 0;
    isLoaded = true;
    onChange();
  };

  const readBranches = async (): Promise<void> => {
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page: Page<Branch> = await api.get(`${at}/branches?limit=${LIMIT}${query}`, background);
      tree.takeBranches(page.data);
      cursor = page.next;
    } while (cursor !== null);
    onChange();
  };

  /** The next step towards a whole picture; false when nothing is missing. */
  const step = async (): Promise<boolean> => {
    const branch = active();
    if (branch !== shown) {
      if (ended.has(branch)) show(branch);
      else {
        shown = branch;
        await readEnd();
        if (ended.has(branch)) show(branch);
      }
      return true;
    }
    const { before, messages } = path();
    if (before !== undefined && before >= floor) {
      await readPage(`before=${before + 1}&limit=${LIMIT}`);
      onChange();
      return true;
    }
    const count = heads.get(number)?.branchesCount ?? 1;
    if (count > 1 && tree.branches.length < count) {
      await readBranches();
      return tree.branches.length >= count;
    }
    return readSuccessor(new Set(messages.map((message) => message.number)));
  };

  /**
   * Where another branch begins on the path, the message that follows on the own one may lie on no page that
   * was read.
   */
  const readSuccessor = async (onPath: ReadonlySet<number>): Promise<boolean> => {
    for (const { after } of tree.branches) {
      if (after === null || !onPath.has(after) || followed.has(after)) continue;
      const branch = tree.hiddenAfter(after);
      if (branch === undefined) continue;
      followed.add(after);
      const query = `branch=${branch}&after=${after}&limit=1`;
      tree.take((await api.get<Page<Message>>(`${at}/messages?${query}`, background)).data);
      onChange();
      return true;
    }
    return false;
  };

  const settleAll = async (): Promise<void> => {
    try {
      for (let fetches = 0; fetches < FETCHES_MAX && !ending.signal.aborted; fetches += 1) {
        isUnsettled = false;
        if (!(await step()) && !isUnsettled) return;
      }
    } catch (cause) {
      if (!ending.signal.aborted) onError(cause);
    } finally {
      // At once: what turns out to be missing from now on begins anew.
      settling = undefined;
    }
  };
  const settle = (): void => {
    isUnsettled = true;
    if (!isLoaded || ending.signal.aborted) return;
    settling ??= settleAll();
  };

  const take = (messages: readonly Message[]): readonly Message[] => {
    const { fresh, isChanged } = tree.take(messages);
    for (const message of messages) {
      heads.takeMessage(number, message);
      if (message.branch === `b${message.number}`) ended.add(message.branch);
    }
    if (isChanged) {
      onChange();
      settle();
    }
    return fresh;
  };

  const readHead = async (): Promise<void> => {
    const asOf = heads.moment();
    heads.take(await api.get<Chat>(at, background), asOf);
    settle();
  };

  return {
    tree,
    take,
    settle,
    settled: async () => settling,
    readHead,
    get path() {
      return path();
    },
    get isLoaded() {
      return isLoaded;
    },
    get isLoadingOlder() {
      return isLoadingOlder;
    },
    async open() {
      const asOf = heads.moment();
      const chat = await api.get<Chat>(at, background);
      heads.take(chat, asOf);
      await readEnd();
      show(ended.has(active()) ? active() : ([...ended][0] ?? active()));
      settle();
      return chat.revision;
    },
    async loadOlder() {
      const { before, messages } = path();
      const oldest = messages[0];
      if (before === undefined || oldest === undefined || isLoadingOlder) return;
      isLoadingOlder = true;
      onChange();
      try {
        await readPage(`before=${oldest.number}&limit=${LIMIT}`);
        floor = Math.min(floor, path().messages[0]?.number ?? floor);
      } finally {
        isLoadingOlder = false;
        onChange();
      }
    },
    async catchUp(since, signal) {
      let revision = since;
      for (let hasMore = true; hasMore;) {
        const page: Changes = await api.get(`${at}/changes?since=${revision}&limit=${LIMIT}`, {
          background: true,
          signal,
        });
        take(page.data);
        revision = Math.max(revision, page.revision);
        hasMore = page.hasMore;
      }
      await readHead();
      return revision;
    },
    close: () => ending.abort(),
  };
}
