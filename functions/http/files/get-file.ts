import { z } from "zod";
import { accessFile } from "../../../shared/chat/files/access-file.ts";
import { ChatNumber } from "../../../shared/chat/contract.ts";
import { File, FileAddress } from "../../../shared/files/contract.ts";
import { fileView } from "../../../shared/files/file-view.ts";
import { signDownload } from "../../../shared/files/sign-download.ts";
import { ok, redirect } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";
import { FileParams } from "../parameters.ts";

/** The chat in which the caller sees the file: named, it costs no search among all that hold it. */
const Place = z.strictObject({ chat: ChatNumber }).partial();
const PICTURE_WIDTH_MAX = 10_000;
const ContentQuery = z
  .strictObject({
    chat: ChatNumber,
    /** Of an image: a picture of it that is at least so wide, where there is one. */
    width: z.coerce.number().int().min(1).max(PICTURE_WIDTH_MAX),
  })
  .partial();
/** The caller's own file needs none; otherwise the file, chats that hold it, and messages in one of them. */
const OPERATIONS_MAX = 20;

/** What has become of a file: for whoever has uploaded it, and whoever reads a message that holds it. */
export const getFile = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/files/{id}",
  summary: "Reads a file's state.",
  access: "message:read",
  params: FileParams,
  query: Place,
  operations: OPERATIONS_MAX,
  reply: File,
  async handle({ deps, app, principal, params: { id }, query: { chat } }) {
    return ok(fileView(id, await accessFile(deps, app, principal, { id, chat })));
  },
});

/**
 * Where a file is loaded from. Followed, unless the caller accepts JSON and not everything: pages can't see
 * where a redirect leads.
 */
export const getFileContent = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/files/{id}/content",
  summary: "Says where a file's bytes are, for ten minutes.",
  access: "message:read",
  params: FileParams,
  query: ContentQuery,
  operations: OPERATIONS_MAX,
  statuses: [200, 302],
  reply: FileAddress,
  async handle({ deps, app, principal, params: { id }, query: { chat, width }, headers }) {
    const stored = await accessFile(deps, app, principal, { id, chat });
    const address = await signDownload(deps, app, stored, { id, width });
    const ageSeconds = Math.floor((Date.parse(address.expiresAt) - deps.clock.now()) / 1000);
    const cached = {
      "cache-control": `private, max-age=${ageSeconds}`,
      vary: "Accept, Authorization, Cookie",
    };
    return /^application\/json\b/.test(headers.accept ?? "")
      ? ok(address, cached)
      : redirect(address.url, cached);
  },
});
