import { createHmac, randomBytes } from "node:crypto";

/**
 * Signing as Standard Webhooks 1.0 says (github.com/standard-webhooks/standard-webhooks): HMAC-SHA256 over
 * `{id}.{timestamp}.{body}`, in base64 behind `v1,`; several signatures are separated by spaces, so that a
 * receiver goes over to a new secret when it likes.
 */

const PREFIX = "whsec_";
/** The standard asks for 24 to 64. */
const SECRET_BYTES = 32;

/** A secret as it is shown: `whsec_` and base64. */
export const newWebhookSecret = (): string => `${PREFIX}${randomBytes(SECRET_BYTES).toString("base64")}`;

export interface SignedHeaders {
  readonly "webhook-id": string;
  readonly "webhook-timestamp": string;
  readonly "webhook-signature": string;
}

/** `id` is one of ours and holds no full stop; it stays when the same is sent again. */
export function signWebhook(
  secrets: readonly string[],
  { id, body, nowMs }: { readonly id: string; readonly body: string; readonly nowMs: number },
): SignedHeaders {
  const timestamp = String(Math.floor(nowMs / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), "base64");
    return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
