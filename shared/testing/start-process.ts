import { type HostProcess, startHost } from "../../emulators/local/function-host/host-process.ts";
import type { System } from "./start-system.ts";

/**
 * Another instance of a system's functions, in a process of its own that can be killed. Its clock is the
 * suite's at this moment.
 */
export const startProcess = (
  { env, suite }: Pick<System, "env" | "suite">,
  onLine: (line: string) => unknown = () => undefined,
): Promise<HostProcess> =>
  startHost({
    entry: "functions/index.ts",
    manifestPath: "functions/manifest.json",
    port: 0,
    env: { ...process.env, ...env },
    clockOffsetMs: suite.kernel.clock.offset(),
    onLine,
  });
