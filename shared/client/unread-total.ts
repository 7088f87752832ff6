import type { ChatPage } from "../chat/contract.ts";
import type { ChatHeads } from "./chat-heads.ts";

/**
 * How many messages are unread in all of the person's chats: those of the chats that are known here, which
 * are followed, and the rest, which the server has counted.
 */
export interface UnreadTotal {
  /** Undefined until the first page of all chats has been read. */
  readonly value: number | undefined;
  /** False where a chat has become known that may have been counted with the rest: read the page again. */
  accountsFor(chat: number): boolean;
  /** Takes in a page of chats; `take` gives them to the heads. */
  takePage(page: ChatPage, take: () => void): void;
}

export function createUnreadTotal(heads: Pick<ChatHeads, "all">): UnreadTotal {
  /** Unread in chats that were not known here when the server counted. */
  let rest: number | undefined;
  const accounted = new Set<number>();
  const unreadIn = (chats: readonly { readonly unreadCount: number }[]): number =>
    chats.reduce((sum, { unreadCount }) => sum + unreadCount, 0);

  return {
    get value() {
      return rest === undefined ? undefined : rest + unreadIn(heads.all());
    },
    accountsFor: (chat) => rest === undefined || rest === 0 || accounted.has(chat),
    takePage({ data, unreadTotal }, take) {
      const known = heads.all();
      const numbers = new Set(data.map(({ number }) => number));
      if (unreadTotal !== undefined) {
        const others = known.filter(({ number }) => !numbers.has(number));
        rest = Math.max(0, unreadTotal - unreadIn(data) - unreadIn(others));
        for (const { number } of known) accounted.add(number);
      } else if (rest !== undefined) {
        const added = data.filter(({ number }) => !accounted.has(number));
        rest = Math.max(0, rest - unreadIn(added));
      }
      for (const number of numbers) accounted.add(number);
      take();
    },
  };
}
