const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bdivided by\b|\bgeteilt durch\b|\bdivisé par\b|\bdividido (?:por|entre)\b|÷/giu, "/"],
  [/\b(?:multiplied by|times|mal|fois|por)\b|[×·∙]|(?<=\d)\s*x\s*(?=\d)/giu, "*"],
  [/\b(?:plus|más)\b/giu, "+"],
  [/\b(?:minus|moins|menos)\b|[−–]/giu, "-"],
];
/** A calculation: numbers and at least one operator between them, perhaps in brackets. */
const CALCULATION = /[-(\d.][\d\s.+\-*/%^()]*[+\-*/%^][\d\s.+\-*/%^()]*[\d)]/u;
const CHARS_READ_MAX = 1000;
const DIGITS = 12;

/** The first calculation of the text with its result; undefined when there is none that comes out. */
export function calculate(text: string): { expression: string; result: string } | undefined {
  let read = text.slice(0, CHARS_READ_MAX);
  for (const [word, sign] of WORDS) read = read.replaceAll(word, sign);
  const expression = CALCULATION.exec(read)?.[0].trim();
  // Dates and version numbers look like calculations but are not.
  if (expression === undefined || /\d{4}-\d\d-\d\d|\d\.\d+\.\d/u.test(expression)) return undefined;
  const value = evaluate(expression.replaceAll(/\s+/gu, ""));
  if (value === undefined || !Number.isFinite(value)) return undefined;
  return { expression, result: String(Number(value.toPrecision(DIGITS))) };
}

/** Precedence climbing over one line; undefined where the text is no whole expression. */
function evaluate(text: string): number | undefined {
  let at = 0;
  const number = (): number => {
    const [digits] = /^\d+(?:\.\d+)?|^\.\d+/u.exec(text.slice(at)) ?? [];
    at += digits?.length ?? 0;
    return digits === undefined ? Number.NaN : Number(digits);
  };
  const operand = (): number => {
    if (text[at] === "-") {
      at += 1;
      return -power();
    }
    if (text[at] !== "(") return number();
    at += 1;
    const value = sum();
    if (text[at] !== ")") return Number.NaN;
    at += 1;
    return value;
  };
  const power = (): number => {
    const base = operand();
    if (text[at] !== "^") return base;
    at += 1;
    return base ** power();
  };
  const product = (): number => {
    let value = power();
    for (let sign = text[at]; sign === "*" || sign === "/" || sign === "%"; sign = text[at]) {
      at += 1;
      const right = power();
      value = sign === "*" ? value * right : sign === "/" ? value / right : value % right;
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    for (let sign = text[at]; sign === "+" || sign === "-"; sign = text[at]) {
      at += 1;
      value = sign === "+" ? value + product() : value - product();
    }
    return value;
  };
  const value = sum();
  return at === text.length && !Number.isNaN(value) ? value : undefined;
}
