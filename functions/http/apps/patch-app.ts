import { changeApp } from "../../../shared/identity/change-app.ts";
import { App, AppChange } from "../../../shared/identity/contract.ts";
import { etagOf, expectedRevision } from "../../runtime/conditional.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

export const patchApp = appEndpoint({
  method: "PATCH",
  path: "/v1/apps/{app}",
  summary: "Changes the app's name or settings.",
  conditional: "write",
  access: "app:change",
  body: AppChange,
  example: { name: "Our app, renamed" },
  reply: App,
  async handle({ deps, app, principal, body, caller, headers }) {
    const expected = expectedRevision(headers);
    const { app: changed, version } = await changeApp(deps, app, principal, {
      change: body,
      caller,
      expected,
    });
    deps.apps.forget(app.id);
    return ok(changed, { etag: etagOf(version) });
  },
});
