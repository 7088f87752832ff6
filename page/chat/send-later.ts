import type { Api } from "../../shared/client/api.ts";
import type { NewMessage } from "../../shared/client/connect.ts";
import { openDialog } from "../frame/dialog.ts";
import { el, toast } from "../frame/dom.ts";
import { fieldOf } from "../frame/field-of.ts";
import { atOf, counted } from "../frame/format.ts";

/** As far ahead as the API takes a message. */
const AHEAD_DAYS_MAX = 30;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export interface SendLaterOptions {
  readonly api: Api;
  readonly chat: number;
  readonly message: NewMessage;
  /** It is settled. */
  taken(): void;
}

/** Opens a dialog that asks when a message is to be sent. */
export function openSendLaterDialog({ api, chat, message, taken }: SendLaterOptions) {
  // All tries of this dialog share one key, so that pressing the button again after a failure is one message.
  const key = crypto.randomUUID();
  openDialog({
    title: "Send later",
    action: "Schedule",
    content: [
      el("p", { class: "quote" }, el("span", {}, message.text ?? filesWords(message.files))),
      ...timeField(new Date(Date.now() + HOUR_MS)),
    ],
    submit: async (form) => {
      const sendAt = timeIn(form);
      await api.post(`/chats/${chat}/messages`, { ...message, sendAt }, { key });
      taken();
      toast(`It will be sent ${atOf(sendAt)}.`);
    },
  });
}

/** "2 files", for a message without a text. */
export const filesWords = (files: readonly string[] = []) =>
  files.length === 0 ? "A forwarded message" : counted(files.length, "file", "files");

/** A field for a time that lies ahead, in the clock of who looks. */
export const timeField = (at: Date) => [
  el(
    "label",
    { class: "field" },
    "At",
    el("input", {
      type: "datetime-local",
      name: "at",
      required: true,
      value: localOf(at),
      min: localOf(new Date(Date.now() + MINUTE_MS)),
      max: localOf(new Date(Date.now() + AHEAD_DAYS_MAX * DAY_MS)),
      "aria-describedby": "about-time",
    }),
  ),
  el(
    "p",
    { class: "hint", id: "about-time" },
    `Your time (${Intl.DateTimeFormat().resolvedOptions().timeZone}), at most ${AHEAD_DAYS_MAX} days ahead.`,
  ),
];

/** @throws Error where the field holds no time */
export function timeIn(form: FormData): string {
  const at = new Date(fieldOf(form, "at"));
  if (Number.isNaN(at.getTime())) throw new Error("Choose a day and a time.");
  return at.toISOString();
}

/** As such a field has it: the time that the clock on the wall shows, to the minute. */
const localOf = (at: Date) =>
  new Date(at.getTime() - at.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16);
