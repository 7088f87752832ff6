import { toast } from "./dom.js";
import { ApiError } from "./http.js";
import { retrying } from "./retrying.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {ReturnType<typeof createMessageActions>} MessageActions */

/**
 * A message that is being edited. The key names one wording: trying again is the same edit, another
 * wording is another one.
 * @typedef {{ message: Message, text: string, tried: string, key: string, isSaving: boolean, error: string }} Editing
 */

/** How long a deletion can be taken back before the server is told. */
const UNDO_MS = 6000;

/**
 * What a person does to messages that are there.
 *
 * @param {object} options
 * @param {import("./api.js").Api} options.api
 * @param {number} options.chat
 * @param {string} options.me
 * @param {import("./conversation.js").Conversation} options.conversation
 * @param {() => void} options.onChange
 */
export function createMessageActions({ api, chat, me, conversation, onChange }) {
  /** @type {Editing | undefined} */
  let editing;
  /** Messages about to be deleted. @type {Map<number, { message: Message, timer: ReturnType<typeof setTimeout> }>} */
  const leaving = new Map();
  /** Reactions on their way. @type {Set<string>} */
  const reacting = new Set();
  const ending = new AbortController();

  /** @param {number} number */
  const pathOf = (number) => `/chats/${chat}/messages/${number}`;

  const save = async () => {
    const current = editing;
    if (current === undefined || current.isSaving) return;
    const text = current.text.trim();
    if (text === "" || text === current.message.text) return stopEditing();
    if (text !== current.tried) current.key = crypto.randomUUID();
    Object.assign(current, { tried: text, isSaving: true, error: "" });
    onChange();
    try {
      const { number } = current.message;
      const answer = await retrying(() => api.patch(pathOf(number), { text }, { key: current.key }));
      if (editing === current) editing = undefined;
      conversation.took(answer);
    } catch (cause) {
      current.error = cause instanceof ApiError ? cause.message : "It could not be saved.";
    }
    current.isSaving = false;
    onChange();
  };

  const stopEditing = () => {
    editing = undefined;
    onChange();
  };

  /** @param {number} number @param {boolean} isLast the page is going away and can't wait for the answer */
  const removeNow = async (number, isLast) => {
    const entry = leaving.get(number);
    if (entry === undefined) return;
    clearTimeout(entry.timer);
    leaving.delete(number);
    try {
      await retrying(() => api.delete(pathOf(number), { keepalive: isLast }));
      if (isLast) return;
      conversation.took({ ...entry.message, status: "deleted", text: "", reactions: {} });
    } catch (cause) {
      toast(/** @type {Error} */ (cause).message);
      onChange();
    }
  };

  const removeAllNow = () => {
    for (const number of leaving.keys()) void removeNow(number, true);
  };
  addEventListener("pagehide", removeAllNow, { signal: ending.signal });

  return {
    get editing() {
      return editing;
    },
    /** @param {Message} message */
    edit(message) {
      const { text } = message;
      editing = { message, text, tried: "", key: "", isSaving: false, error: "" };
      onChange();
    },
    save,
    stopEditing,

    /** @param {number} number */
    isLeaving: (number) => leaving.has(number),

    /** Deletes it for everyone, unless that is taken back soon. @param {Message} message */
    remove(message) {
      const timer = setTimeout(() => void removeNow(message.number, false), UNDO_MS);
      leaving.set(message.number, { message, timer });
      onChange();
    },

    /** @param {number} number */
    keep(number) {
      clearTimeout(leaving.get(number)?.timer);
      leaving.delete(number);
      onChange();
    },

    /** Adds one's reaction, or takes it back. @param {Message} message @param {string} emoji */
    async toggle(message, emoji) {
      const name = `${message.number} ${emoji}`;
      if (reacting.has(name)) return;
      reacting.add(name);
      const path = `${pathOf(message.number)}/reactions/${encodeURIComponent(emoji)}`;
      const isMine = message.reactions[emoji]?.includes(me) === true;
      try {
        conversation.took(await (isMine ? api.delete(path) : api.put(path, undefined)));
      } catch (cause) {
        toast(/** @type {Error} */ (cause).message);
      }
      reacting.delete(name);
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
    history: async (message) => (await api.get(`${pathOf(message.number)}/edits`)).data,

    close() {
      ending.abort();
      removeAllNow();
    },
  };
}
