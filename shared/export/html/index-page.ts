import { exportPaths } from "../contract.ts";
import { markup } from "./markup.ts";
import { linkTo, type Manner, pageBytes, timeOf } from "./page.ts";

/** A chat in the index. */
export interface IndexRow {
  readonly number: number;
  readonly title: string;
  readonly messages: number;
  readonly latestAt: string;
}

export interface IndexPage {
  /** Whose it is: a person's or an app's name. */
  readonly title: string;
  readonly begunAt: string;
  readonly part: number;
  readonly rows: readonly IndexRow[];
  readonly isLast: boolean;
  /** Files of the archive besides chats, by what they hold. */
  readonly besides: readonly { readonly path: string; readonly label: string }[];
  readonly manner: Manner;
}

/** Chats on one page of the index. */
export const INDEX_ROWS = 500;

/** A page of the list of all chats; the first is where to begin reading. Pure. */
export function indexPage({ title, begunAt, part, rows, isLast, besides, manner }: IndexPage): Buffer {
  const body = markup`<header><h1 dir="auto">${title}</h1>
<p class="about">Exported ${timeOf(begunAt, manner)}. Machines read the files that end in <code>.json</code>.</p>
${part === 1 && besides.length > 0 && markup`<nav>${besides.map(({ path, label }) => markup`<a href="${linkTo(path, 0)}">${label}</a> `)}</nav>`}
</header>
<main><h2>Chats</h2>
${rows.length === 0 && markup`<p class="gone">No chats.</p>`}
<ul class="rows">${rows.map(
    (
      row,
    ) => markup`<li data-find><a dir="auto" href="${linkTo(exportPaths.page(row.number, 1), 0)}">${row.title}</a>
<div class="about">Chat ${row.number} · ${row.messages} messages · ${timeOf(row.latestAt, manner)}</div></li>`,
  )}</ul></main>
<footer><nav>
${part > 1 && markup`<a rel="prev" href="${linkTo(exportPaths.index(part - 1), 0)}">Previous chats</a>`}
${!isLast && markup`<a rel="next" href="${linkTo(exportPaths.index(part + 1), 0)}">More chats</a>`}
</nav></footer>`;
  return pageBytes({ title, find: "Search titles", body });
}
