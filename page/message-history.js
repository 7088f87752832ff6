import { showInDialog } from "./dialog.js";
import { el, fill } from "./dom.js";
import { exactTimeOf } from "./format.js";

/**
 * What a message has said, latest first.
 * @param {() => Promise<{ text: string, createdAt: string }[]>} read
 */
export async function showHistory(read) {
  const list = el("ol", { class: "versions", "aria-busy": true }, el("li", { class: "hint" }, "Loading …"));
  showInDialog("What it said", list);
  try {
    const versions = (await read()).toReversed();
    fill(list, ...versions.map((version, index) => drawVersion(version, index, versions.length)));
    if (versions.length === 0) fill(list, el("li", { class: "hint" }, "There is nothing earlier."));
  } catch (cause) {
    fill(list, el("li", { class: "problem", role: "alert" }, /** @type {Error} */ (cause).message));
  }
  list.removeAttribute("aria-busy");
}

/** @param {{ text: string, createdAt: string }} version @param {number} index @param {number} count */
function drawVersion({ text, createdAt }, index, count) {
  const place = index === 0 ? "Now" : index === count - 1 ? "At first" : "Before that";
  return el(
    "li",
    {},
    el("p", { class: "version-head" }, el("strong", {}, place), " · ", exactTimeOf(createdAt)),
    el("p", { class: "version" }, text),
  );
}
