/** @typedef {import("./types.js").Message} Message */

/**
 * The messages that the page knows of a chat: a stretch without gaps that ends with the newest. Everything
 * the server says of a message comes through here, in whatever order it arrives: of two versions the one
 * with the higher revision stays.
 */
export function createStretch() {
  /** @type {Message[]} */
  let messages = [];
  /** Versions of messages older than the stretch, for when a page that was read before them arrives. @type {Map<number, Message>} */
  const elsewhere = new Map();
  let hasOlder = false;
  /** Up to here nothing is missing. */
  let through = 0;

  const newest = () => messages.at(-1)?.number ?? 0;

  /**
   * An equal revision replaces too: an answer to one's own change is put together from what its request
   * had read, and a reaction of somebody else in between is only in what is read later.
   *
   * @param {readonly Message[]} more
   * @param {boolean} [isOlder] a page that continues the stretch backwards
   * @returns {{ fresh: Message[], isChanged: boolean }} `fresh`: those that were not known
   */
  const take = (more, isOlder = false) => {
    const known = new Map(messages.map((message) => [message.number, message]));
    const oldest = hasOlder && !isOlder ? (messages[0]?.number ?? 0) : 0;
    /** @type {Message[]} */
    const fresh = [];
    let isChanged = false;
    for (const message of more) {
      if (message.number < oldest) {
        elsewhere.set(message.number, laterOf(elsewhere.get(message.number), message));
        continue;
      }
      const before = known.get(message.number);
      const later = laterOf(before ?? elsewhere.get(message.number), message);
      if (before === undefined) fresh.push(later);
      isChanged ||= later !== before;
      known.set(message.number, later);
    }
    if (isChanged) messages = [...known.values()].sort((a, b) => a.number - b.number);
    return { fresh, isChanged };
  };

  return {
    take,
    newest,
    get messages() {
      return messages;
    },
    get hasOlder() {
      return hasOlder;
    },
    set hasOlder(value) {
      hasOlder = value;
    },
    /** The number after which something is missing; undefined when nothing is. */
    get gapAfter() {
      const beyond = messages.filter(({ number }) => number > through).length;
      if (beyond < newest() - through) return through;
      through = newest();
      return undefined;
    },
    /** There is nothing more to come up to this number: what is not here has expired. @param {number} number */
    settle(number) {
      through = Math.max(through, number);
    },
  };
}

/** @param {Message | undefined} known @param {Message} next */
const laterOf = (known, next) => (known === undefined || next.revision >= known.revision ? next : known);
