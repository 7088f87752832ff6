/**
 * What `npm run check` goes through, in this order. Tests plant violations for each of the first steps:
 * checks-page.test.ts, layer-rules.test.ts and long-lines.test.ts.
 */
export const CHECK_STEPS: readonly (readonly string[])[] = [
  ["tsc", "-p", "."],
  ["tsc", "-p", "page"],
  ["oxlint"],
  ["oxfmt", "--check", "."],
  ["node", "scripts/check-lines.ts"],
  ["npm", "test", "--"],
];
