import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { deleteApp, initializeApp } from "firebase-admin/app";
import { type Auth as AdminAuth, getAuth } from "firebase-admin/auth";
import { createKernel, type Kernel } from "../kernel/kernel.ts";
import { type Auth, openAuth } from "./server.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- answers are JSON, whose shape the tests state
type Json = any;

export interface AuthUnderTest extends AsyncDisposable {
  readonly kernel: Kernel;
  readonly auth: Auth;
  readonly url: string;
  /** Firebase's admin kit, in emulator mode. */
  readonly admin: AdminAuth;
  /** A call of a person's client, in emulator mode: "accounts:signUp". Rejects with the service's code. */
  call(method: string, body: unknown): Promise<Json>;
  /** The same by the service's own path, which signs what it gives. */
  callSigned(method: string, body: unknown): Promise<Json>;
}

let apps = 0;

/** The emulator behind a port. */
export async function startAuth(path?: string): Promise<AuthUnderTest> {
  const kernel = createKernel();
  const auth = openAuth(kernel, { path, project: "demo" });
  const server = createServer(auth.listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  // The kit looks at the variable when its parts are made.
  process.env.FIREBASE_AUTH_EMULATOR_HOST = host;
  apps += 1;
  const app = initializeApp({ projectId: "demo" }, `app-${apps}`);
  const admin = getAuth(app);
  const post = async (url: string, body: unknown): Promise<Json> => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    const json = (await answer.json()) as Json;
    if (!answer.ok) throw new Error(json.error.message);
    return json;
  };
  const serviceOf = (method: string): string => (method === "token" ? "securetoken" : "identitytoolkit");
  return {
    kernel,
    auth,
    url: `http://${host}`,
    admin,
    call: (method, body) =>
      post(`http://${host}/${serviceOf(method)}.googleapis.com/v1/${method}?key=k`, body),
    callSigned: (method, body) => post(`http://${host}/v1/${method}?key=k`, body),
    async [Symbol.asyncDispose]() {
      await deleteApp(app);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      auth.close();
      kernel.clock.stop();
      if (process.env.FIREBASE_AUTH_EMULATOR_HOST === host) delete process.env.FIREBASE_AUTH_EMULATOR_HOST;
    },
  };
}
