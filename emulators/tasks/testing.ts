import { CloudTasksClient } from "@google-cloud/tasks";
import { credentials } from "@grpc/grpc-js";
import { serveGrpc } from "../kernel/grpc.ts";
import { createKernel, type Kernel } from "../kernel/kernel.ts";
import { type HttpTarget, startHttpTarget } from "../kernel/testing/http-target.ts";
import { openTasks, type Tasks } from "./server.ts";

export interface TasksUnderTest extends AsyncDisposable {
  readonly kernel: Kernel;
  readonly tasks: Tasks;
  readonly client: CloudTasksClient;
  /** Host and port. */
  readonly address: string;
  readonly target: HttpTarget;
  /** Creates a queue in a project of its own. */
  queue(settings?: object): Promise<string>;
}

/** The emulator behind a port, Google's client in front of it, and a target for its dispatches. */
export async function startTasks(path?: string): Promise<TasksUnderTest> {
  const kernel = createKernel();
  const tasks = openTasks(kernel, { path, mintIdToken: async (claims) => JSON.stringify(claims) });
  const server = await serveGrpc(kernel, 0, tasks.services, tasks.http);
  const target = await startHttpTarget();
  const client = new CloudTasksClient({
    apiEndpoint: "127.0.0.1",
    port: server.port,
    sslCreds: credentials.createInsecure(),
    projectId: "unused",
  });
  let projects = 0;
  return {
    kernel,
    tasks,
    client,
    address: `127.0.0.1:${server.port}`,
    target,
    async queue(settings = {}) {
      projects += 1;
      const parent = `projects/p${projects}/locations/here`;
      const name = `${parent}/queues/mail`;
      await client.createQueue({ parent, queue: { name, ...settings } });
      return name;
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await server.stop();
      tasks.close();
      kernel.clock.stop();
      await target[Symbol.asyncDispose]();
    },
  };
}
