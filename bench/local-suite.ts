import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { type ApiClient, createApiClient } from "../shared/testing/api-client.ts";

/** A system of its own for a bench: `npm start` in a process, with its data in a temporary folder. */
export interface LocalSuite {
  readonly api: string;
  readonly consoleUrl: string;
  /** The API without hosting's proxy before it, as a load balancer reaches an instance. */
  readonly direct: string;
  /** The process that answers there. */
  readonly directPid: number;
  /** The process that answers there by now: another after it was killed. */
  functionsPid(): number;
  /** From starting the process to the first answer of the API. */
  readonly startMs: number;
  /** The variables that point Google's clients at this suite. */
  readonly env: NodeJS.ProcessEnv;
  readonly operatorKey: string;
  stop(signal: NodeJS.Signals): Promise<void>;
}

const START_MS_MAX = 60_000;

export async function startLocalSuite(portBase: number, dataDir: string): Promise<LocalSuite> {
  const startedMs = performance.now();
  const child = spawn(
    process.execPath,
    ["emulators/local/start.ts", "--port-base", String(portBase), "--data", dataDir],
    // Traces are made of as many requests as in a deployment by default.
    { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, TRACE_RATIO: "0.1" } },
  );
  const api = `http://127.0.0.1:${portBase}`;
  const consoleUrl = `http://127.0.0.1:${portBase + 1}`;
  await firstAnswer(`${api}/healthz`, child);
  const startMs = performance.now() - startedMs;
  const info = await untilInfo(consoleUrl);
  const at = (name: string): string => `127.0.0.1:${info.ports[name]}`;
  return {
    api,
    consoleUrl,
    startMs,
    operatorKey: info.operatorKey,
    direct: `http://${at("functions")}/api`,
    directPid: hostOn(child.pid ?? 0, info.ports.functions ?? 0),
    functionsPid: () => hostOn(child.pid ?? 0, info.ports.functions ?? 0),
    env: {
      GOOGLE_CLOUD_PROJECT: info.projectId,
      FIRESTORE_EMULATOR_HOST: at("firestore"),
      PUBSUB_EMULATOR_HOST: at("pubsub"),
      METADATA_SERVER_DETECTION: "none",
    },
    async stop(signal) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill(signal);
      await ended;
    },
  };
}

async function firstAnswer(url: string, child: ChildProcess): Promise<void> {
  for (const deadlineMs = performance.now() + START_MS_MAX; performance.now() < deadlineMs;) {
    if (child.exitCode !== null) throw new Error("The local suite ended while starting.");
    const answered = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("The local suite did not answer in time.");
}

/** The app `demo` exists a moment after the first answer. */
async function untilInfo(
  consoleUrl: string,
): Promise<{ projectId: string; operatorKey: string; ports: Record<string, number> }> {
  const client = createApiClient(consoleUrl, {});
  for (;;) {
    const { body } = await client.get("/control/info");
    if (typeof body.app?.token === "string") return body;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The suite's child that serves functions on this port. */
function hostOn(pid: number, port: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .trim()
      .split(/\s+/)
      .map(Number);
    const portOf = (child: number) => readFileSync(`/proc/${child}/cmdline`, "utf8").split("\0").at(-2);
    return children.find((child) => portOf(child) === String(port)) ?? 0;
  } catch {
    return 0;
  }
}

/** How long a mailed code is good. */
const CODE_MS = 5 * 60_000;

/** Signs in by the mailed code; answers with the access token. */
export async function signInOn(suite: LocalSuite, email: string): Promise<string> {
  const anyone = createApiClient(suite.api, {});
  const { body: sent } = await anyone.post("/v1/apps/demo/auth/codes", { email });
  const askedMs = Date.parse(sent.expiresAt) - CODE_MS;
  for (;;) {
    const { body } = await createApiClient(suite.consoleUrl, {}).get(`/control/mail?to=${email}`);
    const [mail] = body.data;
    const code = /\b(\d{6})\b/.exec(mail?.subject ?? "")?.[1];
    // The newest may still be that of an earlier sign-in.
    if (code !== undefined && Date.parse(mail.at) >= askedMs) {
      const { body: session } = await anyone.post("/v1/apps/demo/auth/sessions", {
        challenge: sent.challenge,
        code,
      });
      return session.accessToken;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Resolves once every event has been handled; `control` is the API of the suite's console. */
export async function untilHandled(control: ApiClient): Promise<void> {
  for (;;) {
    const { body } = await control.get("/control/queues");
    const waiting = (body.subscriptions as { backlog: number; outstanding: number }[]).reduce(
      (sum, { backlog, outstanding }) => sum + backlog + outstanding,
      0,
    );
    if (waiting === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
