import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Firestore } from "@google-cloud/firestore";
import { PubSub } from "@google-cloud/pubsub";
import { afterAll, expect, test } from "vitest";
import { freePort } from "./kernel/ports.ts";

const PACKAGE = fileURLToPath(new URL("./", import.meta.url));
const INSTALL_MS_MAX = 120_000;

const folder = mkdtempSync(join(tmpdir(), "package-"));
const home = join(folder, "home");
mkdirSync(home);
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * The node of this process comes first, so that npm and the command run on the version that the package
 * needs.
 */
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}` };

const npm = (cwd: string, ...args: string[]): string =>
  execFileSync("npm", args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

interface Running {
  readonly process: ChildProcess;
  readonly variables: ReadonlyMap<string, string>;
}

/** Runs the installed command; resolves once it has printed its variables. */
async function runCommand(...args: string[]): Promise<Running> {
  // A group of its own, so that the end reaches npm and the command alike, as a terminal's Ctrl-C does.
  const child = spawn("npm", ["exec", "--offline", "scrollback-emulators", "--", ...args], {
    cwd: home,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const errors: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  const variables = new Map<string, string>();
  for await (const line of createInterface({ input: child.stdout })) {
    const [, name = "", value = ""] = /^export (\w+)='(.*)'$/.exec(line) ?? [];
    variables.set(name, value);
    if (variables.has("PUBSUB_EMULATOR_HOST")) return { process: child, variables };
  }
  throw new Error(`The command ended early: ${errors.join("")}`);
}

test(
  "the packed emulators start in an empty folder, and Google's clients use them",
  { timeout: INSTALL_MS_MAX },
  async () => {
    const [packed] = JSON.parse(npm(PACKAGE, "pack", "--json", "--pack-destination", folder)) as {
      filename: string;
      files: { path: string }[];
    }[];
    const paths = packed?.files.map(({ path }) => path) ?? [];
    expect(paths).toContain("dist/cli/start.js");
    expect(paths.filter((path) => /\.test\.|\/local\/|(?<!\.d)\.ts$/.test(path))).toEqual([]);
    npm(home, "init", "--yes");
    const tarball = join(folder, packed?.filename ?? "");
    npm(home, "install", "--prefer-offline", "--omit=dev", "--no-audit", "--no-fund", tarball);

    const [auth, firestore, pubsub] = [await freePort(), await freePort(), await freePort()];
    const emulators = { auth: { port: auth }, firestore: { port: firestore }, pubsub: { port: pubsub } };
    writeFileSync(join(home, "firebase.json"), JSON.stringify({ emulators }));
    const { process: command, variables } = await runCommand("--only", "firestore,pubsub");
    const projectId = variables.get("GOOGLE_CLOUD_PROJECT") ?? "";
    expect(variables.get("FIRESTORE_EMULATOR_HOST")).toBe(`127.0.0.1:${firestore}`);

    const database = new Firestore({
      projectId,
      host: variables.get("FIRESTORE_EMULATOR_HOST") ?? "",
      ssl: false,
      customHeaders: {},
    });
    await database.doc("things/one").set({ kept: true });
    expect((await database.doc("things/one").get()).data()).toEqual({ kept: true });
    await database.terminate();

    const client = new PubSub({
      projectId,
      apiEndpoint: variables.get("PUBSUB_EMULATOR_HOST") ?? "",
      emulatorMode: true,
    });
    const [topic] = await client.createTopic("news");
    const [subscription] = await topic.createSubscription("readers");
    const heard = once(subscription, "message");
    await topic.publishMessage({ data: Buffer.from("hello") });
    const [message] = await heard;
    message.ack();
    expect(message.data.toString()).toBe("hello");
    await subscription.close();
    await client.close();

    const ended = once(command, "close");
    process.kill(-(command.pid as number), "SIGTERM");
    await ended;
    await expect(fetch(`http://127.0.0.1:${firestore}/`)).rejects.toThrow("fetch failed");
  },
);
