import { PubSub as PubSubClient, v1 } from "@google-cloud/pubsub";
import { credentials } from "@grpc/grpc-js";
import { serveGrpc } from "../kernel/grpc.ts";
import { createKernel, type Kernel } from "../kernel/kernel.ts";
import { type HttpTarget, type ReceivedRequest, startHttpTarget } from "../kernel/testing/http-target.ts";
import { openPubSub, type PubSub } from "./server.ts";

export interface PubSubUnderTest extends AsyncDisposable {
  readonly kernel: Kernel;
  readonly pubsub: PubSub;
  readonly target: HttpTarget;
  /** Host and port. */
  readonly address: string;
  /** The generated clients below Google's client, for what that keeps to itself. */
  readonly subscriber: v1.SubscriberClient;
  readonly publisher: v1.PublisherClient;
  /** Google's client with a project of its own, closed with the rest. */
  client(project?: string): PubSubClient;
}

/** The emulator behind a port, and a target for its pushes. */
export async function startPubSub(path?: string): Promise<PubSubUnderTest> {
  const kernel = createKernel();
  const pubsub = openPubSub(kernel, { path, mintIdToken: async (claims) => JSON.stringify(claims) });
  const server = await serveGrpc(kernel, 0, pubsub.services, pubsub.http);
  const target = await startHttpTarget();
  const address = `127.0.0.1:${server.port}`;
  const clients: PubSubClient[] = [];
  const generated = { apiEndpoint: "127.0.0.1", port: server.port, sslCreds: credentials.createInsecure() };
  const subscriber = new v1.SubscriberClient({ ...generated, projectId: "unused" });
  const publisher = new v1.PublisherClient({ ...generated, projectId: "unused" });
  return {
    kernel,
    pubsub,
    target,
    address,
    subscriber,
    publisher,
    client(project = `project-${clients.length + 1}`) {
      const client = new PubSubClient({
        projectId: project,
        apiEndpoint: address,
        emulatorMode: true,
      });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...clients, subscriber, publisher].map((client) => client.close()));
      await server.stop();
      pubsub.close();
      kernel.clock.stop();
      await target[Symbol.asyncDispose]();
    },
  };
}

/** The body of a wrapped push. */
export interface PushBody {
  readonly message: {
    readonly data?: string;
    readonly attributes?: Record<string, string>;
    readonly messageId: string;
    readonly publishTime: string;
    readonly orderingKey?: string;
  };
  readonly subscription: string;
  readonly deliveryAttempt?: number;
}

export const pushBody = (request: ReceivedRequest | undefined): PushBody =>
  JSON.parse(request?.body.toString() ?? "{}") as PushBody;

/** The text of each pushed message, in the order of arrival. */
export const pushedTexts = (requests: readonly ReceivedRequest[]): string[] =>
  requests.map((request) => Buffer.from(pushBody(request).message.data ?? "", "base64").toString());
