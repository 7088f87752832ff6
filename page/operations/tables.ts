import { type Child, el } from "../frame/dom.ts";

/**
 * A table whose first column names the rows.
 *
 * @param nothing the text that is shown when there are no rows
 */
export function drawTable(caption: string, head: string[], rows: Child[][], nothing: string) {
  const body = rows.map(([name, ...cells]) =>
    el("tr", {}, el("th", { scope: "row" }, name), ...cells.map((cell) => el("td", {}, cell))),
  );
  const empty = el("tr", {}, el("td", { colSpan: head.length, class: "hint nothing" }, nothing));
  return el(
    "table",
    {},
    el("caption", {}, caption),
    el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, ...(body.length === 0 ? [empty] : body)),
  );
}

/** The last part of a resource's name, which is what people call it. */
export const shortName = (name: string) => name.slice(name.lastIndexOf("/") + 1);
