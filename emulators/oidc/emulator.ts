import { defineEmulator } from "../emulator.ts";
import type { RequestListener } from "../kernel/loopback.ts";
import { createOidc, type Oidc, openTokenKey } from "./open-oidc.ts";

const CERTIFICATES_PATH = "/oauth2/v3/certs";

/**
 * The tokens that pushes, tasks and schedules present. Their keys are served as at Google's certificates
 * endpoint, on the port of Firebase Authentication.
 */
export const oidcEmulator = defineEmulator({
  name: "oidc",
  port: "auth",
  files: ["auth-key.json"],
  prepare: ({ folder }) => openTokenKey(folder.file("auth-key.json")),
  async open({ clock }, { takePort }, _related, key) {
    // The issuer's name contains the port.
    const issuer = `http://127.0.0.1:${await takePort()}`;
    const oidc = await createOidc({ key, issuer, clock });
    const accepts = (method: string, url: string): boolean => method === "GET" && url === CERTIFICATES_PATH;
    return { api: oidc, served: { listener: serveCertificates(oidc), accepts } };
  },
  env: (_address, { issuer }) => ({
    OIDC_ISSUER: issuer,
    OIDC_JWKS_URL: `${issuer}${CERTIFICATES_PATH}`,
  }),
});

const serveCertificates =
  (oidc: Oidc): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { "content-type": "application/json", "cache-control": "public, max-age=300" });
    response.end(JSON.stringify(oidc.jwks()));
  };
