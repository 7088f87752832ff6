import { showInDialog } from "../frame/dialog.ts";
import { el, fill } from "../frame/dom.ts";
import { exactTimeOf } from "../frame/format.ts";
import { messageOf } from "../frame/message-of.ts";

/** Shows the texts of a message, latest first. */
export async function showHistory(read: () => Promise<{ text: string; createdAt: string }[]>) {
  const list = el("ol", { class: "versions", "aria-busy": true }, el("li", { class: "hint" }, "Loading …"));
  showInDialog("What it said", list);
  try {
    const versions = (await read()).toReversed();
    fill(list, ...versions.map((version, index) => drawVersion(version, index, versions.length)));
    if (versions.length === 0) fill(list, el("li", { class: "hint" }, "There is nothing earlier."));
  } catch (cause) {
    fill(list, el("li", { class: "problem", role: "alert" }, messageOf(cause)));
  }
  list.removeAttribute("aria-busy");
}

function drawVersion({ text, createdAt }: { text: string; createdAt: string }, index: number, count: number) {
  const place = index === 0 ? "Now" : index === count - 1 ? "At first" : "Before that";
  return el(
    "li",
    {},
    el("p", { class: "version-head" }, el("strong", {}, place), " · ", exactTimeOf(createdAt)),
    el("p", { class: "version" }, text),
  );
}
