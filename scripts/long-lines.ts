import { extname } from "node:path";

/** How wide a line of prose or of a comment may be. Code is the formatter's. */
export const COLUMNS_MAX = 110;

/** What begins a comment, alone on its line or after code. */
const COMMENTS: Readonly<Record<string, RegExp>> = {
  ".ts": /^\s*(?:\/\/|\/\*|\*)|\s\/\/ /,
  ".mjs": /^\s*(?:\/\/|\/\*|\*)|\s\/\/ /,
  ".css": /^\s*(?:\/\*|\*)/,
  ".tf": /^\s*#/,
  ".tfvars": /^\s*#/,
  ".yaml": /^\s*#/,
  ".example": /^\s*#/,
  // Shell scripts have no extension here.
  "": /^\s*#/,
};

/**
 * The numbers of the lines that are too wide: of prose in Markdown, of comments everywhere else. Code in
 * Markdown and tables, whose rows can't be split, may be as wide as they are; so may what has no space to
 * split it at, such as an address, and what is said to a tool.
 */
export function longLines(path: string, text: string): number[] {
  const isProse = extname(path) === ".md";
  const comment = COMMENTS[extname(path)];
  if (!isProse && comment === undefined) return [];
  let isCode = false;
  return text.split("\n").flatMap((line, index) => {
    if (isProse && /^\s*(?:```|~~~)/.test(line)) isCode = !isCode;
    const isMeant = isProse ? !isCode && !/^\s*\||^ {4}/.test(line) : (comment?.test(line) ?? false);
    return isMeant && isTooWide(line) ? [index + 1] : [];
  });
}

function isTooWide(line: string): boolean {
  if (line.length <= COLUMNS_MAX || /oxlint-disable|shellcheck disable/.test(line)) return false;
  const indent = /^\s*(?:[-*#]+|\/\/|\/\*\*?|\d+\.)?\s*/.exec(line)?.[0].length ?? 0;
  return line.slice(indent, COLUMNS_MAX + 1).includes(" ");
}
