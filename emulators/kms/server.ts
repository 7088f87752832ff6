import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { loadProtos } from "../kernel/protos.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Message, ServiceSpec } from "../kernel/rpc.ts";
import { protoTime } from "../kernel/proto-time.ts";
import { StatusError } from "../kernel/status-error.ts";
import { openKeyFile } from "./key-file.ts";
import { PLAINTEXT_BYTES_MAX } from "./limits.ts";

export interface Kms {
  readonly services: ServiceSpec[];
}

const PROTO = "google.cloud.kms.v1";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ID = /^[A-Za-z0-9_-]{1,63}$/;
const LOCATION = /^projects\/[^/]+\/locations\/[^/]+$/;
const KEY_RING = /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[A-Za-z0-9_-]{1,63}$/;

// Numbers of the protos' enums.
const ENCRYPT_DECRYPT = 1;
const ENABLED = 1;
const SOFTWARE = 1;

/** Opens Cloud KMS: encryption of small secrets with symmetric keys. `path` is the file of the keys. */
export function openKms(
  { clock }: Pick<Kernel, "clock">,
  { path }: { readonly path: string | undefined },
): Kms {
  const file = openKeyFile(path);

  const ringMessage = (name: string): Message => ({
    name,
    createTime: protoTime(access(file.ring(name), name).createdMs),
  });
  const keyMessage = (name: string): Message => {
    const createTime = protoTime(access(file.key(name), name).createdMs);
    const primary = { name: versionOf(name), state: ENABLED, protectionLevel: SOFTWARE, createTime };
    return { name, createTime, purpose: ENCRYPT_DECRYPT, primary };
  };

  const unary: ServiceSpec["unary"] = {
    CreateKeyRing({ parent, keyRingId }) {
      const name = newName(parent, LOCATION, "keyRings", keyRingId);
      if (file.ring(name)) throw new StatusError("ALREADY_EXISTS", `${name} already exists.`);
      file.addRing(name, clock.now());
      return ringMessage(name);
    },
    GetKeyRing: ({ name }) => ringMessage(name),
    CreateCryptoKey({ parent, cryptoKeyId, cryptoKey }) {
      const name = newName(parent, KEY_RING, "cryptoKeys", cryptoKeyId);
      access(file.ring(parent), parent);
      if (cryptoKey?.purpose !== ENCRYPT_DECRYPT) {
        throw new StatusError("UNIMPLEMENTED", "Only keys of purpose ENCRYPT_DECRYPT are served.");
      }
      if (file.key(name)) throw new StatusError("ALREADY_EXISTS", `${name} already exists.`);
      file.addKey(name, clock.now());
      return keyMessage(name);
    },
    GetCryptoKey: ({ name }) => keyMessage(name),
    Encrypt({ name, plaintext, additionalAuthenticatedData }) {
      const keyName = keyOf(name);
      const { key } = access(file.key(keyName), keyName);
      demandSize("plaintext", plaintext);
      demandSize("additional_authenticated_data", additionalAuthenticatedData);
      const ciphertext = seal(key, plaintext, additionalAuthenticatedData);
      return { name: versionOf(keyName), ciphertext, protectionLevel: SOFTWARE };
    },
    Decrypt({ name, ciphertext, additionalAuthenticatedData }) {
      const { key } = access(file.key(name), name);
      const plaintext = open(key, ciphertext, additionalAuthenticatedData);
      return { plaintext, usedPrimary: true, protectionLevel: SOFTWARE };
    },
  };
  const root = loadProtos("@google-cloud/kms");
  return { services: [{ name: "kms", proto: `${PROTO}.KeyManagementService`, root, unary }] };
}

function access<T>(found: T | undefined, name: string): T {
  if (found === undefined) throw new StatusError("NOT_FOUND", `${name} not found.`);
  return found;
}

function newName(parent: string, pattern: RegExp, kind: string, id: string): string {
  if (!pattern.test(parent)) throw new StatusError("INVALID_ARGUMENT", `Invalid parent: ${parent}`);
  if (!ID.test(id)) throw new StatusError("INVALID_ARGUMENT", `Invalid resource id: ${id}`);
  return `${parent}/${kind}/${id}`;
}

/** A key has one version here. Encrypt accepts its name; Decrypt does not. */
const versionOf = (keyName: string): string => `${keyName}/cryptoKeyVersions/1`;
const keyOf = (name: string): string => name.replace(/\/cryptoKeyVersions\/1$/, "");

function demandSize(field: string, bytes: Uint8Array): void {
  if (bytes.length <= PLAINTEXT_BYTES_MAX) return;
  throw new StatusError("INVALID_ARGUMENT", `The ${field} is larger than ${PLAINTEXT_BYTES_MAX} bytes.`);
}

function seal(key: Buffer, plaintext: Uint8Array, context: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(context);
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

function open(key: Buffer, ciphertext: Uint8Array, context: Uint8Array): Buffer {
  const nonce = ciphertext.subarray(0, NONCE_BYTES);
  const tag = ciphertext.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(context).setAuthTag(tag);
    const body = ciphertext.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch {
    throw new StatusError("INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.");
  }
}
