import { el, fill } from "./dom.js";

/**
 * Asks something in a modal dialog. `submit` does what was asked for; when it throws, the dialog stays
 * and says why. Escape and "Cancel" close it, and the browser puts the focus back where it was.
 *
 * @param {object} options
 * @param {string} options.title
 * @param {import("./dom.js").Child[]} options.content
 * @param {string} options.action what the button says
 * @param {boolean} [options.isDangerous]
 * @param {(form: FormData) => Promise<void>} options.submit
 */
export function openDialog({ title, content, action, isDangerous = false, submit }) {
  const problem = el("p", { class: "problem", role: "alert" });
  const go = el("button", { type: "submit", class: isDangerous ? "danger" : "primary" }, action);
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", { id: "dialog-title" }, title),
    ...content,
    problem,
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Cancel"),
      go,
    ),
  );
  const dialog = el("dialog", { "aria-labelledby": "dialog-title" }, form);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    fill(problem);
    try {
      await submit(new FormData(form));
      dialog.close();
    } catch (cause) {
      fill(problem, /** @type {Error} */ (cause).message);
    }
    go.disabled = false;
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/**
 * Shows something in a modal dialog, with nothing to decide.
 *
 * @param {string} title
 * @param {...import("./dom.js").Child} content
 */
export function showInDialog(title, ...content) {
  const dialog = el(
    "dialog",
    { "aria-labelledby": "dialog-title" },
    el(
      "form",
      { method: "dialog" },
      el("h2", { id: "dialog-title" }, title),
      ...content,
      el("div", { class: "actions" }, el("button", { type: "submit", autofocus: true }, "Close")),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
