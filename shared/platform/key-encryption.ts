import type { KeyManagementServiceClient } from "@google-cloud/kms";
import type { Config } from "./config.ts";
import { clientOptions } from "./endpoint.ts";
import { lazy } from "./lazy.ts";
import { withCallSpans } from "./trace-calls.ts";

/**
 * Encrypts the private parts of signing keys before they are stored, with a key of Cloud KMS that nobody can
 * read. `context` says which key it is and must be given again. Each is one call.
 */
export interface KeyEncryption {
  wrap(context: string, plaintext: string): Promise<string>;
  /** @throws Error when the text was changed or wrapped for another context */
  unwrap(context: string, wrapped: string): Promise<string>;
  close(): Promise<void>;
}

const CALL_MS_MAX = 5_000;

export function openKeyEncryption(config: Pick<Config, "kmsEndpoint" | "kmsKey">): KeyEncryption {
  const client = lazy<KeyManagementServiceClient>(async () => {
    const { KeyManagementServiceClient } = await import("@google-cloud/kms");
    return new KeyManagementServiceClient({
      ...withCallSpans,
      ...(await clientOptions(config.kmsEndpoint)),
    });
  });
  const name = config.kmsKey;
  return {
    async wrap(context, plaintext) {
      const request = {
        name,
        plaintext: Buffer.from(plaintext),
        additionalAuthenticatedData: Buffer.from(context),
      };
      const [{ ciphertext }] = await (await client.get()).encrypt(request, { timeout: CALL_MS_MAX });
      return bytesOf(ciphertext).toString("base64url");
    },
    async unwrap(context, wrapped) {
      const request = {
        name,
        ciphertext: Buffer.from(wrapped, "base64url"),
        additionalAuthenticatedData: Buffer.from(context),
      };
      const [{ plaintext }] = await (await client.get()).decrypt(request, { timeout: CALL_MS_MAX });
      return bytesOf(plaintext).toString();
    },
    async close() {
      await (await client.made())?.close();
    },
  };
}

function bytesOf(field: Uint8Array | string | null | undefined): Buffer {
  if (field instanceof Uint8Array) return Buffer.from(field);
  throw new Error("Cloud KMS has answered without the bytes that were asked for.");
}
