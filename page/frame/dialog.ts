import { type Child, el, fill } from "./dom.ts";
import { messageOf } from "./message-of.ts";

let dialogs = 0;
/** One dialog may open another, and each has a title of its own. */
const titleId = () => {
  dialogs += 1;
  return `dialog-title-${dialogs}`;
};

export interface DialogOptions {
  readonly title: string;
  readonly content: Child[];
  /** What the button says. */
  readonly action: string;
  readonly isDangerous?: boolean;
  submit(form: FormData): Promise<void>;
}

/**
 * Opens a modal dialog with a form. The button calls `submit`; when that throws, the dialog stays and says
 * why. Escape and "Cancel" close it, and the browser puts the focus back where it was.
 */
export function openDialog({ title, content, action, isDangerous = false, submit }: DialogOptions) {
  const id = titleId();
  const problem = el("p", { class: "problem", role: "alert" });
  const go = el("button", { type: "submit", class: isDangerous ? "danger" : "primary" }, action);
  const form: HTMLFormElement = el(
    "form",
    { method: "dialog" },
    el("h2", { id }, title),
    ...content,
    problem,
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Cancel"),
      go,
    ),
  );
  const dialog: HTMLDialogElement = el("dialog", { "aria-labelledby": id }, form);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    fill(problem);
    try {
      await submit(new FormData(form));
      dialog.close();
    } catch (cause) {
      fill(problem, messageOf(cause));
    }
    go.disabled = false;
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Shows something in a modal dialog, with nothing to decide. */
export function showInDialog(title: string, ...content: Child[]) {
  const id = titleId();
  const dialog = el(
    "dialog",
    { "aria-labelledby": id },
    el(
      "form",
      { method: "dialog" },
      el("h2", { id }, title),
      ...content,
      el("div", { class: "actions" }, el("button", { type: "submit", autofocus: true }, "Close")),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
