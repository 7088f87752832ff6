import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { loadProtos } from "../emulators/kernel/protos.ts";
import type { Message } from "../emulators/kernel/rpc.ts";

/** Emulators in a process of their own. */
export interface EmulatorProcess {
  readonly port: number;
  readonly pid: number;
  /** From starting the process to its port. */
  readonly startMs: number;
  /** Memory that the process has in use now. */
  rssMegabytes(): number;
  kill(signal: NodeJS.Signals): Promise<void>;
}

const SERVER = fileURLToPath(new URL("emulator-server.ts", import.meta.url));

/** Starts emulators ("firestore,pubsub") on a folder; they end with this process too. */
export async function startEmulators(kinds: string, folder: string): Promise<EmulatorProcess> {
  const startedMs = performance.now();
  // The flag is that of `npm start`.
  const args = ["--max-semi-space-size=8", SERVER, kinds, folder];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const port = await firstLine(child);
  const pid = child.pid as number;
  return {
    port: Number(port),
    pid,
    startMs: performance.now() - startedMs,
    rssMegabytes() {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
    },
    async kill(signal) {
      const running = child.exitCode === null && child.signalCode === null;
      const exited = running ? once(child, "exit") : undefined;
      child.kill(signal);
      await exited;
    },
  };
}

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    child.stdout?.once("data", (line: Buffer) => resolve(line.toString().trim()));
    child.once("exit", (code, signal) => reject(new Error(`The emulators ended with ${code ?? signal}.`)));
  });

export interface Caller {
  /** One unary call or server stream, without a retry: all messages that were answered. */
  call(method: string, request: Message): Promise<Message[]>;
  close(): void;
}

/** Calls a service without Google's client, which would repeat what a killed process left unanswered. */
export function createCaller(port: number, packageName: string, proto: string): Caller {
  const service = loadProtos(packageName).lookupService(proto);
  service.resolveAll();
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    call(method, request) {
      const { resolvedRequestType, resolvedResponseType } = service.methods[method] as Message;
      const encode = (message: Message): Buffer =>
        Buffer.from(resolvedRequestType.encode(resolvedRequestType.fromObject(message)).finish());
      const decode = (bytes: Buffer): Message =>
        resolvedResponseType.toObject(resolvedResponseType.decode(bytes), { longs: String, defaults: true });
      return new Promise((resolve, reject) => {
        const answered: Message[] = [];
        const stream = client.makeServerStreamRequest(`/${proto}/${method}`, encode, decode, request);
        stream.on("data", (message: Message) => answered.push(message));
        stream.on("end", () => resolve(answered));
        stream.on("error", (error: ServiceError) => reject(error));
      });
    },
    close: () => client.close(),
  };
}
