import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Firestore } from "@google-cloud/firestore";
import { PubSub } from "@google-cloud/pubsub";
import { Storage } from "@google-cloud/storage";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, describe, expect, test } from "vitest";
import { listen } from "./loopback.ts";
import { anyPorts, portsFrom, portsOfConfig } from "./ports.ts";
import { functionsEnv, startSuite } from "./suite.ts";

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
    expect(functionsEnv(suite, { region: "r", functionsUrl: "f", publicUrl: "p" })).toMatchObject({
      INVOKER_EMAIL: "invoker@demo-suite.iam.gserviceaccount.com",
      OPERATOR_KEY: suite.folder.operatorKey,
      REGION: "r",
      FUNCTIONS_URL: "f",
      PUBLIC_URL: "p",
    });
    await suite.stop();
  });

  test("serves the keys with which its tokens are checked", async () => {
    const suite = await startSuite({ project, dataDir: undefined, only: [] });
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
    const storage = new Storage({ projectId: project, credentials: suite.signer ?? {} });
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

  test("keeps its data folder for itself, and its data and secrets between starts", async () => {
    const dataDir = join(folder, "kept");
    const first = await startSuite({ project, dataDir });
    await expect(startSuite({ project, dataDir })).rejects.toThrow(/is in use by another suite/);
    const written = firestoreOf(first.env["FIRESTORE_EMULATOR_HOST"] ?? "");
    await written.doc("things/one").set({ kept: true });
    await written.terminate();
    await first.stop();

    const second = await startSuite({ project, dataDir });
    expect(second.folder.secret).toBe(first.folder.secret);
    expect(second.folder.operatorKey).toBe(first.folder.operatorKey);
    const read = firestoreOf(second.env["FIRESTORE_EMULATOR_HOST"] ?? "");
    expect((await read.doc("things/one").get()).data()).toEqual({ kept: true });
    await read.terminate();
    await second.stop();

    const fresh = await startSuite({ project, dataDir, fresh: true });
    expect(fresh.folder.secret).not.toBe(first.folder.secret);
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
    writeFileSync(join(dataDir, "keepsakes.json"), "{");
    await expect(startSuite({ project, dataDir })).rejects.toThrow(/keepsakes\.json can't be read/);
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
  test("are those of firebase.json, or consecutive from a base", () => {
    const emulators = Object.fromEntries(
      Object.keys(anyPorts()).map((name, index) => [name, { port: index + 10 }]),
    );
    expect(portsOfConfig({ emulators })).toMatchObject({ hosting: 10, ui: 11, functions: 19 });
    expect(portsFrom(6000)).toMatchObject({ hosting: 6000, ui: 6001, auth: 6002, functions: 6009 });
    expect(() => portsFrom(65_530)).toThrow(/--port-base/);
  });
});

const firestoreOf = (host: string): Firestore => {
  const [servicePath = "", port = ""] = host.split(":");
  return new Firestore({ projectId: project, host: `${servicePath}:${port}`, ssl: false, customHeaders: {} });
};
