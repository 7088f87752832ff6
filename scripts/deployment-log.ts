import { LoggingWinston } from "@google-cloud/logging-winston";
import { createLogger, type LoggerOptions } from "winston";

/** The lines that a rollout leaves for operators, in the log `deployment`. */
export interface DeploymentLog {
  write(level: "info" | "warn" | "error", message: string, fields: Readonly<Record<string, unknown>>): void;
  /**
   * Resolves when what was written has arrived, or after CLOSE_MS_MAX: a rollout does not fail for its log.
   */
  close(): Promise<void>;
}

export const LOG_NAME = "deployment";
const CLOSE_MS_MAX = 10_000;

/** Tells how many lines are on their way. */
interface Arrivals {
  readonly transport: NonNullable<LoggerOptions["transports"]>;
  idle(): Promise<void>;
}

/**
 * Cloud Logging reads severity and fields from the output of a service, and not from that of a build. So this
 * command alone sends its lines to the Logging API by its client, which takes a quarter of a second to load.
 */
export function openDeploymentLog({ transport, idle }: Arrivals): DeploymentLog {
  const logger = createLogger({ level: "info", transports: transport });
  return {
    write(level, message, fields) {
      logger.log({ level, message, ...fields, timestamp: new Date() });
    },
    async close() {
      const closing = Promise.withResolvers<void>();
      const timer = setTimeout(closing.resolve, CLOSE_MS_MAX);
      await Promise.race([idle(), closing.promise]);
      clearTimeout(timer);
    },
  };
}

/**
 * Google's transport, with the fields where functions have them: in the payload itself and not in a part of
 * it.
 */
export function cloudLogging(projectId: string): Arrivals & { readonly transport: LoggingWinston } {
  let underWay = 0;
  let waiting: (() => void)[] = [];
  const transport = new LoggingWinston({
    projectId,
    logName: LOG_NAME,
    // Given, or the client asks the metadata server where it runs.
    resource: { type: "global", labels: { project_id: projectId } },
    defaultCallback: (error) => {
      if (error) console.error("A line of the deployment log was not taken.", error.name);
      underWay -= 1;
      if (underWay > 0) return;
      for (const resume of waiting) resume();
      waiting = [];
    },
  });
  const entry = transport.common.entry.bind(transport.common);
  transport.common.entry = (about, data) => entry(about, flat(data));
  const log = transport.common.log.bind(transport.common);
  transport.common.log = (...line) => {
    underWay += 1;
    log(...line);
  };
  return {
    transport,
    idle: () =>
      new Promise((resolve) => {
        if (underWay === 0) resolve();
        else waiting.push(resolve);
      }),
  };
}

function flat(data: unknown): object {
  if (typeof data !== "object" || data === null) return { message: data };
  const { metadata, ...rest } = data as { metadata?: object };
  return { ...metadata, ...rest };
}
