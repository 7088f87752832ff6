import { deleteApp } from "../../../shared/identity/change-app.ts";
import { endpoint, noContent } from "../../runtime/endpoint.ts";

export const deleteAppEndpoint = endpoint({
  method: "DELETE",
  path: "/v1/apps/{app}",
  access: "app:delete",
  sensitive: true,
  async handle({ deps, app, principal, caller }) {
    await deleteApp(deps, app, principal, caller);
    deps.apps.forget(app.id);
    return noContent;
  },
});
