import type { Control, LogLine } from "../control.ts";

const PAGE_LINES = 1000;
/** As many lines as the suite keeps. */
const LINES_MAX = 5000;

/** The latest log lines, newest first. Each is read once. */
export function createLineWindow(control: Control) {
  let lines: LogLine[] = [];

  return {
    /** Reads the lines that are new, and resolves with all. */
    async read(signal: AbortSignal) {
      const last = lines[0]?.sequence ?? 0;
      const fresh: LogLine[] = [];
      for (;;) {
        const query = new URLSearchParams({ after: String(last), limit: String(PAGE_LINES) });
        const before = fresh.at(-1)?.sequence;
        if (before !== undefined) query.set("before", String(before));
        const page = await control.logs(query, signal);
        fresh.push(...page);
        if (page.length < PAGE_LINES || fresh.length >= LINES_MAX) break;
      }
      lines = [...fresh, ...lines].slice(0, LINES_MAX);
      return lines;
    },
  };
}
