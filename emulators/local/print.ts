import { styleText } from "node:util";
import { SEVERITIES } from "./function-host/log-book.ts";
import type { LocalSystem, Output } from "./local-system.ts";

type Style = Parameters<typeof styleText>[0];

/** Colours only where somebody sees them: a terminal, and no NO_COLOR. */
const paint =
  (stream: NodeJS.WriteStream) =>
  (style: Style, text: string): string =>
    styleText(style, text, { stream });

/** Prints what the functions say: warnings and errors in one readable line each, other text as it is. */
export function printOutput(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Output {
  const lowest = SEVERITIES.indexOf("WARNING");
  const styled = paint(stderr);
  return {
    text: (text, stream) => void (stream === "stdout" ? stdout : stderr).write(`${text}\n`),
    log(entry) {
      const rank = SEVERITIES.indexOf(entry.severity);
      if (rank < lowest) return;
      const severity = styled(rank > lowest ? "red" : "yellow", entry.severity);
      const context = [entry.function, entry.requestId].filter((part) => part !== undefined).join(" ");
      stderr.write(`${severity} ${entry.message} ${styled("dim", context)}\n`);
    },
  };
}

interface Started {
  readonly dataDir: string;
  /** As the environment names them; undefined: the emulated ones answer. */
  readonly models: Readonly<Record<string, string>> | undefined;
  readonly startedMs: number;
}

function modelsIn(models: Started["models"]): string {
  if (models === undefined) return "emulated; set MODEL_BASE_URL and MODEL_FAST for your own";
  const { MODEL_FAST, MODEL_SLOW, MODEL_BASE_URL, MODEL_PRESET } = models;
  return `${[...new Set([MODEL_FAST, MODEL_SLOW])].join(", ")} at ${MODEL_BASE_URL ?? MODEL_PRESET}`;
}

export function printSummary(
  stdout: NodeJS.WriteStream,
  system: LocalSystem,
  { dataDir, models, startedMs }: Started,
): void {
  const styled = paint(stdout);
  const { suite, ports } = system;
  const row = (name: string, value: string): string => `  ${styled("dim", name.padEnd(12))}${value}`;
  const lines = [
    "",
    `  ${styled("bold", "Scrollback")} ${styled("dim", `is ready, after ${(startedMs / 1000).toFixed(1)} s`)}`,
    "",
    row("Open first", styled(["bold", "cyan"], `http://localhost:${ports.hosting}`)),
    row("Console", `http://localhost:${ports.ui}`),
    row("Project", suite.project),
    row("Data", dataDir),
    row("Models", modelsIn(models)),
    row("Operator", system.keepsakes.operatorKey),
    "",
    `  ${styled("dim", "Ctrl-C stops; the data stay. --fresh starts without them.")}`,
    "",
  ];
  stdout.write(`${lines.join("\n")}\n`);
}
