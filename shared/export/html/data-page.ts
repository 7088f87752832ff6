import { exportPaths } from "../contract.ts";
import { markup } from "./markup.ts";
import { dataOf, linkTo, pageBytes } from "./page.ts";

/** A page of something besides chats, which lies one folder deep. Pure. */
export const dataPage = (title: string, data: unknown): Buffer =>
  pageBytes({
    title,
    body: markup`<header><nav><a href="${linkTo(exportPaths.index(1), 1)}">Beginning</a></nav>
<h1 dir="auto">${title}</h1></header>
<main>${dataOf(data)}</main>`,
  });
