import { lazy } from "./lazy.ts";

/**
 * The access token of the account that the function runs as, for Google's HTTP endpoints; renewed before it
 * expires.
 */
export function openGoogleToken(): () => Promise<string> {
  const auth = lazy(async () => {
    const { GoogleAuth } = await import("google-auth-library");
    return new GoogleAuth({ scopes: ["https://www.googleapis.com/auth/cloud-platform"] });
  });
  return async () => String(await (await auth.get()).getAccessToken());
}
