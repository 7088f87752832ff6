import type { Api } from "../../shared/client/api.ts";
import type { ChatView } from "../../shared/client/chat-view.ts";
import type { Message } from "../../shared/client/connect.ts";
import type { Named } from "../../shared/client/mentions.ts";
import type { Blocks } from "../account/blocks.ts";
import { el, isFreeEscape } from "../frame/dom.ts";
import type { People } from "../frame/people.ts";
import { showMessages } from "../messages/messages.ts";
import { createComposer, messageOf } from "./composer.ts";
import { openSendLaterDialog } from "./send-later.ts";

export interface ThreadPanelOptions {
  readonly api: Api;
  readonly view: ChatView;
  readonly me: string;
  readonly mayDeleteAny: boolean;
  readonly people: People;
  readonly blocks: Blocks;
  readonly root: number;
  readonly mayWrite: boolean;
  mentionable(): readonly Named[];
  mayPin(): boolean;
  onForward(message: Message): void;
  onClose(): void;
}

/** A thread beside its chat, with a field of its own. Escape leads back to the chat. */
export function showThread(options: ThreadPanelOptions) {
  const { root, me, people, onClose, mentionable, ...around } = options;
  const thread = options.view.openThread(root);
  const messages = showMessages({
    ...around,
    view: thread,
    me,
    people,
    beginning: "",
    threadRoot: root,
    onThread: undefined,
    onReply: async ({ number, sender, text }) =>
      composer.replyTo({ number, name: await people.nameOf(sender), text }),
    onReturn: () => undefined,
  });
  const composer = createComposer({
    api: options.api,
    place: `${options.me}/${thread.number}/${root}`,
    label: "Reply in the thread",
    text: thread.unsent.text,
    people: mentionable,
    onSend(written) {
      thread.send(messageOf(written));
      messages.toEnd();
    },
    onLater(written, taken) {
      const message = { replyTo: root, ...messageOf(written) };
      openSendLaterDialog({ api: options.api, chat: thread.number, message, taken });
    },
    onWrite: thread.unsent.write,
    onTyping: () => thread.typing(),
    onStopTyping: () => thread.stopTyping(),
    onEscape: () => false,
  });
  const forget = thread.on("unsent", composer.set);
  composer.element.hidden = !options.mayWrite;
  const element = el(
    "aside",
    { class: "thread", "aria-label": "Thread" },
    el(
      "header",
      { class: "thread-head" },
      el("h2", {}, "Thread"),
      el(
        "button",
        { type: "button", class: "quiet", "aria-label": "Close the thread", onclick: onClose },
        "✕",
      ),
    ),
    messages.element,
    composer.element,
  );
  element.addEventListener("keydown", (event) => {
    if (!isFreeEscape(event)) return;
    event.preventDefault();
    onClose();
  });
  return {
    element,
    root,
    /** A name has become known. */
    lookAgain: composer.lookAgain,
    /** Once it is in the document. */
    begin() {
      composer.fit();
      messages.update();
      composer.focus();
    },
    /** Keeps what was begun: the page is going away. */
    keep: () => thread.unsent.flush(true),
    close() {
      forget();
      composer.leave();
      messages.close();
      thread.close();
      element.remove();
    },
  };
}
