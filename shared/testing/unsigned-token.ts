import { encodeJwt } from "../../emulators/auth/jwt.ts";
import type { System } from "./start-system.ts";

/**
 * An ID token as the emulator of Identity Platform gives them to SDKs: unsigned, as the admin kit takes no
 * other there. `claims` stand beside those that every token has, or in their place.
 */
export function unsignedToken({ project, suite }: System, uid: string, claims: object = {}): string {
  const now = Math.ceil(suite.kernel.clock.now() / 1000);
  const common = {
    iss: `https://securetoken.google.com/${project}`,
    aud: project,
    auth_time: now,
    iat: now,
    exp: now + 3600,
    sub: uid,
    user_id: uid,
    email_verified: true,
    firebase: { identities: {}, sign_in_provider: "google.com" },
  };
  return encodeJwt({ ...common, ...claims }, undefined);
}
