import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";

/**
 * The keys that the one secret stands for. Each use derives its own (HKDF, RFC 5869), so that
 * knowing one helps with no other.
 */
export interface Keys {
  /** A keyed hash (HMAC-SHA-256) in base64url: for codes, tokens and addresses that are only compared. */
  mac(use: string, ...parts: readonly string[]): string;
  /** Encrypts (AES-256-GCM); `context` must be given again to open. */
  seal(use: string, context: string, plaintext: string): string;
  /** @throws Error when the text was changed or sealed for another use or context. */
  open(use: string, context: string, sealed: string): string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function createKeys(secret: string): Keys {
  // As key objects: with bytes, Node makes one anew at each use, which takes longer than the hash.
  const derived = new Map<string, KeyObject>();
  const keyFor = (use: string): KeyObject => {
    const known = derived.get(use);
    if (known !== undefined) return known;
    const key = createSecretKey(Buffer.from(hkdfSync("sha256", secret, "scrollback", use, 32)));
    derived.set(use, key);
    return key;
  };
  return {
    mac(use, ...parts) {
      const hmac = createHmac("sha256", keyFor(`mac:${use}`));
      for (const part of parts) hmac.update(`${Buffer.byteLength(part)}:`).update(part);
      return hmac.digest("base64url");
    },
    seal(use, context, plaintext) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", keyFor(`seal:${use}`), nonce).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
    },
    open(use, context, sealed) {
      const bytes = Buffer.from(sealed, "base64url");
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", keyFor(`seal:${use}`), nonce, {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(context)).setAuthTag(tag);
      return Buffer.concat([
        decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)),
        decipher.final(),
      ]).toString();
    },
  };
}

/** Compares two secrets in time that does not depend on where they differ; that lengths differ may show. */
export function sameSecret(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
