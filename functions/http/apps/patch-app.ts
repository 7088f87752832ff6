import { changeApp } from "../../../shared/identity/change-app.ts";
import { App, AppChange } from "../../../shared/identity/contract.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";

export const patchApp = endpoint({
  method: "PATCH",
  path: "/v1/apps/{app}",
  access: "app:change",
  body: AppChange,
  answer: App,
  async handle({ deps, app, principal, body, caller }) {
    const changed = await changeApp(deps, app, principal, body, caller);
    deps.apps.forget(app.id);
    return ok(changed);
  },
});
