export type Child = string | Node | null | undefined | false;

/** Attributes, properties and listeners of an element. */
export type Props = Readonly<Record<string, string | number | boolean | undefined | Listener>>;

type Listener = (event: never) => unknown;

/**
 * Makes an element. Text only ever becomes a text node, so nothing that people write can be markup. Keys that
 * start with "on" are listeners, `data-…` and `aria-…` attributes, others properties.
 */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value as EventListener);
    else if (key === "class") element.className = String(value);
    else if (key.includes("-") || key === "role") element.setAttribute(key, String(value));
    else Reflect.set(element, key, value);
  }
  element.append(...present(children));
  return element;
}

const present = (children: readonly Child[]): (string | Node)[] =>
  children.filter((child) => child !== null && child !== undefined && child !== false);

/** The element of the page's HTML with this id. */
export function byId(id: string) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page lacks #${id}.`);
  return element;
}

/** Replaces what an element holds. */
export function fill(element: Element, ...children: Child[]) {
  element.replaceChildren(...present(children));
}

/** Has an element say a text. As far as it says it already that stays, and with it a selection. */
export function extendText(element: Element, text: string) {
  const said = element.textContent ?? "";
  if (said === text) return;
  const node = element.firstChild;
  if (node instanceof Text && text.startsWith(said)) node.appendData(text.slice(said.length));
  else element.textContent = text;
}

/**
 * Changes what an area shows. Where that hides the element with the focus, what `next` says gets it: the
 * browser takes it away at once.
 */
export function keepFocus(area: Element, change: () => void, next: () => HTMLElement) {
  const { activeElement: before } = document;
  change();
  if (before !== null && area.contains(before) && before.closest("[hidden]") !== null) next().focus();
}

/** Says something to people who use a screen reader. */
export function announce(text: string) {
  const line = el("p", {}, text);
  const region = byId("announce");
  region.append(line);
  while (region.childElementCount > 20) region.firstElementChild?.remove();
}

/** True for an Escape that no open dialog, menu or input method uses. */
export const isFreeEscape = (event: KeyboardEvent) =>
  event.key === "Escape" &&
  !event.defaultPrevented &&
  !event.isComposing &&
  document.querySelector("dialog[open]") === null;

const TOAST_MS = 6000;

/** Shows a notice for some seconds. Screen readers read it out. */
export function toast(text: string) {
  const notice = el("p", { class: "toast" }, text);
  byId("toasts").append(notice);
  setTimeout(() => notice.remove(), TOAST_MS);
}
