import { z } from "zod";
import { FileAddress, FileChoice } from "../../../shared/files/contract.ts";
import { readPicture } from "../../../shared/files/pictures/read-picture.ts";
import { setAvatar, setLogo } from "../../../shared/files/pictures/set-picture.ts";
import { App, User } from "../../../shared/identity/contract.ts";
import { readApp } from "../../../shared/identity/manage-app.ts";
import { readUser } from "../../../shared/identity/profile.ts";
import { ok, redirect } from "../../runtime/reply.ts";
import { appEndpoint, publicEndpoint } from "../endpoint.ts";
import { FileParams } from "../parameters.ts";

const AVATAR = "/v1/apps/{app}/me/avatar";
const LOGO = "/v1/apps/{app}/logo";
/** Of the redirect. A picture that is replaced has another address. */
const PICTURE_AGE_SECONDS = 3_600;
const PICTURE_SIZE_MAX = 1_024;

export const putAvatar = appEndpoint({
  method: "PUT",
  path: AVATAR,
  summary: "Makes an uploaded image the caller's picture.",
  access: "me:change",
  body: FileChoice,
  reply: User,
  async handle({ deps, app, principal, body }) {
    await setAvatar(deps, app, principal, body.file);
    return ok(await readUser(app, principal, principal.id));
  },
});

export const deleteAvatar = appEndpoint({
  method: "DELETE",
  path: AVATAR,
  summary: "Gives the caller the generated picture again.",
  access: "me:change",
  statuses: [200],
  reply: User,
  async handle({ deps, app, principal }) {
    await setAvatar(deps, app, principal, undefined);
    return ok(await readUser(app, principal, principal.id));
  },
});

export const putLogo = appEndpoint({
  method: "PUT",
  path: LOGO,
  summary: "Makes an uploaded image the app's logo.",
  access: "app:secure",
  body: FileChoice,
  reply: App,
  async handle({ deps, app, principal, body }) {
    await setLogo(deps, app, principal, body.file);
    return ok((await readApp(app, principal)).app);
  },
});

export const deleteLogo = appEndpoint({
  method: "DELETE",
  path: LOGO,
  summary: "Takes the app's logo away.",
  access: "app:secure",
  statuses: [200],
  reply: App,
  async handle({ deps, app, principal }) {
    await setLogo(deps, app, principal, undefined);
    return ok((await readApp(app, principal)).app);
  },
});

/** Images of a page carry no token, so the address alone lets in; it can't be guessed. */
export const getPicture = publicEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/pictures/{id}",
  summary: "Leads to a person's picture, or to the app's logo.",
  params: FileParams,
  query: z.strictObject({ size: z.coerce.number().int().min(1).max(PICTURE_SIZE_MAX) }).partial(),
  statuses: [200, 302],
  reply: FileAddress,
  async handle({ deps, app, params: { id }, query: { size }, headers }) {
    const address = await readPicture(deps, app, { id, size });
    const cached = {
      "cache-control": `public, max-age=${PICTURE_AGE_SECONDS}`,
      "cross-origin-resource-policy": "cross-origin",
      vary: "Accept",
    };
    return /^application\/json\b/.test(headers.accept ?? "")
      ? ok(address, cached)
      : redirect(address.url, cached);
  },
});
