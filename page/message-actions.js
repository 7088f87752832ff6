import { toast } from "./dom.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {ReturnType<typeof createMessageActions>} MessageActions */

/**
 * A message that is being written anew. `isAgain`: to be sent once more in its place, which begins a branch, and
 * not to be changed.
 * @typedef {{ message: Message, text: string, isAgain: boolean, isSaving: boolean, error: string }} Editing
 */

/** How long a deletion can be taken back before the server is told. */
const UNDO_MS = 6000;

/**
 * What a person does to messages that are there.
 *
 * @param {object} options
 * @param {import("./types.js").ChatView} options.view
 * @param {import("./types.js").Api} options.api
 * @param {string} options.me
 * @param {() => void} options.onChange
 */
export function createMessageActions({ view, api, me, onChange }) {
  /** @type {Editing | undefined} */
  let editing;
  /** Messages about to be deleted. @type {Map<number, ReturnType<typeof setTimeout>>} */
  const leaving = new Map();
  const ending = new AbortController();

  /** What could not be done has been taken back; this says why. @param {unknown} cause */
  const explain = (cause) => toast(/** @type {Error} */ (cause).message);

  const save = async () => {
    const current = editing;
    if (current === undefined || current.isSaving) return;
    const text = current.text.trim();
    const { number } = current.message;
    if (text === "" || (text === current.message.text && !current.isAgain)) return stopEditing();
    if (current.isAgain) {
      view.resubmit(number, text);
      return stopEditing();
    }
    Object.assign(current, { isSaving: true, error: "" });
    onChange();
    try {
      await view.edit(number, text);
      if (editing === current) editing = undefined;
    } catch (cause) {
      current.error = /** @type {Error} */ (cause).message;
    }
    current.isSaving = false;
    onChange();
  };

  const stopEditing = () => {
    editing = undefined;
    onChange();
  };

  /** @param {number} number @param {boolean} isLast the page is going away and can't wait for the answer */
  const removeNow = (number, isLast) => {
    clearTimeout(leaving.get(number));
    leaving.delete(number);
    view.remove(number, isLast).catch(isLast ? () => undefined : explain);
  };

  const removeAllNow = () => {
    for (const number of leaving.keys()) removeNow(number, true);
  };
  addEventListener("pagehide", removeAllNow, { signal: ending.signal });

  return {
    get editing() {
      return editing;
    },
    /** @param {Message} message @param {boolean} isAgain */
    edit(message, isAgain) {
      editing = { message, text: message.text, isAgain, isSaving: false, error: "" };
      onChange();
    },
    save,
    stopEditing,

    /** @param {number} number */
    isLeaving: (number) => leaving.has(number),

    /** Deletes it for everyone, unless that is taken back soon. @param {Message} message */
    remove({ number }) {
      leaving.set(
        number,
        setTimeout(() => removeNow(number, false), UNDO_MS),
      );
      onChange();
    },

    /** @param {number} number */
    keep(number) {
      clearTimeout(leaving.get(number));
      leaving.delete(number);
      onChange();
    },

    /** Adds one's reaction, or takes it back. @param {Message} message @param {string} emoji */
    toggle({ number, reactions }, emoji) {
      view.react(number, emoji, reactions[emoji]?.includes(me) !== true).catch(explain);
    },

    /** Goes on with another wording of a message. @param {number} sibling */
    turnTo(sibling) {
      view.showSibling(sibling).catch(explain);
    },

    /** @param {Message} message */
    stop({ number }) {
      view.stopAnswer(number).catch(explain);
    },

    /** Has the question answered once more. @param {Message} message */
    askAgain({ number }) {
      view.regenerate(number).catch(explain);
    },

    /** @param {Message} message @param {"up" | "down"} rating */
    rate({ number }, rating) {
      view.rate(number, rating).catch(explain);
    },

    /** Copies what was said up to here into a chat of one's own. @param {Message} message */
    async fork({ number }) {
      try {
        location.hash = `#/chats/${(await view.fork(number)).number}`;
      } catch (cause) {
        explain(cause);
      }
    },

    /** @param {Message} message */
    async copy(message) {
      try {
        await navigator.clipboard.writeText(message.text);
        toast("Copied.");
      } catch {
        toast("The browser does not let the page copy.");
      }
    },

    /** What it said, oldest first. @param {Message} message @returns {Promise<{ text: string, createdAt: string }[]>} */
    async history({ number }) {
      /** @type {{ data: { text: string, createdAt: string }[] }} */
      const { data } = await api.get(`/chats/${view.number}/messages/${number}/edits`);
      return data;
    },

    close() {
      ending.abort();
      removeAllNow();
    },
  };
}
