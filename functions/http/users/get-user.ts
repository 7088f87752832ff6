import { User } from "../../../shared/identity/contract.ts";
import { noSuchUser, readUser } from "../../../shared/identity/profile.ts";
import { AppError } from "../../../shared/platform/errors.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { UserParams } from "../parameters.ts";

export const getUser = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/users/{id}",
  access: "user:read",
  params: UserParams,
  reply: User,
  async handle({ deps, app, principal, params }) {
    const name = `${app.id}/${params.id}`;
    if (deps.absentPeople.has(name)) throw noSuchUser();
    try {
      return ok(await readUser(app, principal, params.id));
    } catch (cause) {
      if (cause instanceof AppError && cause.code === "not_found") deps.absentPeople.note(name);
      throw cause;
    }
  },
});
