import { announce, el, fill } from "../../../page/frame/dom.ts";
import { exactTimeOf, timeOf } from "../../../page/frame/format.ts";
import { poll, type Polling } from "../../../page/frame/polling.ts";
import type { Control, Mail, Push } from "./control.ts";

const CODE = /\b(\d{6})\b/;

/**
 * The mails and pushes that the functions have sent, the newest first. Six digits in a mail are a button that
 * hands them on.
 */
export function createMailbox(control: Control, onCode: (code: string) => void) {
  const list = el("ol", { class: "mails" });
  const empty = el(
    "p",
    { class: "hint" },
    "No mail yet. What the functions send over SMTP, and push to devices, comes here instead of into the world.",
  );
  const element = el("div", {}, empty, list);
  /** What is shown now, so that only a change is drawn. */
  let shown = "";
  let newest = "";
  let polling: Polling | undefined;

  const refresh = async (signal: AbortSignal) => {
    const [mails, pushes] = await Promise.all([control.mail(signal), control.pushes(signal)]);
    const key = JSON.stringify([mails, pushes]);
    if (key === shown) return false;
    const first = mails[0];
    if (first !== undefined && newest !== "" && first.at !== newest) announce(`New mail: ${first.subject}`);
    newest = first?.at ?? "none";
    shown = key;
    const all = [
      ...mails.map((mail) => ({ at: mail.at, draw: () => drawMail(mail, onCode) })),
      ...pushes.map((push) => ({ at: push.at, draw: () => drawPush(push) })),
    ].sort((a, b) => b.at.localeCompare(a.at));
    empty.hidden = all.length > 0;
    fill(list, ...all.map(({ draw }) => draw()));
    return true;
  };

  return {
    id: "mailbox",
    label: "Mailbox",
    element,
    start() {
      polling = poll({ everyMs: 250, slowestMs: 4000, refresh });
    },
    stop: () => polling?.stop(),
    /** A mail is on its way: refreshes now, and again soon. */
    expect: () => polling?.now(),
  };
}

function drawMail(mail: Mail, onCode: (code: string) => void) {
  // Some mails say the code only in their subject.
  const inSubject = !CODE.test(mail.text);
  return el(
    "li",
    { class: "mail" },
    el(
      "p",
      { class: "mail-head" },
      el("span", { class: "mail-to" }, mail.to),
      el("time", { dateTime: mail.at, title: exactTimeOf(mail.at) }, timeOf(mail.at)),
    ),
    el("h3", {}, ...(inSubject ? withCodes(mail.subject, onCode) : [mail.subject])),
    el("p", { class: "mail-text" }, ...withCodes(mail.text.trim(), onCode)),
  );
}

function drawPush({ at, user, token, notification }: Push) {
  return el(
    "li",
    { class: "mail" },
    el(
      "p",
      { class: "mail-head" },
      el("span", { class: "mail-to", title: user ?? "" }, `Push to ${token}`),
      el("time", { dateTime: at, title: exactTimeOf(at) }, timeOf(at)),
    ),
    el("h3", {}, notification?.title ?? "Without a text"),
    el("p", { class: "mail-text" }, notification?.body ?? ""),
  );
}

function withCodes(text: string, onCode: (code: string) => void) {
  return text
    .split(CODE)
    .map((part, index) =>
      index % 2 === 0
        ? part
        : el(
            "button",
            { type: "button", class: "code", title: "Fill this code in", onclick: () => onCode(part) },
            part,
          ),
    );
}
