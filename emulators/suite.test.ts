import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Firestore } from "@google-cloud/firestore";
import { PubSub } from "@google-cloud/pubsub";
import { Storage } from "@google-cloud/storage";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, describe, expect, test } from "vitest";
import { listen } from "./kernel/loopback.ts";
import { portsFrom, portsOfConfig } from "./kernel/ports.ts";
import { anyPorts, defaultPorts, PORT_NAMES } from "./ports.ts";
import { startSuite } from "./suite.ts";

const folder = mkdtempSync(join(tmpdir(), "suite-"));
afterAll(() => rmSync(folder, { recursive: true }));

const project = "demo-suite";
process.env["METADATA_SERVER_DETECTION"] = "none";

describe("the suite", () => {
  test("opens every emulator on a free port and names them in its variables", async () => {
    const suite = await startSuite({ project, dataDir: undefined });
    const { ports, env } = suite;
    expect(env).toMatchObject({
      GOOGLE_CLOUD_PROJECT: project,
      FIRESTORE_EMULATOR_HOST: `127.0.0.1:${ports.firestore}`,
      PUBSUB_EMULATOR_HOST: `127.0.0.1:${ports.pubsub}`,
      TASKS_ENDPOINT: `127.0.0.1:${ports.tasks}`,
      STORAGE_EMULATOR_HOST: `http://127.0.0.1:${ports.storage}`,
      FIREBASE_AUTH_EMULATOR_HOST: `127.0.0.1:${ports.auth}`,
      SMTP_URL: `smtp://127.0.0.1:${ports.smtp}`,
      METADATA_SERVER_DETECTION: "none",
    });
    const { auth, firestore, pubsub, tasks, storage, smtp } = ports;
    expect(new Set([auth, firestore, pubsub, tasks, storage, smtp, 0]).size).toBe(7);
    await suite.stop();
  });

  test("serves the keys with which its tokens are checked", async () => {
    const suite = await startSuite({ project, dataDir: undefined, only: ["oidc"] });
    const token = await suite.oidc.mintIdToken({ audience: "https://f", email: "a@b.c" });
    const keys = createRemoteJWKSet(new URL(suite.env["OIDC_JWKS_URL"] ?? ""));
    const { payload } = await jwtVerify(token, keys, {
      issuer: suite.env["OIDC_ISSUER"] ?? "",
      audience: "https://f",
    });
    expect(payload["email"]).toBe("a@b.c");
    expect((await fetch(`http://127.0.0.1:${suite.ports.auth}/token`)).status).toBe(501);
    await suite.stop();
  });

  test("hands the storage emulator's notifications to Pub/Sub, and signs URLs that it accepts", async () => {
    const suite = await startSuite({ project, dataDir: undefined, only: ["pubsub", "storage"] });
    const pubsub = new PubSub({
      projectId: project,
      apiEndpoint: suite.env["PUBSUB_EMULATOR_HOST"] ?? "",
      emulatorMode: true,
    });
    const [topic] = await pubsub.createTopic("uploads");
    const [subscription] = await topic.createSubscription("uploads");
    process.env["STORAGE_EMULATOR_HOST"] = suite.env["STORAGE_EMULATOR_HOST"];
    const storage = new Storage({ projectId: project, credentials: suite.storage.signer });
    delete process.env["STORAGE_EMULATOR_HOST"];
    const [bucket] = await storage.createBucket("suite-bucket");
    await bucket.createNotification(topic.name);
    const [url] = await bucket
      .file("a")
      .getSignedUrl({ version: "v4", action: "write", expires: Date.now() + 60_000 });
    const heard = new Promise<Record<string, string>>((resolve) => {
      subscription.once("message", (message) => {
        message.ack();
        resolve(message.attributes);
      });
    });
    expect((await fetch(url, { method: "PUT", body: "bytes" })).status).toBe(200);
    expect(await heard).toMatchObject({ eventType: "OBJECT_FINALIZE", objectId: "a" });
    await subscription.close();
    await pubsub.close();
    await suite.stop();
  });

  test("starts only the parts that are asked for", async () => {
    const suite = await startSuite({ project, dataDir: undefined, only: ["tasks"] });
    expect(suite.ports.tasks).not.toBe(0);
    expect(suite.ports.firestore).toBe(0);
    expect(suite.env).not.toHaveProperty("FIRESTORE_EMULATOR_HOST");
    await suite.stop();
  });

  test("needs only the ports of what it starts", async () => {
    const taken = createServer();
    const port = await listen(taken, 0, "127.0.0.1");
    const ports = { ...anyPorts(), auth: port, tasks: port };
    const suite = await startSuite({ project, dataDir: undefined, ports, only: ["firestore"] });
    expect(suite.ports).toMatchObject({ auth: 0, tasks: 0 });
    const withTokens = startSuite({ project, dataDir: undefined, ports, only: ["pubsub"] });
    await expect(withTokens).rejects.toThrow(new RegExp(`^Port ${port} \\(auth\\) is in use\\.`));
    await suite.stop();
    taken.close();
  });

  test("keeps its data folder for itself, and its data between starts", async () => {
    const dataDir = join(folder, "kept");
    const first = await startSuite({ project, dataDir });
    await expect(startSuite({ project, dataDir })).rejects.toThrow(/is in use by another suite/);
    const written = firestoreOf(first.env["FIRESTORE_EMULATOR_HOST"] ?? "");
    await written.doc("things/one").set({ kept: true });
    await written.terminate();
    await first.stop();

    const second = await startSuite({ project, dataDir });
    const read = firestoreOf(second.env["FIRESTORE_EMULATOR_HOST"] ?? "");
    expect((await read.doc("things/one").get()).data()).toEqual({ kept: true });
    await read.terminate();
    await second.stop();

    const fresh = await startSuite({ project, dataDir, fresh: true });
    const anew = firestoreOf(fresh.env["FIRESTORE_EMULATOR_HOST"] ?? "");
    expect((await anew.doc("things/one").get()).exists).toBe(false);
    await anew.terminate();
    await fresh.stop();
  });

  test("says which file of its data folder can't be read", async () => {
    const dataDir = join(folder, "broken");
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, "tasks.sqlite"), "this is no database".repeat(1000));
    await expect(startSuite({ project, dataDir })).rejects.toThrow(
      /tasks\.sqlite can't be opened: .* start anew with --fresh\.$/,
    );
    await (await startSuite({ project, dataDir, fresh: true })).stop();
  });

  test("names the service, the port and the way out when a port is in use", async () => {
    const taken = createServer();
    const port = await listen(taken, 0, "127.0.0.1");
    const dataDir = join(folder, "untouched");
    const starting = startSuite({ project, dataDir, ports: { ...anyPorts(), pubsub: port } });
    await expect(starting).rejects.toThrow(
      new RegExp(`^Port ${port} \\(pubsub\\) is in use\\..* --port-base 6000$`),
    );
    expect(existsSync(dataDir)).toBe(false);
    taken.close();
  });
});

describe("the ports", () => {
  test("are those of firebase.json where it gives them, or consecutive from a base", () => {
    const firebaseJson = { emulators: { auth: { port: 10 }, tasks: { port: 11 }, ui: { port: 12 } } };
    const ports = portsOfConfig(PORT_NAMES, firebaseJson, defaultPorts());
    expect(ports).toEqual({ ...defaultPorts(), auth: 10, tasks: 11 });
    expect(portsFrom(PORT_NAMES, 6000)).toMatchObject({ auth: 6000, firestore: 6001, trace: 6009 });
    expect(() => portsFrom(PORT_NAMES, 65_530)).toThrow(/--port-base/);
  });
});

const firestoreOf = (host: string): Firestore => {
  const [servicePath = "", port = ""] = host.split(":");
  return new Firestore({ projectId: project, host: `${servicePath}:${port}`, ssl: false, customHeaders: {} });
};
