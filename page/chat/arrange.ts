import type { Chat, Desk } from "../../shared/client/connect.ts";
import { openDialog } from "../frame/dialog.ts";
import { el, toast } from "../frame/dom.ts";
import { fieldOf } from "../frame/field-of.ts";
import { exactTimeOf } from "../frame/format.ts";
import type { Action } from "../frame/menu.ts";
import { messageOf } from "../frame/message-of.ts";
import { orderBetween } from "./chat-order.ts";

export interface ArrangeOptions {
  readonly desk: Desk;
  /** The person's pinned chats, in their order. */
  pinned(): readonly Chat[];
  /** The chat has been marked as unread: it is not to be read at once again. */
  onMarkedUnread(): void;
}

/** What a person can do to their own view of a chat: nobody else sees it. */
export function createArrange({ desk, pinned, onMarkedUnread }: ArrangeOptions) {
  const tell = async (work: Promise<unknown>, done = "") => {
    try {
      await work;
      if (done !== "") toast(done);
    } catch (cause) {
      toast(messageOf(cause));
    }
  };

  /** Puts a pinned chat before another one, or at the end. */
  const place = async (chat: number, before: number | undefined) => {
    const others = pinned().filter(({ number }) => number !== chat);
    const at = before === undefined ? others.length : others.findIndex(({ number }) => number === before);
    const order = orderBetween(others[at - 1]?.order, others[at]?.order);
    if (order !== undefined) return desk.chats.arrange(chat, { order });
    // There is no number between the two any more: all are numbered anew.
    const moved = [
      ...others.slice(0, at).map(({ number }) => number),
      chat,
      ...others.slice(at).map(({ number }) => number),
    ];
    await Promise.all(moved.map((number, index) => desk.chats.arrange(number, { order: index + 1 })));
  };

  const move = (chat: Chat, by: -1 | 1) => {
    const all = pinned();
    const at = all.findIndex(({ number }) => number === chat.number);
    const next = all[at + by];
    if (at === -1 || next === undefined) return;
    void tell(place(chat.number, by === -1 ? next.number : all[at + 2]?.number));
  };

  return {
    move,
    place: (chat: number, before: number | undefined) => void tell(place(chat, before)),

    /** The entries of a chat's menu. */
    actionsOn(chat: Chat): Action[] {
      const { arrange } = desk.chats;
      const { number } = chat;
      const all = pinned();
      const at = all.findIndex((other) => other.number === number);
      const archiving = chat.archived
        ? "Back among your chats."
        : "Archived. The box above the list shows it.";
      return [
        {
          label: chat.pinned ? "Unpin" : "Pin to the top",
          act: () => void tell(arrange(number, { pinned: !chat.pinned })),
        },
        ...(at > 0 ? [{ label: "Move up", act: () => move(chat, -1) }] : []),
        ...(at !== -1 && at < all.length - 1 ? [{ label: "Move down", act: () => move(chat, 1) }] : []),
        {
          label: chat.archived ? "Bring back" : "Archive",
          act: () => void tell(arrange(number, { archived: !chat.archived }), archiving),
        },
        {
          label: "Mark as unread",
          act: () => {
            void tell(arrange(number, { markedUnread: true }));
            onMarkedUnread();
          },
        },
        { label: "Notifications …", act: () => openNotificationsDialog(desk, chat) },
      ];
    },
  };
}

export type Arrange = ReturnType<typeof createArrange>;

const HOUR_MS = 3_600_000;
const MUTES = [
  { value: "hour", label: "For an hour", ms: HOUR_MS },
  { value: "night", label: "For 8 hours", ms: 8 * HOUR_MS },
  { value: "week", label: "For a week", ms: 7 * 24 * HOUR_MS },
] as const;

const LEVELS = [
  { value: "all", label: "Of every message", hint: "" },
  { value: "mentions", label: "Of mentions only", hint: "When somebody writes @ and your name, or @all." },
  { value: "none", label: "Of nothing", hint: "" },
] as const;

/** A mute whose time has passed is none. */
export const isMuted = ({ mute }: Chat) =>
  mute !== undefined && (mute.until === null || Date.parse(mute.until) > Date.now());

/** Opens a dialog that asks of what the person wants to be notified, and until when of nothing. */
function openNotificationsDialog(desk: Desk, chat: Chat) {
  const { number } = chat;
  const muted = isMuted(chat) ? chat.mute : undefined;
  const lasts = muted?.until == null ? "Until I unmute it" : `As it is, until ${exactTimeOf(muted.until)}`;
  openDialog({
    title: "Notifications",
    action: "Save",
    content: [
      el(
        "fieldset",
        {},
        el("legend", {}, "Notify me"),
        ...LEVELS.map(({ value, label, hint }) =>
          choice({ name: "level", value, label, hint, checked: value === chat.notify }),
        ),
      ),
      el(
        "fieldset",
        {},
        el("legend", {}, "Mute"),
        choice({ name: "mute", value: "no", label: "Not muted", checked: muted === undefined }),
        muted?.until != null && choice({ name: "mute", value: "as-is", label: lasts, checked: true }),
        ...MUTES.map(({ value, label }) => choice({ name: "mute", value, label })),
        choice({ name: "mute", value: "ever", label: "Until I unmute it", checked: muted?.until === null }),
      ),
    ],
    async submit(form) {
      const level = LEVELS.find(({ value }) => value === form.get("level"))?.value;
      if (level !== undefined && level !== chat.notify) await desk.chats.arrange(number, { notify: level });
      const wanted = fieldOf(form, "mute");
      const forMs = MUTES.find(({ value }) => value === wanted)?.ms;
      if (wanted === "no" && chat.mute !== undefined) await desk.chats.unmute(number);
      if (wanted === "ever" && muted?.until !== null) await desk.chats.mute(number, null);
      if (forMs !== undefined) await desk.chats.mute(number, new Date(Date.now() + forMs).toISOString());
    },
  });
}

interface Choice {
  readonly name: string;
  readonly value: string;
  readonly label: string;
  readonly hint?: string;
  readonly checked?: boolean;
}

const choice = ({ name, value, label, hint = "", checked = false }: Choice) =>
  el(
    "label",
    { class: "choice" },
    el("input", { type: "radio", name, value, checked }),
    el("span", {}, label, hint !== "" && el("small", {}, hint)),
  );
