import type { ExportedChat, ExportedMessage } from "../contract.ts";
import { exportPaths } from "../contract.ts";
import { type Html, markup } from "./markup.ts";
import { linkTo, type Manner, pageBytes, timeOf } from "./page.ts";

export interface ChatPage {
  readonly chat: Pick<ExportedChat, "number" | "title" | "kind" | "messagesCount">;
  readonly part: number;
  readonly messages: readonly ExportedMessage[];
  /** Whether another page follows. */
  readonly isLast: boolean;
  /** The person lost the chat before this page. */
  readonly isCut?: boolean;
  readonly nameOf: (id: string) => string;
  readonly manner: Manner;
}

/** How deep the pages of chats lie. */
const DEPTH = 2;

/** A page of a chat, readable without anything else. Pure. */
export function chatPage(page: ChatPage): Buffer {
  const { chat, part, messages, isLast, isCut } = page;
  const around = markup`<nav>
<a href="${linkTo(exportPaths.index(1), DEPTH)}">All chats</a>
${part > 1 && markup`<a rel="prev" href="${linkTo(exportPaths.page(chat.number, part - 1), DEPTH)}">Earlier</a>`}
${!isLast && markup`<a rel="next" href="${linkTo(exportPaths.page(chat.number, part + 1), DEPTH)}">Later</a>`}
</nav>`;
  const body = markup`<header>${around}
<h1 dir="auto">${chat.title}</h1>
<p class="about">Chat ${chat.number} · ${chat.messagesCount} messages</p></header>
<main>${messages.map((message) => messageArticle(message, page))}
${isCut === true && markup`<p class="gone">Your access to this chat ended while it was exported.</p>`}
${messages.length === 0 && isCut !== true && markup`<p class="gone">No messages.</p>`}</main>
<footer>${around}</footer>`;
  return pageBytes({ title: chat.title, find: "Search this page", body });
}

function messageArticle(message: ExportedMessage, page: ChatPage): Html {
  const { manner, nameOf } = page;
  const { number, parent, createdAt, editedAt } = message;
  const isElsewhere = parent !== null && parent !== number - 1;
  return markup`<article id="m${number}" data-find>
<div class="about"><b dir="auto">${senderOf(message.sender, nameOf)}</b> ${timeOf(createdAt, manner)}
<a href="#m${number}">${number}</a>
${isElsewhere && markup` · follows <a href="#m${parent}">${parent}</a>`}
${message.thread !== undefined && markup` · in the thread of <a href="#m${message.thread}">${message.thread}</a>`}
${editedAt !== undefined && markup` · edited ${timeOf(editedAt, manner)}`}
${message.pinned !== undefined && markup` · pinned`}</div>
${saidIn(message, page)}
</article>`;
}

/** What a message says, by what has become of it. */
function saidIn(message: ExportedMessage, page: ChatPage): Html {
  if (message.status === "deleted") return markup`<p class="gone">Deleted.</p>`;
  if (message.hidden === true) return markup`<p class="gone">Withheld by a moderator.</p>`;
  if (message.event !== undefined)
    return markup`<p class="gone" dir="auto">${eventWords(message.event, page.nameOf)}</p>`;
  return markup`${message.parts.map((part) => partOf(part, message, page))}
${message.error !== undefined && markup`<p class="gone" dir="auto">${message.error.message}</p>`}
${message.thinking !== undefined && markup`<details><summary>Thinking</summary><p class="text" dir="auto">${message.thinking.text}</p></details>`}
${reactionsOf(message, page)}
${earlierOf(message, page)}`;
}

type Part = ExportedMessage["parts"][number];

function partOf(part: Part, message: ExportedMessage, { nameOf, manner }: ChatPage): Html {
  switch (part.type) {
    case "text":
      return markup`<p class="text" dir="auto">${part.text}</p>`;
    case "quote":
      return markup`<blockquote dir="auto"><a href="#m${part.message}">${senderOf(part.sender, nameOf)}</a>: ${part.text}</blockquote>`;
    case "forward":
      return markup`<blockquote dir="auto">Forwarded from ${senderOf(part.sender, nameOf)}, ${timeOf(part.createdAt, manner)}
<p class="text" dir="auto">${part.text}</p></blockquote>`;
    case "image":
    case "file":
      return fileOf(part.file, message);
  }
}

/** Of images the picture, of everything a link to the file beside the page. */
function fileOf(id: string, message: ExportedMessage): Html {
  const file = message.files?.find((each) => each.id === id);
  const path = message.attachments?.find((each) => each.file === id)?.path;
  const name = file?.name ?? "File";
  if (path === undefined) return markup`<p class="gone" dir="auto">${name} (not available)</p>`;
  const address = linkTo(path, DEPTH);
  const isShown = file !== undefined && /^image\/(?:jpeg|png|webp|gif)$/.test(file.type);
  return markup`<p>${isShown && markup`<img loading="lazy" src="${address}" alt="">`}<a dir="auto" href="${address}">${name}</a></p>`;
}

function reactionsOf({ reactions }: ExportedMessage, { nameOf }: ChatPage): Html | undefined {
  const each = Object.entries(reactions);
  if (each.length === 0) return undefined;
  return markup`<p class="about" dir="auto">${each.map(([emoji, people]) => markup`${emoji} ${people.map(nameOf).join(", ")} `)}</p>`;
}

/** The last of what was said is what it says now. */
function earlierOf({ edits = [] }: ExportedMessage, { manner }: ChatPage): Html | undefined {
  if (edits.length < 2) return undefined;
  return markup`<details><summary>What it said before</summary>${edits
    .slice(0, -1)
    .map(
      ({ text, createdAt }) =>
        markup`<blockquote>${timeOf(createdAt, manner)}<p class="text" dir="auto">${text}</p></blockquote>`,
    )}</details>`;
}

const senderOf = (sender: ExportedMessage["sender"], nameOf: ChatPage["nameOf"]): string =>
  "model" in sender ? sender.model : (sender.bot ?? nameOf(sender.id));

function eventWords(event: NonNullable<ExportedMessage["event"]>, nameOf: ChatPage["nameOf"]): string {
  switch (event.type) {
    case "joined":
      return `${nameOf(event.user)} joined.`;
    case "left":
      return `${nameOf(event.user)} left.`;
    case "removed":
      return `${nameOf(event.user)} was removed.`;
    case "renamed":
      return `The chat was renamed: ${event.title}`;
  }
}
