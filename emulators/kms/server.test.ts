import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeyManagementServiceClient } from "@google-cloud/kms";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type GrpcServer, serveGrpc } from "../kernel/grpc.ts";
import { createKernel } from "../kernel/kernel.ts";
import { PLAINTEXT_BYTES_MAX } from "./limits.ts";
import { openKms } from "./server.ts";

const location = "projects/p/locations/europe-west1";
const ring = `${location}/keyRings/ring`;
const name = `${ring}/cryptoKeys/key`;
const kernel = createKernel();
const folder = mkdtempSync(join(tmpdir(), "kms-"));
const path = join(folder, "keys.json");
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;

let server: GrpcServer;
let client: KeyManagementServiceClient;

async function serve(): Promise<void> {
  server = await serveGrpc(kernel, 0, openKms(kernel, { path }).services);
  const sslCreds = credentials.createInsecure();
  client = new KeyManagementServiceClient({ apiEndpoint: "127.0.0.1", port: server.port, sslCreds });
}
async function end(): Promise<void> {
  await client.close();
  await server.stop();
}
beforeAll(async () => {
  await serve();
  await client.createKeyRing({ parent: location, keyRingId: "ring" });
  await client.createCryptoKey({
    parent: ring,
    cryptoKeyId: "key",
    cryptoKey: { purpose: "ENCRYPT_DECRYPT" },
  });
});
afterAll(async () => {
  await end();
  kernel.clock.stop();
  rmSync(folder, { recursive: true });
});

const context = Buffer.from("context");
async function encrypt(plaintext: string): Promise<Uint8Array> {
  const [{ ciphertext }] = await client.encrypt({
    name,
    plaintext: Buffer.from(plaintext),
    additionalAuthenticatedData: context,
  });
  return ciphertext as Uint8Array;
}

test("what was encrypted is decrypted with the same data beside it, also after a restart", async () => {
  const ciphertext = await encrypt("private");
  expect(Buffer.from(ciphertext).toString()).not.toContain("private");
  await end();
  await serve();
  const [{ plaintext }] = await client.decrypt({ name, ciphertext, additionalAuthenticatedData: context });
  expect(Buffer.from(plaintext as Uint8Array).toString()).toBe("private");
  expect(statSync(path).mode & 0o077).toBe(0);
});

test("what was changed, or is given other data, is refused", async () => {
  const ciphertext = Buffer.from(await encrypt("private"));
  const other = Buffer.from("other");
  const refused = { code: INVALID_ARGUMENT };
  await expect(
    client.decrypt({ name, ciphertext, additionalAuthenticatedData: other }),
  ).rejects.toMatchObject(refused);
  ciphertext[20] = (ciphertext[20] ?? 0) ^ 1;
  await expect(
    client.decrypt({ name, ciphertext, additionalAuthenticatedData: context }),
  ).rejects.toMatchObject(refused);
  const tooLong = Buffer.alloc(PLAINTEXT_BYTES_MAX + 1);
  await expect(client.encrypt({ name, plaintext: tooLong })).rejects.toMatchObject(refused);
});

test("keys and rings are made once, and what is not there is not found", async () => {
  await expect(client.createKeyRing({ parent: location, keyRingId: "ring" })).rejects.toMatchObject({
    code: ALREADY_EXISTS,
  });
  await expect(client.getCryptoKey({ name: `${ring}/cryptoKeys/other` })).rejects.toMatchObject({
    code: NOT_FOUND,
  });
  const [key] = await client.getCryptoKey({ name });
  expect(key).toMatchObject({ name, purpose: "ENCRYPT_DECRYPT" });
  expect(key.primary?.name).toBe(`${name}/cryptoKeyVersions/1`);
});
