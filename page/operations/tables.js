import { el } from "../dom.js";

/**
 * A table whose first column names the rows.
 *
 * @param {string} caption
 * @param {string[]} head
 * @param {import("../dom.js").Child[][]} rows
 * @param {string} nothing what stands there when there are no rows
 */
export function drawTable(caption, head, rows, nothing) {
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

/** The last part of a resource's name, which is what people call it. @param {string} name */
export const shortName = (name) => name.slice(name.lastIndexOf("/") + 1);
