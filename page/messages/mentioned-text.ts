import type { Mention } from "../../shared/client/connect.ts";
import { el } from "../frame/dom.ts";

/** A text in which those who are mentioned stand out, oneself the most. */
export function mentionedText(text: string, mentions: readonly Mention[], me: string) {
  const element = el("span", { class: "text" });
  let at = 0;
  for (const { start, end, user } of mentions) {
    const isMe = user === me || user === "all";
    element.append(
      text.slice(at, start),
      el("mark", { class: "mention", ...(isMe ? { "data-me": true } : {}) }, text.slice(start, end)),
    );
    at = end;
  }
  element.append(text.slice(at));
  return element;
}
