import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from "node:crypto";
import { selfSigned } from "./certificate.ts";
import { SIGNING_KEY_BITS } from "./limits.ts";

/** The key that signs ID tokens and session cookies, and the forms in which it is published. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** By key id, in PEM: what Google's admin kits fetch. */
  readonly certificates: Readonly<Record<string, string>>;
  readonly jwks: { readonly keys: readonly JsonWebKey[] };
}

/** A new key, as the database keeps it: PEM. */
export const newSigningKeyPem = (): string =>
  generateKeyPairSync("rsa", { modulusLength: SIGNING_KEY_BITS })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();

/** The certificate expires later than any test moves the clock. */
const CERTIFICATE_FROM_MS = Date.UTC(2020, 0, 1);
const CERTIFICATE_UNTIL_MS = Date.UTC(2120, 0, 1);

export function signingKeyOf(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem);
  const publicKey = createPublicKey(privateKey);
  const digest = createHash("sha1")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest();
  const kid = digest.toString("hex");
  const certificate = selfSigned({
    publicKey,
    privateKey,
    name: "securetoken.system.gserviceaccount.com",
    serial: digest.subarray(0, 8),
    fromMs: CERTIFICATE_FROM_MS,
    untilMs: CERTIFICATE_UNTIL_MS,
  });
  const { kty, n, e } = publicKey.export({ format: "jwk" });
  return {
    kid,
    privateKey,
    publicKey,
    certificates: { [kid]: certificate },
    jwks: { keys: [{ kty, n, e, kid, alg: "RS256", use: "sig" } as JsonWebKey] },
  };
}
