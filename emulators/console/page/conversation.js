import { ApiError } from "./http.js";
import { poll } from "./polling.js";
import { retrying } from "./retrying.js";
import { createStretch } from "./stretch.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Page<Message>} MessagePage */
/** @typedef {{ data: Message[], revision: number, hasMore: boolean }} Changes */

/**
 * A message on its way. It keeps its Idempotency-Key over all tries, so it arrives once at most.
 * @typedef {{ key: string, text: string, at: string, state: "sending" | "failed", error: string }} Draft
 */

const FIRST_LIMIT = 50;
const LIMIT = 100;
/** After a failure, the next older page is asked for this much later at the soonest. */
const OLDER_PAUSE_MS = 2000;

/**
 * What the page knows of one chat's messages: a stretch up to the newest, grown backwards on demand,
 * and what the person has written but the server not yet confirmed. It follows the chat by its revision, so
 * edits, deletions and reactions of others come in the same way as their messages.
 *
 * @param {object} options
 * @param {import("./api.js").Api} options.api
 * @param {number} options.chat
 * @param {() => void} options.onChange
 * @param {(messages: readonly Message[]) => void} options.onArrival messages of others, as they come in
 * @param {(newest: Message) => void} options.onNewest the newest message is another, or says something else
 * @param {() => void} options.onGone the chat is no longer there for this person
 * @param {(cause: unknown) => void} options.onError
 */
export function openConversation({ api, chat, onChange, onArrival, onNewest, onGone, onError }) {
  const path = `/chats/${chat}/messages`;
  const ending = new AbortController();
  const stretch = createStretch();
  /** @type {Draft[]} */
  let drafts = [];
  /** The keys under which confirmed messages have been shown as drafts. @type {Map<number, string>} */
  const keys = new Map();
  /** Every change up to this revision is known. */
  let since = 0;
  let loaded = false;
  let loadingOlder = false;
  let sending = false;

  /** @param {readonly Message[]} more */
  const take = (more) => {
    const newest = stretch.newest();
    const { fresh, isChanged } = stretch.take(more);
    const last = stretch.messages.at(-1);
    if (isChanged && last !== undefined && more.some(({ number }) => number >= newest)) onNewest(last);
    return { fresh, isChanged };
  };

  const open = async () => {
    /** @type {MessagePage} */
    const page = await api.get(`${path}?limit=${FIRST_LIMIT}`, { signal: ending.signal });
    stretch.take(page.data);
    stretch.settle((stretch.messages[0]?.number ?? 1) - 1);
    stretch.hasOlder = page.hasMore;
    // Not the chat's own revision: it may have been read a little later than the messages were.
    since = Math.max(0, ...page.data.map(({ revision }) => revision));
    loaded = true;
    const newest = stretch.messages.at(-1);
    if (newest !== undefined) onNewest(newest);
    onChange();
  };

  /** @param {string} from @param {AbortSignal} signal @returns {Promise<any>} */
  const look = (from, signal) => api.get(from, { background: true, signal });

  /** What lies between by number: messages come in the order of their changes, and a page of them may be lost. @param {AbortSignal} signal */
  const fillGaps = async (signal) => {
    let isNew = false;
    for (let gap = stretch.gapAfter; gap !== undefined; gap = stretch.gapAfter) {
      /** @type {MessagePage} */
      const page = await look(`${path}?after=${gap}&limit=${LIMIT}`, signal);
      isNew = take(page.data).isChanged || isNew;
      const reached = page.hasMore ? page.data.at(-1)?.number : undefined;
      stretch.settle(reached ?? stretch.newest());
    }
    return isNew;
  };

  /** @param {AbortSignal} signal */
  const lookForChanges = async (signal) => {
    // Our own message could come back here before its answer does, and be shown twice.
    if (!loaded || sending) return false;
    let isNew = false;
    /** @type {Changes} */
    let page;
    do {
      page = await look(`/chats/${chat}/changes?since=${since}&limit=${LIMIT}`, signal);
      if (sending || signal.aborted) return isNew;
      const newest = stretch.newest();
      const { fresh, isChanged } = take(page.data);
      since = Math.max(since, page.revision);
      isNew ||= isChanged;
      const arrived = fresh.filter(({ number, status }) => number > newest && status !== "deleted");
      if (arrived.length > 0) onArrival(arrived);
      if (isChanged) onChange();
    } while (page.hasMore);
    if (await fillGaps(signal)) onChange();
    return isNew;
  };

  const polling = poll({
    everyMs: 2500,
    slowestMs: 15_000,
    async ask(signal) {
      try {
        return await lookForChanges(signal);
      } catch (cause) {
        if (cause instanceof ApiError && cause.status === 404 && !signal.aborted) onGone();
        throw cause;
      }
    },
  });

  /** @param {Draft} draft @returns {Promise<Message>} */
  const post = (draft) =>
    retrying(() => api.post(path, { text: draft.text }, { key: draft.key, signal: ending.signal }));

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
        // A higher revision means that others changed something meanwhile: the next look brings it.
        if (message.revision === since + 1) since = message.revision;
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
      return stretch.messages;
    },
    get drafts() {
      return drafts;
    },
    get loaded() {
      return loaded;
    },
    get hasOlder() {
      return stretch.hasOlder;
    },
    get loadingOlder() {
      return loadingOlder;
    },

    /** The name under which a message is shown; its draft's, so that it stays in its place. @param {Message} message */
    keyOf: (message) => keys.get(message.number) ?? `m${message.number}`,

    /** Takes in what the server answered to a change, and looks for the rest. @param {Message} message */
    took(message) {
      take([message]);
      onChange();
      polling.now();
    },

    async loadOlder() {
      const oldest = stretch.messages[0];
      if (!stretch.hasOlder || loadingOlder || oldest === undefined) return;
      loadingOlder = true;
      onChange();
      try {
        /** @type {MessagePage} */
        const page = await api.get(`${path}?before=${oldest.number}&limit=${LIMIT}`, {
          signal: ending.signal,
        });
        stretch.take(page.data, true);
        stretch.hasOlder = page.hasMore;
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
