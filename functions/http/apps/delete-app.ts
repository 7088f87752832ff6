import { deleteApp } from "../../../shared/identity/change-app.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const deleteAppEndpoint = appEndpoint({
  method: "DELETE",
  path: "/v1/apps/{app}",
  summary: "Deletes the app and all that is in it.",
  access: "app:delete",
  sensitive: true,
  reply: "empty",
  async handle({ deps, app, principal, caller }) {
    await deleteApp(deps, app, principal, caller);
    deps.apps.forget(app.id);
    return noContent;
  },
});
