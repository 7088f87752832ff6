/**
 * The structured lines that functions write to stdout in Cloud Logging's format, as the Logs
 * Explorer would hold them: the newest few thousand, searchable by request, function and severity.
 */

/** In rising order, as Cloud Logging ranks them. */
export const SEVERITIES = [
  "DEFAULT",
  "DEBUG",
  "INFO",
  "NOTICE",
  "WARNING",
  "ERROR",
  "CRITICAL",
  "ALERT",
  "EMERGENCY",
] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface LogEntry {
  /** Counts up from 1, so that a reader can ask for what came after. */
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly severity: Severity;
  readonly message: string;
  readonly function: string | undefined;
  readonly requestId: string | undefined;
  /** The line as it was written. */
  readonly entry: Readonly<Record<string, unknown>>;
}

export interface LogQuery {
  readonly requestId?: string | undefined;
  readonly function?: string | undefined;
  /** Only this severity and above. */
  readonly severity?: Severity | undefined;
  /** Only entries with a higher sequence. */
  readonly after?: number | undefined;
  /** Only entries with a lower sequence, to read on where a limit ended. */
  readonly before?: number | undefined;
  readonly limit?: number | undefined;
}

export interface LogBook {
  /** Takes a line of output in; undefined when it is no structured line. */
  add(line: string): LogEntry | undefined;
  /** Newest first. */
  read(query?: LogQuery): readonly LogEntry[];
}

const ENTRIES_MAX = 5000;
/** A longer line is cut by Cloud Logging too (256 KB an entry); it is passed through as plain text. */
const LINE_CHARS_MAX = 256 * 1024;

export function createLogBook(now: () => number): LogBook {
  // Twice the bound before cutting, so that a full book does not move all its entries at each line.
  let entries: LogEntry[] = [];
  let sequence = 0;
  return {
    add(line) {
      const fields = parseLine(line);
      if (fields === undefined) return undefined;
      sequence += 1;
      const entry = entryOf(fields, sequence, now());
      entries.push(entry);
      if (entries.length >= ENTRIES_MAX * 2) entries = entries.slice(-ENTRIES_MAX);
      return entry;
    },
    read(query = {}) {
      const { requestId, function: name, severity = "DEFAULT", after = 0 } = query;
      const { before = Number.POSITIVE_INFINITY, limit = ENTRIES_MAX } = query;
      const found: LogEntry[] = [];
      const lowest = SEVERITIES.indexOf(severity);
      const oldest = Math.max(entries.length - ENTRIES_MAX, 0);
      for (let index = entries.length - 1; index >= oldest && found.length < limit; index -= 1) {
        const entry = entries[index] as LogEntry;
        if (entry.sequence <= after) break;
        if (entry.sequence >= before) continue;
        if (SEVERITIES.indexOf(entry.severity) < lowest) continue;
        if (requestId !== undefined && entry.requestId !== requestId) continue;
        if (name !== undefined && entry.function !== name) continue;
        found.push(entry);
      }
      return found;
    },
  };
}

function parseLine(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{") || line.length > LINE_CHARS_MAX) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function entryOf(fields: Record<string, unknown>, sequence: number, now: number): LogEntry {
  const text = (...names: string[]): string | undefined => {
    for (const name of names) {
      const value = fields[name] ?? labels(fields)[name];
      if (typeof value === "string") return value;
    }
    return undefined;
  };
  const severity = text("severity")?.toUpperCase() as Severity | undefined;
  const written = Date.parse(text("time", "timestamp") ?? "");
  return {
    sequence,
    at: Number.isNaN(written) ? now : written,
    severity: severity !== undefined && SEVERITIES.includes(severity) ? severity : "DEFAULT",
    message: text("message", "msg") ?? "",
    function: text("function"),
    requestId: text("requestId"),
    entry: fields,
  };
}

function labels(fields: Record<string, unknown>): Record<string, unknown> {
  const value = fields["logging.googleapis.com/labels"];
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
