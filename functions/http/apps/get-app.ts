import { App } from "../../../shared/identity/contract.ts";
import { readApp } from "../../../shared/identity/manage-app.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const getApp = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}",
  access: "app:read",
  reply: App,
  async handle({ app, principal }) {
    return ok(await readApp(app, principal));
  },
});
