import type { ChatView } from "../../shared/client/chat-view.ts";
import type { Message } from "../../shared/client/connect.ts";
import type { People } from "../frame/people.ts";

/** At most so many people are named; the rest are counted. */
const NAMES_MAX = 3;

/** How far a message of one's own has come. */
export type Receipt = "sent" | "delivered" | "seen";

export interface ReceiptsOptions {
  readonly view: ChatView;
  readonly me: string;
  readonly people: People;
}

/** Tells who has seen which message, by the marks of the other members. */
export function createReceipts({ view, me, people }: ReceiptsOptions) {
  /** The members other than oneself and the sender. */
  const readersOf = ({ sender }: Message) =>
    (view.chat?.members ?? []).filter((id) => id !== me && !("id" in sender && sender.id === id));

  const marksOf = (id: string) => view.signals.marks.get(id) ?? { number: 0, delivered: 0 };

  return {
    /** "Seen by Ada and Bob", or nothing. */
    seenBy(message: Message) {
      const readers = readersOf(message);
      const ids = readers.filter((id) => marksOf(id).number >= message.number);
      if (ids.length === 0) return "";
      const isEverybody = ids.length > NAMES_MAX && ids.length === readers.length;
      return isEverybody ? "Seen by everybody" : `Seen by ${people.list(ids, NAMES_MAX)}`;
    },

    /** The numbers up to which everybody else has read and received; undefined in a chat with oneself. */
    get reached(): { seen: number; delivered: number } | undefined {
      const others = (view.chat?.members ?? []).filter((id) => id !== me);
      if (others.length === 0) return undefined;
      const marks = others.map(marksOf);
      return {
        seen: Math.min(...marks.map(({ number }) => number)),
        delivered: Math.min(...marks.map(({ delivered }) => delivered)),
      };
    },
  };
}
