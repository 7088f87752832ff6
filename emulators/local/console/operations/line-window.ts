import type { Control, LogLine } from "../control.ts";

const PAGE_LINES = 1000;
/** As many as the suite keeps; what is older is gone there too. */
const LINES_MAX = 5000;

/** The log lines of the last while, newest first, read once each. */
export function createLineWindow(control: Control) {
  let lines: LogLine[] = [];

  return {
    /** All lines that there are by now. */
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
