import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Storage as StorageClient } from "@google-cloud/storage";
import { createKernel, type Kernel } from "../kernel/kernel.ts";
import {
  type NotificationMessage,
  openServiceAccount,
  openStorage,
  type SigningCredentials,
  type Storage,
  trustedAccount,
} from "./server.ts";

export interface StorageUnderTest extends AsyncDisposable {
  readonly kernel: Kernel;
  readonly storage: Storage;
  readonly url: string;
  readonly signer: SigningCredentials;
  /** Notifications in the order in which they were published. */
  readonly published: { readonly topic: string; readonly message: NotificationMessage }[];
  /** Resolves once so many have been. */
  publishedCount(count: number): Promise<void>;
  /** Google's client; it retries nothing, so that tests see what the first answer was. */
  client(project?: string): StorageClient;
  /** Ends serving without closing anything, as a crash would. */
  server: Server;
}

export interface UnderTestOptions {
  readonly path?: string | undefined;
  /** Throws to make Pub/Sub refuse a message. */
  readonly onPublish?: (() => void) | undefined;
}

// One key for all tests of a process: making one takes a tenth of a second.
let signing: Promise<SigningCredentials> | undefined;

/** The emulator behind a port. */
export async function startStorage({ path, onPublish }: UnderTestOptions = {}): Promise<StorageUnderTest> {
  signing ??= openServiceAccount(undefined, "signer@demo.iam.gserviceaccount.com");
  const signer = await signing;
  const kernel = createKernel();
  const published: { topic: string; message: NotificationMessage }[] = [];
  let waiting: { readonly count: number; readonly wake: () => void }[] = [];
  const storage = openStorage(kernel, {
    path,
    serviceAccounts: [trustedAccount(signer)],
    async publish(topic, message) {
      onPublish?.();
      published.push({ topic, message });
      for (const { count, wake } of waiting) if (published.length >= count) wake();
      waiting = waiting.filter(({ count }) => published.length < count);
    },
  });
  const server = createServer(storage.listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    kernel,
    storage,
    url,
    signer,
    published,
    server,
    async publishedCount(count) {
      if (published.length < count) await new Promise<void>((wake) => waiting.push({ count, wake }));
    },
    client(project = "demo") {
      // The client takes an emulator's address for its own paths only from this variable.
      process.env.STORAGE_EMULATOR_HOST = url;
      const client = new StorageClient({
        projectId: project,
        credentials: signer,
        retryOptions: { autoRetry: false },
      });
      delete process.env.STORAGE_EMULATOR_HOST;
      return client;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      storage.close();
      kernel.clock.stop();
    },
  };
}
