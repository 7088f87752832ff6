import { App } from "../../../shared/identity/contract.ts";
import { readApp } from "../../../shared/identity/manage-app.ts";
import { etagOf } from "../../runtime/conditional.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const getApp = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}",
  summary: "Reads the app and what the caller may see of its settings.",
  access: "app:read",
  reply: App,
  async handle({ app, principal }) {
    const { app: found, version } = await readApp(app, principal);
    return ok(found, { etag: etagOf(version) });
  },
});
