import type { Api } from "../../shared/client/api.ts";
import type { ChatView } from "../../shared/client/chat-view.ts";
import type { Message } from "../../shared/client/connect.ts";
import { EditConflict } from "../../shared/client/pending-changes.ts";
import { isVisibleText } from "../../shared/client/visible-text.ts";
import { toast } from "../frame/dom.ts";
import { messageOf } from "../frame/message-of.ts";

export type MessageActions = ReturnType<typeof createMessageActions>;

/**
 * A message that is being written anew. With `isAgain` it is not changed: the new text is sent in its place,
 * which begins a branch.
 */
export interface Editing {
  message: Message;
  text: string;
  isAgain: boolean;
  isSaving: boolean;
  error: string;
  /** What another device has made of it meanwhile: the person chooses. */
  theirs: Message | undefined;
}

/** How long a deletion can be taken back before the server is told. */
const UNDO_MS = 6000;

export interface MessageActionsOptions {
  readonly view: ChatView;
  readonly api: Api;
  readonly me: string;
  onChange(): void;
}

/** What a person can do to messages. */
export function createMessageActions({ view, api, me, onChange }: MessageActionsOptions) {
  let editing: Editing | undefined;
  /** Messages about to be deleted. */
  const leaving = new Map<number, ReturnType<typeof setTimeout>>();
  const ending = new AbortController();

  /** Says why a change has been taken back. */
  const explain = (cause: unknown) => toast(messageOf(cause));

  const save = async () => {
    const current = editing;
    if (current === undefined || current.isSaving) return;
    const text = current.text.trim();
    const { number } = current.message;
    if (!isVisibleText(text)) return stopEditing();
    if (text === (current.theirs ?? current.message).text && !current.isAgain) return stopEditing();
    if (current.isAgain) {
      view.resubmit(number, text);
      return stopEditing();
    }
    Object.assign(current, { isSaving: true, error: "" });
    onChange();
    try {
      await view.edit(number, text, current.theirs ?? current.message);
      if (editing === current) editing = undefined;
    } catch (cause) {
      if (cause instanceof EditConflict) current.theirs = cause.theirs;
      current.error = messageOf(cause);
    }
    current.isSaving = false;
    onChange();
  };

  const stopEditing = () => {
    editing = undefined;
    onChange();
  };

  /**
   * @param isLast the page is being left and can't wait for the reply
   */
  const removeNow = (number: number, isLast: boolean) => {
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
    edit(message: Message, isAgain: boolean) {
      editing = { message, text: message.text, isAgain, isSaving: false, error: "", theirs: undefined };
      onChange();
    },
    save,
    stopEditing,

    isLeaving: (number: number) => leaving.has(number),

    /** Deletes it for everyone, unless that is taken back soon. */
    remove({ number }: Message) {
      leaving.set(
        number,
        setTimeout(() => removeNow(number, false), UNDO_MS),
      );
      onChange();
    },

    keep(number: number) {
      clearTimeout(leaving.get(number));
      leaving.delete(number);
      onChange();
    },

    /** Adds one's reaction, or takes it back. */
    toggle({ number, reactions }: Message, emoji: string) {
      view.react(number, emoji, reactions[emoji]?.includes(me) !== true).catch(explain);
    },

    /** Pins it for everybody in the chat, or takes the pin away. */
    pin({ number, pinned }: Message) {
      view.pin(number, pinned === undefined).catch(explain);
    },

    /** Switches to another wording of a message. */
    turnTo(sibling: number) {
      view.showSibling(sibling).catch(explain);
    },

    stop({ number }: Message) {
      view.stopAnswer(number).catch(explain);
    },

    /** Has the question of this answer answered once more. */
    regenerate({ number }: Message) {
      view.regenerate(number).catch(explain);
    },

    rate({ number }: Message, rating: "up" | "down") {
      view.rate(number, rating).catch(explain);
    },

    /** Copies what was said up to here into a chat of one's own. */
    async fork({ number }: Message) {
      try {
        location.hash = `#/chats/${(await view.fork(number)).number}`;
      } catch (cause) {
        explain(cause);
      }
    },

    async copy(message: Message) {
      try {
        await navigator.clipboard.writeText(message.text);
        toast("Copied.");
      } catch {
        toast("The browser does not let the page copy.");
      }
    },

    /** The earlier texts of a message, oldest first. */
    async history({ number }: Message): Promise<{ text: string; createdAt: string }[]> {
      const path = `/chats/${view.number}/messages/${number}/edits`;
      const texts: { text: string; createdAt: string }[] = [];
      for (let query = ""; ;) {
        const page: { data: typeof texts; next: string | null } = await api.get(`${path}${query}`);
        texts.push(...page.data);
        if (page.next === null) return texts;
        query = `?cursor=${encodeURIComponent(page.next)}`;
      }
    },

    close() {
      ending.abort();
      removeAllNow();
    },
  };
}
