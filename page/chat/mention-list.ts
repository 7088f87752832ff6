import { type Named, offered, soughtBefore } from "../../shared/client/mentions.ts";
import { announce, el, fill } from "../frame/dom.ts";
import { counted } from "../frame/format.ts";

/** At most so many people are offered at once. */
const OFFERED_MAX = 8;

let lists = 0;

export interface MentionListOptions {
  readonly field: HTMLTextAreaElement;
  /** Those who can be mentioned here, and what is said of them beside their name. */
  people(): readonly (Named & { readonly hint?: string })[];
}

/**
 * Offers members while somebody types behind an at sign: arrow keys choose, Enter and Tab take, Escape
 * closes. The focus stays in the field, which names the one that is chosen.
 */
export function createMentionList({ field, people }: MentionListOptions) {
  lists += 1;
  const id = `mentions-${lists}`;
  const element = el("ul", {
    class: "mention-list",
    role: "listbox",
    id,
    "aria-label": "Members",
    hidden: true,
  });
  let found: readonly (Named & { readonly hint?: string })[] = [];
  let at = 0;
  /** Where the sign stands that was closed with Escape. */
  let dismissed = -1;
  /** Whom the person has chosen; two may go by one name. */
  let chosen: Named[] = [];
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", id);

  const close = () => {
    found = [];
    element.hidden = true;
    field.removeAttribute("aria-activedescendant");
  };

  const show = () => {
    fill(
      element,
      ...found.map(({ name, hint }, index) =>
        el(
          "li",
          {
            role: "option",
            id: `${id}-${index}`,
            "aria-selected": index === at,
            // The field keeps the focus.
            onmousedown: (event: MouseEvent) => {
              event.preventDefault();
              at = index;
              take();
            },
          },
          el("span", {}, `@${name}`),
          hint !== undefined && el("small", {}, hint),
        ),
      ),
    );
    element.hidden = false;
    field.setAttribute("aria-activedescendant", `${id}-${at}`);
    element.children[at]?.scrollIntoView({ block: "nearest" });
  };

  const look = (kept?: string) => {
    const sought =
      field.selectionStart === field.selectionEnd
        ? soughtBefore(field.value, field.selectionStart)
        : undefined;
    if (sought?.start !== dismissed) dismissed = -1;
    if (sought === undefined || dismissed !== -1) return close();
    const before = found.length;
    found = offered(sought.wanted, people()).slice(0, OFFERED_MAX);
    // Nobody else may come under the finger of whoever is about to choose.
    at = Math.max(
      0,
      found.findIndex(({ user }) => user === kept),
    );
    if (found.length === 0) return close();
    show();
    if (before !== found.length)
      announce(`${counted(found.length, "member")} to mention. Arrow keys choose.`);
  };

  const take = () => {
    const one = found[at];
    const sought = soughtBefore(field.value, field.selectionStart);
    if (one === undefined || sought === undefined) return close();
    chosen = [{ name: one.name, user: one.user }, ...chosen];
    field.setRangeText(`@${one.name} `, sought.start, field.selectionStart, "end");
    close();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    close();
  };

  field.addEventListener("input", () => look());
  field.addEventListener("click", () => look());
  field.addEventListener("blur", close);

  return {
    element,
    /** A name has become known: whoever is seeking may have sought it. */
    lookAgain() {
      if (document.activeElement === field) look(found[at]?.user);
    },
    /** Whether the key was for the list. */
    takeKey(event: KeyboardEvent) {
      if (element.hidden || event.isComposing) return false;
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (by !== undefined) {
        at = (at + by + found.length) % found.length;
        show();
      } else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") take();
      else if (event.key === "Escape") {
        dismissed = soughtBefore(field.value, field.selectionStart)?.start ?? -1;
        close();
      } else return false;
      event.preventDefault();
      return true;
    },
    /** Whom the person has chosen since they were forgotten last. */
    get chosen(): readonly Named[] {
      return chosen;
    },
    forgetChosen() {
      chosen = [];
    },
  };
}
