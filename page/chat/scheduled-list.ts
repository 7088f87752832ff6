import type { Api } from "../../shared/client/api.ts";
import type { Page, ScheduledMessage } from "../../shared/client/connect.ts";
import { openDialog, showInDialog } from "../frame/dialog.ts";
import { announce, el, fill } from "../frame/dom.ts";
import { fieldOf } from "../frame/field-of.ts";
import { atOf } from "../frame/format.ts";
import { messageOf } from "../frame/message-of.ts";
import { TEXT_CHARS_MAX } from "./composer.ts";
import { filesWords, timeField, timeIn } from "./send-later.ts";

/** What is offered where a message's own time is over, or nearly. */
const SOON_MS = 120_000;

/** Why a message could not be sent. */
const REASONS: Readonly<Record<NonNullable<ScheduledMessage["reason"]>, string>> = {
  chat_gone: "the chat is gone, or you are no longer in it",
  not_allowed: "you may not write here",
  account_ended: "your account had ended",
  refused: "it was refused",
  invalid: "what it refers to is gone",
};

/** Shows what one has written in a chat to be sent later: each can be changed and cancelled until then. */
export function showScheduled(api: Api, chat: number) {
  const list = el("ul", { class: "scheduled", "aria-label": "Messages sent later" });
  const note = el("p", { class: "hint", role: "status" }, "Looking …");
  const problem = el("p", { class: "problem", role: "alert" });
  const path = `/chats/${chat}/scheduled`;
  let waiting: readonly ScheduledMessage[] = [];

  const read = async () => {
    const page = await api.get<Page<ScheduledMessage>>(path);
    waiting = page.data;
    update();
  };

  /** What went wrong is said, and what is waiting by now is shown in either case. */
  const tell = async (work: () => Promise<unknown>) => {
    fill(problem);
    try {
      await work();
    } catch (cause) {
      fill(problem, messageOf(cause));
    }
  };

  const cancel = async (id: string) => {
    await tell(() => api.delete(`${path}/${id}`));
    await tell(read);
    announce("Cancelled.");
  };

  const rowOf = (message: ScheduledMessage) => {
    const { id, text, files, sendAt, status, reason } = message;
    const hasFailed = status === "failed";
    const words = text ?? filesWords(files);
    const when =
      hasFailed && reason !== undefined
        ? `Not sent ${atOf(sendAt)}: ${REASONS[reason]}`
        : status === "sending"
          ? "Being sent …"
          : atOf(sendAt);
    const button = (label: string, act: () => void) =>
      el("button", { type: "button", "aria-label": `${label}: ${words.slice(0, 60)}`, onclick: act }, label);
    return el(
      "li",
      { "data-id": id },
      el("span", { class: hasFailed ? "when problem" : "when" }, when),
      el("p", { class: "said-later" }, words),
      status !== "sending" &&
        el(
          "span",
          { class: "row-actions" },
          button("Change …", () => openChangeDialog(api, path, message, () => void tell(read))),
          button(hasFailed ? "Discard" : "Cancel it", () => void cancel(id)),
        ),
    );
  };

  const update = () => {
    const focused = [...list.children].findIndex((row) => row.contains(document.activeElement));
    fill(list, ...waiting.map(rowOf));
    fill(note, waiting.length === 0 && "Nothing waits to be sent. The clock beside “Send” sends later.");
    if (focused === -1) return;
    const next = list.children[Math.min(focused, waiting.length - 1)]?.querySelector("button");
    (next ?? dialog.querySelector<HTMLElement>("button[type=submit]"))?.focus();
  };

  const dialog = showInDialog("Messages sent later", note, list, problem);
  void tell(read);
}

function openChangeDialog(api: Api, path: string, message: ScheduledMessage, onDone: () => void) {
  const { id, text, sendAt } = message;
  const at = new Date(Math.max(Date.parse(sendAt), Date.now() + SOON_MS));
  const dialog = openDialog({
    title: "Change the message",
    action: "Save",
    content: [
      text !== undefined &&
        el(
          "label",
          { class: "field" },
          "Text",
          el("textarea", { name: "text", rows: 4, maxLength: TEXT_CHARS_MAX, required: true, value: text }),
        ),
      ...timeField(at),
    ],
    submit: async (form) => {
      const written = fieldOf(form, "text").replaceAll("\r\n", "\n").trim();
      const next = timeIn(form);
      // The field knows minutes: one that was not touched means the time as it stands.
      const isMoved = message.status === "failed" || next.slice(0, 16) !== at.toISOString().slice(0, 16);
      const change = {
        ...(text === undefined || written === text ? {} : { text: written }),
        ...(isMoved ? { sendAt: next } : {}),
      };
      if (Object.keys(change).length > 0) await api.patch(`${path}/${id}`, change);
    },
  });
  dialog.addEventListener("close", onDone);
}
