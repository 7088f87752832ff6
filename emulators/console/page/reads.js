import { poll } from "./polling.js";

/** @typedef {import("./types.js").Message} Message */

/** Names beyond these are counted. */
const NAMES_MAX = 3;

/**
 * How far the other members have read. A read mark moves no revision, so it has to be asked for; but only
 * as long as somebody has not seen the newest message, and ever more rarely while nobody does.
 *
 * @param {object} options
 * @param {import("./api.js").Api} options.api
 * @param {number} options.chat
 * @param {string} options.me
 * @param {import("./people.js").People} options.people
 * @param {() => readonly string[]} options.membersOf
 * @param {() => void} options.onChange
 */
export function followReads({ api, chat, me, people, membersOf, onChange }) {
  /** @type {Map<string, number>} */
  let marks = new Map();
  /** @type {Message | undefined} */
  let newest;

  /** Those whose reading of the newest message is of interest. @param {Message} message */
  const readersOf = ({ sender }) =>
    membersOf().filter((id) => id !== me && !("id" in sender && sender.id === id));

  /** @param {Message} message */
  const seenBy = (message) => readersOf(message).filter((id) => (marks.get(id) ?? 0) >= message.number);

  const polling = poll({
    everyMs: 4000,
    slowestMs: 30_000,
    async ask(signal) {
      if (newest === undefined || seenBy(newest).length === readersOf(newest).length) return false;
      /** @type {{ data: { user: string, number: number }[] }} */
      const { data } = await api.get(`/chats/${chat}/reads`, { background: true, signal });
      const isNew = data.some(({ user, number }) => marks.get(user) !== number);
      marks = new Map(data.map(({ user, number }) => [user, number]));
      if (isNew) onChange();
      return isNew;
    },
  });

  return {
    /** The chat has gone on. @param {Message} message */
    follow(message) {
      if (message.number === newest?.number) return;
      newest = message;
      polling.now();
    },

    /** "Seen by Ada and Bob", or nothing. @param {Message} message */
    seenBy(message) {
      const ids = seenBy(message);
      if (ids.length === 0) return "";
      const isEverybody = ids.length > NAMES_MAX && ids.length === readersOf(message).length;
      return isEverybody ? "Seen by everybody" : `Seen by ${people.list(ids, NAMES_MAX)}`;
    },

    /** Others are members now. */
    lookAgain: polling.now,
    stop: polling.stop,
  };
}
