import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openFirestore } from "./firestore/server.ts";
import { type GrpcServer, serveGrpc } from "./kernel/grpc.ts";
import { loadProtos } from "./kernel/protos.ts";
import { createKernel } from "./kernel/kernel.ts";
import type { ServiceSpec } from "./kernel/rpc.ts";
import { statusNumber } from "./kernel/status-error.ts";
import { openKms } from "./kms/server.ts";
import { openPubSub } from "./pubsub/server.ts";
import { openTasks } from "./tasks/server.ts";

/** Which protos each emulator's README has to account for, RPC by RPC. */
const SERVICES = [
  { folder: "firestore", protos: "@google-cloud/firestore-api", proto: "google.firestore.v1.Firestore" },
  { folder: "pubsub", protos: "@google-cloud/pubsub-api", proto: "google.pubsub.v1.Publisher" },
  { folder: "pubsub", protos: "@google-cloud/pubsub-api", proto: "google.pubsub.v1.Subscriber" },
  { folder: "pubsub", protos: "@google-cloud/pubsub-api", proto: "google.pubsub.v1.SchemaService" },
  { folder: "tasks", protos: "@google-cloud/tasks", proto: "google.cloud.tasks.v2.CloudTasks" },
  { folder: "kms", protos: "@google-cloud/kms", proto: "google.cloud.kms.v1.KeyManagementService" },
] as const;

const UNIMPLEMENTED = statusNumber("UNIMPLEMENTED");
const kernel = createKernel();
let client: Client;
let server: GrpcServer;
const closers: (() => void)[] = [];

beforeAll(async () => {
  const services: ServiceSpec[] = [];
  const mintIdToken = async (): Promise<string> => "token";
  for (const emulator of [
    openFirestore(kernel, { path: undefined }),
    openPubSub(kernel, { path: undefined, mintIdToken }),
    openTasks(kernel, { path: undefined, mintIdToken }),
  ]) {
    services.push(...emulator.services);
    closers.push(() => emulator.close());
  }
  services.push(...openKms(kernel, { path: undefined }).services);
  server = await serveGrpc(kernel, 0, services);
  client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await server.stop();
  for (const close of closers) close();
  kernel.clock.stop();
});

/** The rows of a README's tables: what is named in the first column, and what is said of it. */
function rowsOf(folder: string): { readonly names: ReadonlySet<string>; readonly description: string }[] {
  const text = readFileSync(new URL(`${folder}/README.md`, import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| (.*?) +\| (.*?) +\|$/gm)];
  return rows.map(([, subject = "", description = ""]) => ({
    names: new Set(subject.match(/\b[A-Z][A-Za-z]+\b/g) ?? []),
    description,
  }));
}

const rpcsOf = (protos: string, proto: string): string[] =>
  loadProtos(protos)
    .lookupService(proto)
    .methodsArray.map(({ name }) => name);

/** The status of a call with an empty request, which every RPC that is served refuses or answers. */
function statusOf(proto: string, rpc: string): Promise<number> {
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve) => {
    const stream = client.makeBidiStreamRequest(`/${proto}/${rpc}`, same, same);
    stream.on("data", () => undefined);
    stream.on("error", () => undefined);
    stream.on("status", ({ code }) => resolve(code));
    stream.write(Buffer.alloc(0));
    stream.end();
  });
}

describe.each(SERVICES)("the README about $proto", ({ folder, protos, proto }) => {
  const rows = rowsOf(folder);
  test.each(rpcsOf(protos, proto))("says of %s what it answers", async (rpc) => {
    const about = rows.filter(({ names }) => names.has(rpc));
    expect(about.map(({ description }) => description)).not.toEqual([]);
    // A row that calls only part of an RPC unimplemented says "served" first.
    const refused = about.some(({ description }) => description.startsWith("UNIMPLEMENTED"));
    const answered = await statusOf(proto, rpc);
    expect(answered === UNIMPLEMENTED).toBe(refused);
    expect(answered).not.toBe(statusNumber("INTERNAL"));
  });
});

test("an RPC that no proto has answers UNIMPLEMENTED", async () => {
  expect(await statusOf("google.firestore.v1.Firestore", "Guess")).toBe(UNIMPLEMENTED);
  expect(await statusOf("google.unknown.v1.Unknown", "Guess")).toBe(UNIMPLEMENTED);
});

/** The test files that each README's table of behaviours names, from this folder. */
function namedTests(): string[] {
  const folders = readdirSync(new URL("./", import.meta.url), { withFileTypes: true });
  return folders.flatMap(({ name }) => {
    const readme = new URL(`${name}/README.md`, import.meta.url);
    const text = existsSync(readme) ? readFileSync(readme, "utf8") : "";
    const [, section = ""] = text.split("\n## Behaviour and its tests\n");
    const files = section.split("\n## ")[0]?.match(/[\w./-]+\.test\.ts/g) ?? [];
    return [...new Set(files)].map((file) => `${name}/${file}`);
  });
}

test.each(namedTests())("a README names the test %s, which exists", (file) => {
  expect(existsSync(new URL(file, import.meta.url))).toBe(true);
});

test("the README of the Firestore emulator names all its tests", () => {
  const files = readdirSync(new URL("firestore", import.meta.url)).filter((file) =>
    file.endsWith(".test.ts"),
  );
  expect(files.filter((file) => !namedTests().includes(`firestore/${file}`))).toEqual([]);
});
