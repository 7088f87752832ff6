// `node scripts/prepared.mjs COMMAND …`: installs the packages if they are missing or not those of
// package-lock.json, then runs the command. It runs on whatever Node the machine has; npm puts
// node_modules/.bin first in PATH, so a command `node …` then is the Node 24 that the packages bring.
import { spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import { finishInstall, isInstalled } from "./prepare.mjs";

const NODE_MAJOR_MIN = 20;
const [command, ...args] = process.argv.slice(2);
const shell = process.platform === "win32";

if (Number(process.versions.node.split(".")[0]) < NODE_MAJOR_MIN) {
  console.error(
    `Scrollback needs Node ${NODE_MAJOR_MIN} or later to install itself; this is ${process.version}.`,
  );
  process.exit(1);
}

if (!isInstalled()) {
  console.log("Installing packages (once) …");
  // The clients declare Node 22; npm brings Node 24 with this very install, so that warning is moot.
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    stdio: "inherit",
    shell,
  });
  if (status !== 0) process.exit(status ?? 1);
  finishInstall();
}

const child = spawn(command, args, { stdio: "inherit", shell });
// A terminal sends Ctrl-C to the command too. Other signals reach this process alone, so they are passed on.
process.on("SIGINT", () => undefined);
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (cause) => {
  console.error(cause.message);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
