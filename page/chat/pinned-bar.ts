import type { Api } from "../../shared/client/api.ts";
import type { ChatView } from "../../shared/client/chat-view.ts";
import type { Message } from "../../shared/client/connect.ts";
import { showInDialog } from "../frame/dialog.ts";
import { el, fill } from "../frame/dom.ts";
import { counted } from "../frame/format.ts";
import { icon } from "../frame/icons.ts";
import type { People } from "../frame/people.ts";

export interface PinnedBarOptions {
  readonly api: Api;
  readonly view: ChatView;
  readonly people: People;
  onJump(number: number): void;
}

/** The messages that are pinned in a chat, the last one in sight: each leads to where it was said. */
export function createPinnedBar({ api, view, people, onJump }: PinnedBarOptions) {
  const element = el("section", { class: "pinned-bar", "aria-label": "Pinned messages", hidden: true });
  /** Messages that lie further back than what has been read of the chat. */
  const read = new Map<number, Message>();
  const reading = new Set<number>();
  let drawn = "";

  const messageAt = (number: number) => {
    const message = view.message(number) ?? read.get(number);
    if (message !== undefined || reading.has(number)) return message;
    reading.add(number);
    api
      .get<Message>(`/chats/${view.number}/messages/${number}`, { background: true })
      .then((found) => {
        read.set(number, found);
        update();
      })
      // The bar names it by its number then.
      .catch(() => undefined);
    return undefined;
  };

  const wordsOf = (number: number) => {
    const message = messageAt(number);
    if (message === undefined) return { name: "", text: `Message ${number}` };
    const text = message.text === "" ? "A forwarded message" : message.text;
    return { name: people.known(message.sender) ?? "…", text };
  };

  const entryOf = (number: number, act: () => void) => {
    const { name, text } = wordsOf(number);
    return el(
      "button",
      { type: "button", class: "pinned-message", onclick: act },
      el("b", {}, name),
      el("span", {}, text),
    );
  };

  const showAll = (numbers: readonly number[]) => {
    const dialog = showInDialog(
      "Pinned messages",
      el(
        "ul",
        { class: "pinned-list" },
        ...numbers.toReversed().map((number) =>
          el(
            "li",
            {},
            entryOf(number, () => {
              dialog.close();
              onJump(number);
            }),
          ),
        ),
      ),
    );
  };

  const update = () => {
    const numbers = view.chat?.pinnedMessages ?? [];
    const last = numbers.at(-1);
    element.hidden = last === undefined;
    const appearance = JSON.stringify([numbers, last !== undefined && wordsOf(last)]);
    if (last === undefined || appearance === drawn) return;
    drawn = appearance;
    const hadFocus = element.contains(document.activeElement);
    fill(
      element,
      icon("pin"),
      entryOf(last, () => onJump(last)),
      numbers.length > 1 &&
        el(
          "button",
          { type: "button", class: "quiet", "aria-haspopup": "dialog", onclick: () => showAll(numbers) },
          counted(numbers.length, "pinned", "pinned"),
        ),
    );
    if (hadFocus) element.querySelector("button")?.focus();
  };
  return { element, update };
}
