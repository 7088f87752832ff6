import { AppCreated, NewApp } from "../../../shared/identity/contract.ts";
import { createApp } from "../../../shared/identity/manage-app.ts";
import { created } from "../../runtime/reply.ts";
import { systemEndpoint } from "../endpoint.ts";

export const postApp = systemEndpoint({
  method: "POST",
  path: "/v1/apps",
  summary: "Creates an app, with its first API token.",
  idempotent: true,
  body: NewApp,
  example: { name: "Our app" },
  reply: AppCreated,
  async handle({ deps, principal, body, requestKey, caller }) {
    const { app, token, replayed } = await createApp(deps, body, requestKey, {
      by: principal,
      caller,
    });
    deps.apps.forget(app.id);
    return created({ app, token }, replayed);
  },
});
