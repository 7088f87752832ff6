import { createPublicKey, generateKeyPair } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

/** Whose signatures are accepted. */
export interface TrustedAccount {
  readonly client_email: string;
  readonly publicKeyPem: string;
}

/** What a client needs in order to sign URLs: the fields of a service account's key file. */
export interface SigningCredentials {
  readonly client_email: string;
  readonly private_key: string;
}

/** Google's service account keys are of this size: cloud.google.com/iam/docs/keys-create-delete. */
const KEY_BITS = 2048;

/** The key of the suite's own service account; made where the file is absent, kept there. */
export async function openServiceAccount(
  path: string | undefined,
  email: string,
): Promise<SigningCredentials> {
  const known = path === undefined ? undefined : readKey(path);
  if (known !== undefined) return { client_email: email, private_key: known };
  const { privateKey } = await promisify(generateKeyPair)("rsa", {
    modulusLength: KEY_BITS,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  if (path !== undefined) keepKey(path, privateKey);
  return { client_email: email, private_key: privateKey };
}

export const trustedAccount = ({ client_email, private_key }: SigningCredentials): TrustedAccount => ({
  client_email,
  publicKeyPem: createPublicKey(private_key).export({ type: "spki", format: "pem" }).toString(),
});

/**
 * The account of a service account's key file; undefined for credential files of other kinds, which sign
 * nothing. Only the public half of the key is kept.
 */
export function trustedKeyFile(path: string): TrustedAccount | undefined {
  const { type, client_email, private_key } = JSON.parse(readFileSync(path, "utf8")) as Record<
    string,
    unknown
  >;
  if (type !== "service_account" || typeof client_email !== "string" || typeof private_key !== "string")
    return undefined;
  return trustedAccount({ client_email, private_key });
}

function readKey(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}

/** Renamed into place, so that a crash leaves either no key or a whole one. */
function keepKey(path: string, key: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, key, { mode: 0o600 });
  renameSync(draft, path);
}
