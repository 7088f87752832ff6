import { writeSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { closeServer, listen } from "../../kernel/loopback.ts";
import { readManifest } from "../manifest.ts";
import type { HostMessage } from "./messages.ts";
import { createFunctionServer } from "./serve.ts";

/**
 * The process the functions run in: `node --import shift-clock.ts host.ts ENTRY MANIFEST PORT`.
 * It belongs to the suite that started it and ends with it, however that one ends.
 */

/** How long an instance has from SIGTERM until it is killed, on Cloud Run as here. */
const DRAIN_MS = 10_000;

/** How often the memory is looked at where there is a limit. */
const MEMORY_LOOK_MS = 500;

/** Ends the process as Cloud Run does: at once, with nothing but a line, when it takes more than it may. */
function limitMemory(limitMiB: number): void {
  setInterval(() => {
    const takenMiB = Math.ceil(process.memoryUsage.rss() / 1024 ** 2);
    if (takenMiB <= limitMiB) return;
    writeSync(2, `Memory limit of ${limitMiB} MiB exceeded with ${takenMiB} MiB used.\n`);
    process.kill(process.pid, "SIGKILL");
  }, MEMORY_LOOK_MS).unref();
}

const tell = (message: HostMessage): void => {
  if (process.connected) process.send?.(message);
};

async function main(entry: string, manifestPath: string, port: number): Promise<void> {
  await import(pathToFileURL(resolve(entry)).href);
  const server = createFunctionServer(readManifest(manifestPath).functions);
  process.on("SIGTERM", () => {
    void closeServer(server, DRAIN_MS).then(endWhenDrained);
  });
  tell({ type: "ready", port: await listen(server, port, "127.0.0.1") });
}

/**
 * The functions may have asked for SIGTERM themselves, to finish what they hold; then the last word
 * is theirs, for as long as the platform would wait.
 */
function endWhenDrained(): void {
  if (process.listenerCount("SIGTERM") === 1) process.exit(0);
  setTimeout(() => process.exit(0), DRAIN_MS);
}

// Ctrl-C reaches the whole process group; when to stop is for the suite to say.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit(1));

const { MEMORY_LIMIT_MIB } = process.env;
if (MEMORY_LIMIT_MIB !== undefined) limitMemory(Number(MEMORY_LIMIT_MIB));

const [, , entry = "", manifestPath = "", port = "0"] = process.argv;
main(entry, manifestPath, Number(port)).catch((cause: unknown) => {
  console.error(cause);
  const failed: HostMessage = {
    type: "failed",
    reason: cause instanceof Error ? cause.message : String(cause),
  };
  if (process.connected) process.send?.(failed, () => process.exit(1));
  else process.exit(1);
});
