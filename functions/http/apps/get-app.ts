import { App } from "../../../shared/identity/contract.ts";
import { readApp } from "../../../shared/identity/manage-app.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";

export const getApp = endpoint({
  method: "GET",
  path: "/v1/apps/{app}",
  access: "app:read",
  answer: App,
  async handle({ app }) {
    return ok(await readApp(app));
  },
});
