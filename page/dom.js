/** @typedef {string | Node | null | undefined | false} Child */

/**
 * Makes an element. Text only ever becomes a text node, so nothing that people write can be markup.
 * Keys that start with "on" are listeners, `data-…` and `aria-…` attributes, others properties.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
    else if (key === "class") element.className = String(value);
    else if (key.includes("-") || key === "role") element.setAttribute(key, String(value));
    else Reflect.set(element, key, value);
  }
  element.append(...present(children));
  return element;
}

/** @param {readonly Child[]} children @returns {(string | Node)[]} */
const present = (children) =>
  /** @type {(string | Node)[]} */ (
    children.filter((child) => child !== null && child !== undefined && child !== false)
  );

/**
 * The element with this id, which index.html promises.
 * @param {string} id
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page lacks #${id}.`);
  return element;
}

/**
 * Replaces what an element holds.
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...present(children));
}

/** Says something to those who hear the page instead of seeing it. @param {string} text */
export function announce(text) {
  const line = el("p", {}, text);
  const region = byId("announce");
  region.append(line);
  while (region.childElementCount > 20) region.firstElementChild?.remove();
}

/**
 * True for an Escape that nothing nearer has taken: no open dialog, no menu, no input method.
 * @param {KeyboardEvent} event
 */
export const isFreeEscape = (event) =>
  event.key === "Escape" &&
  !event.defaultPrevented &&
  !event.isComposing &&
  document.querySelector("dialog[open]") === null;

const TOAST_MS = 6000;

/** Shows a passing notice; the region is live, so it is also read out. @param {string} text */
export function toast(text) {
  const notice = el("p", { class: "toast" }, text);
  byId("toasts").append(notice);
  setTimeout(() => notice.remove(), TOAST_MS);
}
