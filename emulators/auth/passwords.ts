import {
  createCipheriv,
  createHash,
  createHmac,
  pbkdf2Sync,
  randomBytes,
  scryptSync,
  timingSafeEqual,
} from "node:crypto";
import type { PasswordScheme, PasswordSecret } from "./account.ts";
import { bcryptDigest, parseBcrypt } from "./bcrypt.ts";
import { authError, unimplemented } from "./failure.ts";
import { BCRYPT_COST_MAX } from "./limits.ts";

/** Ours: cheap enough for tests that sign up by the thousand. The emulator stores no real passwords. */
const OWN_SCHEME: PasswordScheme = {
  algorithm: "STANDARD_SCRYPT",
  cpuMemCost: 1024,
  blockSize: 8,
  parallelization: 1,
  dkLen: 64,
};

export function hashPassword(password: string): PasswordSecret {
  const salt = randomBytes(16).toString("base64url");
  return { salt, scheme: OWN_SCHEME, hash: encode(derive(OWN_SCHEME, password, salt)) };
}

export function isPassword(password: string, { hash, salt, scheme }: PasswordSecret): boolean {
  if (scheme.algorithm === "BCRYPT") return isBcrypt(password, decode(hash).toString());
  const expected = decode(hash);
  const actual = derive(scheme, password, salt);
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}

/** The text that bcrypt makes holds cost and salt. */
function isBcrypt(password: string, text: string): boolean {
  const parsed = parseBcrypt(text);
  if (parsed === undefined) return false;
  if (parsed.cost > BCRYPT_COST_MAX) throw unimplemented(`bcrypt at the cost ${parsed.cost}`);
  return timingSafeEqual(bcryptDigest(password, parsed), parsed.digest);
}

const encode = (bytes: Buffer): string => bytes.toString("base64url");
/** Imports come in either alphabet of base64. */
const decode = (text: string): Buffer => Buffer.from(text, "base64");

const HMACS: Readonly<Record<string, string>> = {
  HMAC_MD5: "md5",
  HMAC_SHA1: "sha1",
  HMAC_SHA256: "sha256",
  HMAC_SHA512: "sha512",
};
const DIGESTS: Readonly<Record<string, string>> = {
  MD5: "md5",
  SHA1: "sha1",
  SHA256: "sha256",
  SHA512: "sha512",
};

/**
 * Throws for algorithms that Node lacks. The import is then refused, so that no person is locked out later.
 */
export function requireScheme({ algorithm, rounds = 8, cpuMemCost = 14 }: PasswordScheme): void {
  const known =
    algorithm in HMACS ||
    algorithm in DIGESTS ||
    ["PBKDF_SHA1", "PBKDF2_SHA256", "STANDARD_SCRYPT", "SCRYPT", "BCRYPT"].includes(algorithm);
  if (!known) throw unimplemented(`The hash algorithm ${algorithm}`);
  // Each sign-in would need 128 bytes times both parameters of memory:
  // firebase.google.com/docs/auth/admin/import-users.
  if (algorithm === "SCRYPT" && (cpuMemCost > 14 || rounds > 8)) throw authError("INVALID_MEMORY_COST");
}

function derive(scheme: PasswordScheme, password: string, salt: string): Buffer {
  const { algorithm, rounds = 1 } = scheme;
  const saltBytes = decode(salt);
  const [hmac, digest] = [HMACS[algorithm], DIGESTS[algorithm]];
  const passwordBytes = Buffer.from(password);
  const parts =
    scheme.passwordHashOrder === "SALT_AND_PASSWORD"
      ? [saltBytes, passwordBytes]
      : [passwordBytes, saltBytes];
  if (hmac !== undefined) {
    return createHmac(hmac, decode(scheme.signerKey ?? ""))
      .update(Buffer.concat(parts))
      .digest();
  }
  if (digest !== undefined) {
    let hash = createHash(digest).update(Buffer.concat(parts)).digest();
    for (let round = 1; round < rounds; round += 1) hash = createHash(digest).update(hash).digest();
    return hash;
  }
  if (algorithm === "SCRYPT") return firebaseScrypt(scheme, password, saltBytes);
  if (algorithm === "STANDARD_SCRYPT") {
    const { cpuMemCost: N = 1024, blockSize: r = 8, parallelization: p = 1, dkLen = 64 } = scheme;
    return scryptSync(password, saltBytes, dkLen, { N, r, p, maxmem: 256 * N * r });
  }
  return pbkdf2Sync(
    password,
    saltBytes,
    Math.max(rounds, 1),
    PBKDF_BYTES,
    algorithm === "PBKDF_SHA1" ? "sha1" : "sha256",
  );
}

/**
 * Firebase's own: the key that scrypt derives encrypts the project's signer key, and what comes out is the
 * hash (github.com/firebase/scrypt). Its memory cost is a power of two.
 */
function firebaseScrypt(scheme: PasswordScheme, password: string, salt: Buffer): Buffer {
  const { signerKey = "", saltSeparator = "", rounds: r = 8, cpuMemCost = 14 } = scheme;
  const N = 2 ** cpuMemCost;
  const salted = Buffer.concat([salt, decode(saltSeparator)]);
  const key = scryptSync(password, salted, 32, { N, r, p: 1, maxmem: 256 * N * r });
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  return Buffer.concat([cipher.update(decode(signerKey)), cipher.final()]);
}

/** What the service derives: firebase.google.com/docs/auth/admin/import-users. */
const PBKDF_BYTES = 64;
