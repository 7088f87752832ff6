import { beginUpload, recallUpload } from "../../../shared/files/begin-upload.ts";
import { FileCreated, NewFile } from "../../../shared/files/contract.ts";
import { created } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

/** Announces a file; the client then writes its bytes into the bucket itself. */
export const postFile = appEndpoint({
  method: "POST",
  path: "/v1/apps/{app}/files",
  summary: "Announces a file, and says how its bytes are uploaded.",
  access: "message:write",
  idempotent: true,
  body: NewFile,
  example: { name: "menu.pdf", type: "application/pdf", size: 48_213 },
  reply: FileCreated,
  async replay({ deps, app, principal, body, requestKey }) {
    const before = await recallUpload(deps, app, principal, { draft: body, requestKey });
    return before && created(before, true);
  },
  async handle({ deps, app, principal, body, requestKey }) {
    const { created: begun, replayed } = await beginUpload(deps, app, principal, { draft: body, requestKey });
    return created(begun, replayed);
  },
});
