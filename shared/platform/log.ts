import type { Config } from "./config.ts";
import { currentContext } from "./context.ts";
import { AppError } from "./errors.ts";
import { redact } from "./redact.ts";

export type Severity = "DEBUG" | "INFO" | "NOTICE" | "WARNING" | "ERROR" | "CRITICAL";

/**
 * Structured logging in Cloud Logging's JSON format, one object a line on standard output, where the platform
 * collects it. No field holds message text, addresses, codes or tokens; what looks like one of them is struck
 * out all the same (redact.ts).
 */
export interface Log {
  write(severity: Severity, message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** With the stack of `cause` and of what caused it. */
  error(message: string, cause: unknown, fields?: Readonly<Record<string, unknown>>): void;
  /** The same log with these fields in every line. */
  with(fields: Readonly<Record<string, unknown>>): Log;
}

export type WriteLine = (line: string) => void;

/**
 * Writes the lines of one turn of the event loop together, since each write takes as long as all else about a
 * line. A process that exits writes what is left.
 */
function openStdout(): WriteLine {
  let waiting = "";
  const flush = (): void => {
    const lines = waiting;
    waiting = "";
    if (lines !== "") process.stdout.write(lines);
  };
  process.once("exit", flush);
  return (line) => {
    if (waiting === "") setImmediate(flush);
    waiting += line;
  };
}

export function createLog(config: Pick<Config, "projectId">, writeLine: WriteLine = openStdout()): Log {
  const build = (base: Readonly<Record<string, unknown>>): Log => {
    const write: Log["write"] = (severity, message, fields) => {
      const context = currentContext();
      const line = {
        severity,
        time: new Date().toISOString(),
        message,
        ...base,
        ...(context && contextFields(config.projectId, context)),
        ...fields,
      };
      writeLine(`${redact(JSON.stringify(line))}\n`);
    };
    return {
      write,
      info: (message, fields) => write("INFO", message, fields),
      warn: (message, fields) => write("WARNING", message, fields),
      error: (message, cause, fields) => write("ERROR", message, { ...fields, error: describeError(cause) }),
      with: (fields) => build({ ...base, ...fields }),
    };
  };
  return build({});
}

function contextFields(projectId: string, context: { requestId: string; traceparent: string }): object {
  const [, traceId, spanId] = context.traceparent.split("-");
  return {
    requestId: context.requestId,
    "logging.googleapis.com/trace": `projects/${projectId}/traces/${traceId}`,
    "logging.googleapis.com/spanId": spanId,
  };
}

const CAUSES_MAX = 5;

/**
 * An error for the log: its name, code, stack, and the chain of causes. Google's client errors
 * repeat request contents in their messages, so of those only the status is kept.
 */
export function describeError(cause: unknown, depth = 0): unknown {
  if (!(cause instanceof Error)) return { name: typeof cause };
  const code = (cause as { code?: unknown }).code;
  const foreign = typeof code === "number";
  return {
    name: cause.name,
    ...(code === undefined ? {} : { code }),
    ...(foreign ? {} : { message: cause.message }),
    ...(cause instanceof AppError ? {} : { stack: stackOf(cause) }),
    ...(cause.cause !== undefined && depth < CAUSES_MAX
      ? { cause: describeError(cause.cause, depth + 1) }
      : {}),
  };
}

/** The frames without the first line, which repeats the message. */
const stackOf = (error: Error): string =>
  (error.stack ?? "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .join("\n");
