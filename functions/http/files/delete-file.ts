import { deleteFile as remove } from "../../../shared/files/delete-file.ts";
import { noContent } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { FileParams } from "../parameters.ts";

/** Nobody loads it from then on; messages show that it is gone within minutes. */
export const deleteFile = appEndpoint({
  method: "DELETE",
  path: "/v1/apps/{app}/files/{id}",
  summary: "Deletes a file, in all messages too.",
  access: "message:write",
  params: FileParams,
  reply: "empty",
  async handle({ deps, app, principal, params }) {
    await remove(deps, app, principal, params.id);
    return noContent;
  },
});
