import type { Api } from "../../shared/client/api.ts";
import type { Message, Page } from "../../shared/client/connect.ts";
import { showInDialog } from "../frame/dialog.ts";
import { el, fill } from "../frame/dom.ts";
import { messageOf } from "../frame/message-of.ts";
import { createMessageFiles } from "./message-files.ts";

/** So many messages are looked through at once. */
const PAGE_LIMIT = 100;
/** A press on the button looks on until it has found so many files, or has looked through so many pages. */
const FOUND_MIN = 12;
const PAGES_MAX = 10;

/** Shows the images and files of a chat, the newest first. */
export function showGallery(api: Api, chat: number) {
  const draw = createMessageFiles(api, chat, () => undefined);
  const images = el("ul", { class: "gallery", "aria-label": "Images" });
  const others = el("ul", { class: "gallery-files", "aria-label": "Other files" });
  const note = el("p", { class: "hint", role: "status" }, "Looking …");
  const problem = el("p", { class: "problem", role: "alert" });
  const more = el("button", { type: "button", hidden: true }, "Look further back");
  const seen = new Set<string>();
  let before: number | undefined;
  let isAtEnd = false;

  const show = ({ files = [] }: Message) => {
    for (const file of files) {
      if (file.status !== "ready" || seen.has(file.id)) continue;
      seen.add(file.id);
      const list = file.image === undefined ? others : images;
      list.append(el("li", {}, draw(file)));
    }
  };
  const look = async () => {
    const wanted = seen.size + FOUND_MIN;
    for (let pages = 0; pages < PAGES_MAX && seen.size < wanted && !isAtEnd; pages += 1) {
      const query = before === undefined ? "" : `&before=${before}`;
      const page = await api.get<Page<Message>>(`/chats/${chat}/messages?limit=${PAGE_LIMIT}${query}`);
      const newestFirst = page.data.toSorted((one, other) => other.number - one.number);
      newestFirst.forEach(show);
      before = newestFirst.at(-1)?.number;
      isAtEnd = before === undefined || newestFirst.length < PAGE_LIMIT;
    }
  };
  const lookOn = async () => {
    more.disabled = true;
    fill(problem);
    try {
      await look();
    } catch (cause) {
      fill(problem, messageOf(cause));
    }
    fill(note, seen.size > 0 ? "" : isAtEnd ? "There are none in this chat." : "None so far.");
    more.disabled = false;
    more.hidden = isAtEnd;
  };
  more.addEventListener("click", () => void lookOn());
  const dialog = showInDialog("Images and files", images, others, note, problem, more);
  dialog.classList.add("gallery-dialog");
  void lookOn();
}
