import type { Desk, User } from "../../shared/client/connect.ts";
import { el, fill } from "../frame/dom.ts";
import { messageOf } from "../frame/message-of.ts";
import type { People } from "../frame/people.ts";

export interface PeopleFinderOptions {
  readonly desk: Pick<Desk, "searchPeople">;
  readonly people: Pick<People, "learn">;
  /** What the field is called. */
  readonly label: string;
  /** What the list of those found is called. */
  readonly listLabel: string;
  /** Those who stand in the list whatever is looked for. */
  kept?(): readonly User[];
  /** Whether somebody is to be seen at all. */
  isOffered(user: User): boolean;
  rowOf(user: User): HTMLElement;
  /** Something else is looked for. */
  onSearch?(): void;
}

/** Finds people of the app by name, as one types: the server looks for them, and brings a page at a time. */
export function createPeopleFinder(options: PeopleFinderOptions) {
  const { desk, people, label, listLabel, isOffered, rowOf, kept = () => [] } = options;
  const search = desk.searchPeople();
  const field = el("input", { type: "search", placeholder: "Search by name", autocomplete: "off" });
  const list = el("ul", { class: "members", "aria-label": listLabel });
  const note = el("p", { class: "hint", role: "status" });
  const more = el("button", { type: "button", class: "link", hidden: true }, "More people");

  const focusOn = (at: number) =>
    (list.children[at]?.querySelector<HTMLElement>("input, button") ?? field).focus();

  const update = () => {
    const { found, error, isSearching } = search;
    people.learn(found.data);
    const always = kept();
    const ids = new Set(always.map(({ id }) => id));
    const offered = found.data.filter((user) => !ids.has(user.id) && isOffered(user));
    const focused = [...list.children].findIndex((row) => row.contains(document.activeElement));
    fill(list, ...[...always, ...offered].map(rowOf));
    // Whoever was added is here no more; the one who has come in their place is next.
    if (focused !== -1) focusOn(Math.min(focused, list.childElementCount - 1));
    more.hidden = !found.hasMore;
    const isNobody = offered.length === 0 && !found.hasMore && !isSearching;
    const nobody = search.asked.text.trim() === "" ? "Nobody else is here yet." : "Nobody else by this name.";
    fill(note, error === undefined ? isNobody && nobody : messageOf(error));
  };

  field.addEventListener("input", () => {
    options.onSearch?.();
    search.ask({ text: field.value });
  });
  field.addEventListener("keydown", (event) => {
    // Enter searches; it must not press the dialog's button.
    if (event.key === "Enter") event.preventDefault();
  });
  more.addEventListener("click", async () => {
    const before = list.childElementCount;
    try {
      await search.loadMore();
      update();
      focusOn(before);
    } catch (cause) {
      fill(note, messageOf(cause));
    }
  });
  search.on("change", update);
  search.ask({ text: "" });
  return {
    element: el(
      "div",
      { class: "offer", role: "group", "aria-label": label },
      el("label", { class: "field" }, label, field),
      list,
      more,
      note,
    ),
    update,
    close: search.close,
  };
}
