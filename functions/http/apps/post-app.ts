import { AppCreated, NewApp } from "../../../shared/identity/contract.ts";
import { createApp } from "../../../shared/identity/manage-app.ts";
import { created, endpoint } from "../../runtime/endpoint.ts";

export const postApp = endpoint({
  method: "POST",
  path: "/v1/apps",
  access: "operator",
  idempotent: true,
  body: NewApp,
  answer: AppCreated,
  async handle({ deps, body, requestKey, caller }) {
    const { app, token, replayed } = await createApp(deps, body, requestKey, caller);
    return created({ app, token }, replayed);
  },
});
