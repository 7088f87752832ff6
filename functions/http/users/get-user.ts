import { User } from "../../../shared/identity/contract.ts";
import { readContact } from "../../../shared/chat/read/list-contacts.ts";
import { noSuchUser } from "../../../shared/identity/profile.ts";
import { AppError } from "../../../shared/platform/errors.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { UserParams } from "../parameters.ts";

export const getUser = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/users/{id}",
  summary: "Reads a person.",
  access: "user:read",
  params: UserParams,
  reply: User,
  async handle({ deps, app, principal, params }) {
    const name = `${app.id}/${params.id}`;
    if (deps.absentPeople.has(name)) throw noSuchUser();
    const { directory } = await deps.apps.settingsOf(app);
    try {
      return ok(await readContact(app, principal, { id: params.id, directory }));
    } catch (cause) {
      // Only what the directory hides from nobody is absent for everybody.
      const isAbsent = directory === "everyone" && cause instanceof AppError && cause.code === "not_found";
      if (isAbsent) deps.absentPeople.note(name);
      throw cause;
    }
  },
});
