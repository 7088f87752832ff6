import { announce, el } from "../frame/dom.ts";

/** Longer code is shown without colours, which would take the page's time. */
const HIGHLIGHTED_CHARS_MAX = 20_000;
const COPIED_MS = 2_000;

/** Gives each piece of code its language and a button that copies it. */
export function dressCode(fragment: DocumentFragment) {
  for (const pre of fragment.querySelectorAll("pre")) {
    const language = languageOf(pre.querySelector("code"));
    const frame = el(
      "figure",
      { class: "code" },
      el("figcaption", {}, el("span", {}, language), copyButton()),
    );
    pre.tabIndex = 0;
    pre.dir = "ltr";
    pre.replaceWith(frame);
    frame.append(pre);
  }
}

/** Colours the code in a part of the document that names its language. */
export function colourCode(element: HTMLElement) {
  for (const code of element.querySelectorAll<HTMLElement>("pre > code")) {
    const language = languageOf(code);
    if (language !== "") void highlight(code, language);
  }
}

const languageOf = (code: Element | null): string =>
  /(?:^|\s)language-(\S+)/.exec(code?.className ?? "")?.[1] ?? "";

function copyButton() {
  const button: HTMLButtonElement = el(
    "button",
    {
      type: "button",
      class: "quiet copy",
      "aria-label": "Copy code",
      "data-control": "copy-code",
      async onclick() {
        const code = button.closest("figure")?.querySelector("code")?.textContent ?? "";
        await navigator.clipboard.writeText(code.replace(/\n$/, ""));
        button.textContent = "Copied";
        announce("The code was copied.");
        setTimeout(() => (button.textContent = "Copy"), COPIED_MS);
      },
    },
    "Copy",
  );
  return button;
}

/** The highlighter is loaded with the first code whose language is named. Without it code has no colours. */
async function highlight(code: HTMLElement, language: string) {
  const text = code.textContent ?? "";
  if (text.length > HIGHLIGHTED_CHARS_MAX) return;
  try {
    const { default: highlighter } = await import("@highlightjs/cdn-assets/es/highlight.min.js");
    if (highlighter.getLanguage(language) === undefined) return;
    highlighter.highlightElement(code);
  } catch {
    // The network is away: the code is there all the same.
  }
}
