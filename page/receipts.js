/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").ChatView} ChatView */

/** Names beyond these are counted. */
const NAMES_MAX = 3;

/** How far a message of one's own has come. @typedef {"sent" | "delivered" | "seen"} Receipt */

/**
 * Who has seen what, by the marks of the other members.
 *
 * @param {object} options
 * @param {ChatView} options.view
 * @param {string} options.me
 * @param {import("./people.js").People} options.people
 */
export function createReceipts({ view, me, people }) {
  /** Those whose reading of a message is of interest. @param {Message} message */
  const readersOf = ({ sender }) =>
    (view.chat?.members ?? []).filter((id) => id !== me && !("id" in sender && sender.id === id));

  /** @param {string} id */
  const marksOf = (id) => view.signals.marks.get(id) ?? { number: 0, delivered: 0 };

  return {
    /** "Seen by Ada and Bob", or nothing. @param {Message} message */
    seenBy(message) {
      const readers = readersOf(message);
      const ids = readers.filter((id) => marksOf(id).number >= message.number);
      if (ids.length === 0) return "";
      const isEverybody = ids.length > NAMES_MAX && ids.length === readers.length;
      return isEverybody ? "Seen by everybody" : `Seen by ${people.list(ids, NAMES_MAX)}`;
    },

    /**
     * Up to where everybody else has read and received; undefined in a chat with oneself.
     * @returns {{ seen: number, delivered: number } | undefined}
     */
    get reached() {
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
