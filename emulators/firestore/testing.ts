import { Firestore, type Settings } from "@google-cloud/firestore";
import { createClock } from "../kernel/clock.ts";
import { createFaults } from "../kernel/faults.ts";
import { type GrpcServer, type Kernel, serveGrpc } from "../kernel/grpc.ts";
import { createMeter } from "../kernel/meter.ts";
import { type FirestoreEmulator, type FirestoreOptions, openFirestore } from "./server.ts";

/** An emulator of its own for a test, and clients of it. */
export interface TestFirestore extends AsyncDisposable {
  readonly kernel: Kernel;
  readonly emulator: FirestoreEmulator;
  readonly server: GrpcServer;
  /** A client for a project of its own. */
  client(settings?: Settings): Firestore;
  stop(): Promise<void>;
}

export async function startFirestore(options: Partial<FirestoreOptions> = {}): Promise<TestFirestore> {
  const kernel: Kernel = { clock: createClock(), faults: createFaults(), meter: createMeter() };
  const emulator = openFirestore(kernel, { path: undefined, ...options });
  const server = await serveGrpc(kernel, 0, emulator.services);
  const clients: Firestore[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.terminate()));
    await server.stop();
    emulator.close();
    kernel.clock.stop();
  };
  return {
    kernel,
    emulator,
    server,
    client(settings = {}) {
      const client = new Firestore({
        projectId: `project-${clients.length}`,
        host: `127.0.0.1:${server.port}`,
        ssl: false,
        customHeaders: { Authorization: "Bearer owner" },
        ...settings,
      });
      clients.push(client);
      return client;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
