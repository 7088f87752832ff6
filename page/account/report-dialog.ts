import type { Api } from "../../shared/client/api.ts";
import { openDialog } from "../frame/dialog.ts";
import { el, toast } from "../frame/dom.ts";
import { fieldOf } from "../frame/field-of.ts";
import type { Blocks } from "./blocks.ts";

/** As many characters of a reason as the API takes. */
const REASON_CHARS_MAX = 1_000;

/** What is reported: a message, or somebody. */
export type Reported = { readonly message: { chat: number; message: number } } | { readonly user: string };

/** Opens a dialog that tells the moderators of a message or of somebody. */
export function openReportDialog(api: Api, what: Reported, name: string) {
  const isMessage = "message" in what;
  openDialog({
    title: isMessage ? `Report this message of ${name}` : `Report ${name}`,
    action: "Report",
    content: [
      el(
        "label",
        { class: "field" },
        "What is wrong?",
        el("textarea", { name: "reason", rows: 3, required: true, maxLength: REASON_CHARS_MAX }),
      ),
      el(
        "p",
        { class: "hint" },
        isMessage
          ? "Administrators see the message, three on either side of it, and that it was you who reported it."
          : "Administrators see whom you reported, why, and that it was you.",
      ),
    ],
    submit: async (form) => {
      await api.post("/reports", { ...what, reason: fieldOf(form, "reason").trim() });
      toast("Reported. Thank you.");
    },
  });
}

/** Opens a dialog that asks whether to block somebody. */
export function openBlockDialog(
  blocks: Blocks,
  { user, name }: { readonly user: string; readonly name: string },
) {
  openDialog({
    title: `Block ${name}?`,
    action: "Block",
    isDangerous: true,
    content: [
      el(
        "p",
        {},
        `${name} opens no direct chat with you and writes nothing in the one there is. What they write in groups you still see, but nothing tells you of it. You take it back under “Account”.`,
      ),
    ],
    submit: async () => {
      await blocks.block(user);
      toast(`${name} is blocked.`);
    },
  });
}
