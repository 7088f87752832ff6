import { ApiError } from "./http.js";
import { poll } from "./polling.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Page<Message>} MessagePage */

/**
 * A message on its way. It keeps its Idempotency-Key over all tries, so it arrives once at most.
 * @typedef {{ key: string, text: string, at: string, state: "sending" | "failed", error: string }} Draft
 */

const FIRST_LIMIT = 50;
const LIMIT = 100;
const TRIES_MAX = 3;
const RETRY_MS = 800;
/** After a failure, the next older page is asked for this much later at the soonest. */
const OLDER_PAUSE_MS = 2000;

/**
 * What the page knows of one chat's messages: a stretch up to the newest, grown backwards on demand,
 * and what the person has written but the server not yet confirmed.
 *
 * @param {object} options
 * @param {import("./api.js").Api} options.api
 * @param {number} options.chat
 * @param {() => void} options.onChange
 * @param {(messages: readonly Message[]) => void} options.onArrival messages of others, as they come in
 * @param {(newest: Message) => void} options.onNewest the chat has gone on
 * @param {(cause: unknown) => void} options.onError
 */
export function openConversation({ api, chat, onChange, onArrival, onNewest, onError }) {
  const path = `/chats/${chat}/messages`;
  const ending = new AbortController();
  /** @type {Message[]} */
  let messages = [];
  /** @type {Draft[]} */
  let drafts = [];
  /** The keys under which confirmed messages have been shown as drafts. @type {Map<number, string>} */
  const keys = new Map();
  /** Up to here nothing is missing. */
  let through = 0;
  let hasOlder = false;
  let loaded = false;
  let loadingOlder = false;
  let sending = false;
  /** @type {string | undefined} */
  let etag;

  /** @param {readonly Message[]} more @returns {readonly Message[]} those that were not known */
  const take = (more) => {
    const known = new Set(messages.map(({ number }) => number));
    const fresh = more.filter(({ number }) => !known.has(number));
    if (fresh.length > 0) messages = [...messages, ...fresh].sort((a, b) => a.number - b.number);
    return fresh;
  };

  const open = async () => {
    /** @type {MessagePage} */
    const page = await api.get(`${path}?limit=${FIRST_LIMIT}`, { signal: ending.signal });
    take(page.data);
    through = messages.at(-1)?.number ?? 0;
    hasOlder = page.hasMore;
    loaded = true;
    onChange();
  };

  /** @param {AbortSignal} signal */
  const lookForNewer = async (signal) => {
    // Our own message could come back here before its answer does, and be shown twice.
    if (!loaded || sending) return false;
    const answer = await api.request("GET", `${path}?after=${through}&limit=${LIMIT}`, {
      background: true,
      signal,
      headers: etag === undefined ? {} : { "if-none-match": etag },
    });
    if (answer.status === 304 || sending || signal.aborted) return false;
    etag = answer.headers.get("etag") ?? undefined;
    /** @type {MessagePage} */
    const page = answer.data;
    const fresh = take(page.data);
    if (page.data.length > 0) {
      through = /** @type {Message} */ (page.data.at(-1)).number;
      etag = undefined;
    }
    if (fresh.length > 0) {
      onArrival(fresh);
      onNewest(/** @type {Message} */ (messages.at(-1)));
      onChange();
    }
    if (page.hasMore) await lookForNewer(signal);
    return fresh.length > 0;
  };

  const polling = poll({ everyMs: 2500, slowestMs: 15_000, ask: lookForNewer });

  /** @param {Draft} draft @returns {Promise<Message>} */
  const post = async (draft) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await api.post(path, { text: draft.text }, { key: draft.key, signal: ending.signal });
      } catch (cause) {
        if (!(cause instanceof ApiError) || !cause.isTransient || tries === TRIES_MAX) throw cause;
        await new Promise((resolve) => setTimeout(resolve, Math.max(cause.retryAfterMs, RETRY_MS * tries)));
      }
    }
  };

  /** Sends what waits, one after the other, so that messages keep the order they were written in. */
  const sendAll = async () => {
    if (sending) return;
    sending = true;
    for (;;) {
      const draft = drafts.find(({ state }) => state === "sending");
      if (draft === undefined) break;
      try {
        const message = await post(draft);
        keys.set(message.number, draft.key);
        drafts = drafts.filter((other) => other !== draft);
        take([message]);
        onNewest(/** @type {Message} */ (messages.at(-1)));
        // A higher number means that others wrote meanwhile: the next look fetches them.
        if (message.number === through + 1) through = message.number;
      } catch (cause) {
        if (ending.signal.aborted) return;
        draft.state = "failed";
        draft.error = cause instanceof ApiError ? cause.message : "It could not be sent.";
      }
      onChange();
    }
    sending = false;
    polling.now();
  };

  open().then(polling.now, (cause) => {
    if (!ending.signal.aborted) onError(cause);
  });

  return {
    get messages() {
      return messages;
    },
    get drafts() {
      return drafts;
    },
    get loaded() {
      return loaded;
    },
    get hasOlder() {
      return hasOlder;
    },
    get loadingOlder() {
      return loadingOlder;
    },

    /** The name under which a message is shown; its draft's, so that it stays in its place. @param {Message} message */
    keyOf: (message) => keys.get(message.number) ?? `m${message.number}`,

    async loadOlder() {
      const oldest = messages[0];
      if (!hasOlder || loadingOlder || oldest === undefined) return;
      loadingOlder = true;
      onChange();
      try {
        /** @type {MessagePage} */
        const page = await api.get(`${path}?before=${oldest.number}&limit=${LIMIT}`, {
          signal: ending.signal,
        });
        take(page.data);
        hasOlder = page.hasMore;
      } catch (cause) {
        const waits = cause instanceof ApiError && cause.isTransient ? cause.retryAfterMs : 0;
        if (!ending.signal.aborted && waits === 0) onError(cause);
        // Or the view would ask again at once, for ever.
        await new Promise((resolve) => setTimeout(resolve, Math.max(waits, OLDER_PAUSE_MS)));
      }
      loadingOlder = false;
      if (!ending.signal.aborted) onChange();
    },

    /** @param {string} text */
    send(text) {
      drafts = [
        ...drafts,
        { key: crypto.randomUUID(), text, at: new Date().toISOString(), state: "sending", error: "" },
      ];
      onChange();
      void sendAll();
    },

    /** @param {string} key */
    retry(key) {
      const draft = drafts.find((other) => other.key === key);
      if (draft === undefined) return;
      draft.state = "sending";
      onChange();
      void sendAll();
    },

    /** @param {string} key */
    discard(key) {
      drafts = drafts.filter((draft) => draft.key !== key);
      onChange();
    },

    close() {
      polling.stop();
      ending.abort();
    },
  };
}

/** @typedef {ReturnType<typeof openConversation>} Conversation */
