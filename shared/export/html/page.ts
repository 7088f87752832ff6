import { createHash } from "node:crypto";
import { constant, type Html, markup } from "./markup.ts";

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:light-dark(#595959,#a6a6a6)}
*{box-sizing:border-box}
body{margin:0 auto;max-width:48rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.4rem;margin:.5rem 0}
nav{display:flex;flex-wrap:wrap;gap:1rem;margin:.5rem 0}
time,.about{color:var(--soft);font-size:.875rem}
.about b{color:CanvasText;font-size:1rem}
article{border-top:1px solid var(--line);padding:.6rem 0}
article:target{outline:2px solid Highlight;outline-offset:.2rem}
.text{white-space:pre-wrap;margin:.2rem 0}
.gone{font-style:italic;color:var(--soft)}
blockquote{margin:.3rem 0;padding-inline-start:.7rem;border-inline-start:3px solid var(--line)}
img{max-width:100%;max-height:24rem;display:block;margin:.3rem 0}
ul.rows{list-style:none;padding:0}
ul.rows li{border-top:1px solid var(--line);padding:.5rem 0}
table{border-collapse:collapse}
th{white-space:nowrap}
th,td{text-align:start;padding:.15rem 1rem .15rem 0;vertical-align:top}
input[type=search]{font:inherit;width:100%;padding:.4rem;margin:.5rem 0}
@media print{nav,input{display:none}}
`;

/** Shows what has the words that are typed; without a script the page is whole, and lacks only the field. */
const SCRIPT = `
const field=document.querySelector("input[type=search]");
if(field){field.hidden=false;field.addEventListener("input",()=>{
const words=field.value.toLowerCase().split(/\\s+/).filter(Boolean);
for(const each of document.querySelectorAll("[data-find]")){
const text=each.textContent.toLowerCase();each.hidden=!words.every((word)=>text.includes(word))}})}
`;

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Only this style and this script, and files beside the page: no other word in it can do anything. */
const POLICY = [
  "default-src 'none'",
  `style-src ${hashOf(STYLE)}`,
  `script-src ${hashOf(SCRIPT)}`,
  "img-src 'self' file: data:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** A whole page, which needs nothing from elsewhere. `find` labels the field that searches it. */
export function pageBytes({
  title,
  find,
  body,
}: {
  readonly title: string;
  readonly find?: string | undefined;
  readonly body: Html;
}): Buffer {
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${constant(STYLE)}</style>
</head>
<body>
${find !== undefined && markup`<input type="search" hidden aria-label="${find}" placeholder="${find}">`}
${body}
<script>${constant(SCRIPT)}</script>
</body>
</html>
`;
  return Buffer.from(page.html);
}

/** What is known of something, whatever it is: lists and tables within one another. */
export function dataOf(value: unknown): Html {
  if (Array.isArray(value)) {
    if (value.length === 0) return markup`<p class="gone">None.</p>`;
    return markup`<ul class="rows">${value.map((each) => markup`<li data-find>${dataOf(each)}</li>`)}</ul>`;
  }
  if (typeof value === "object" && value !== null) {
    const rows = Object.entries(value).map(
      ([name, each]) => markup`<tr><th scope="row">${name}</th><td>${dataOf(each)}</td></tr>`,
    );
    return markup`<table>${rows}</table>`;
  }
  if (value === null || value === undefined) return markup`–`;
  const said = typeof value === "string" ? value : JSON.stringify(value);
  // A generated picture is an address of its own, as long as a page.
  return markup`<span dir="auto">${said.startsWith("data:") ? "(generated)" : said}</span>`;
}

/** How times are said to whoever the export is for. */
export interface Manner {
  readonly language: string;
  readonly timeZone: string;
}

/** A moment, as its reader writes it, with the moment itself beside it. */
export function timeOf(at: string, { language, timeZone }: Manner): Html {
  const format = { dateStyle: "medium", timeStyle: "short", timeZone } as const;
  const said = new Intl.DateTimeFormat(language, format).format(Date.parse(at));
  return markup`<time datetime="${at}">${said}</time>`;
}

/** The address of a path of the archive, from a page that lies so many folders deep. */
export const linkTo = (path: string, depth: number): string =>
  "../".repeat(depth) + path.split("/").map(encodeURIComponent).join("/");
