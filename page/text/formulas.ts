/** Larger formulas stay as they were written. */
const FORMULA_CHARS_MAX = 2_000;

/**
 * Sets the formulas in an element as MathML, which browsers show by themselves. The typesetter is loaded with
 * the first formula; what it can't read stays as it was written.
 */
export function typesetFormulas(element: HTMLElement) {
  const within = [...element.querySelectorAll<HTMLElement>(".formula")];
  const formulas = element.matches(".formula") ? [element, ...within] : within;
  if (formulas.length > 0) void typeset(formulas);
}

async function typeset(formulas: readonly HTMLElement[]) {
  const loaded = await import("katex").catch(() => undefined);
  if (loaded === undefined) return;
  for (const formula of formulas) {
    const tex = formula.textContent ?? "";
    if (tex.length > FORMULA_CHARS_MAX) continue;
    const math = mathOf(loaded.default, tex, formula.tagName === "DIV");
    if (math !== null) formula.replaceChildren(math);
  }
}

/** Null for what can't be read. */
function mathOf(katex: typeof import("katex").default, tex: string, displayMode: boolean): Element | null {
  try {
    const html = katex.renderToString(tex, { ...OPTIONS, displayMode });
    const math = new DOMParser().parseFromString(html, "text/html").querySelector("math");
    // The page's policy allows no styles of elements, and would say so of each.
    for (const styled of math?.querySelectorAll("[style]") ?? []) styled.removeAttribute("style");
    return math;
  } catch {
    return null;
  }
}

const OPTIONS = {
  output: "mathml",
  throwOnError: true,
  trust: false,
  strict: "ignore",
  maxExpand: 200,
  maxSize: 20,
} as const;
