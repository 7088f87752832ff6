import type { App } from "../identity/app.ts";

/**
 * Where the bytes of a file lie. What clients write is under `uploads/`, which the bucket empties by itself
 * after days; what was checked is under `files/`, by the upload it was made of, and is never written over by
 * another.
 */
const UPLOADS = "uploads/";
/** All that is kept. */
export const KEPT = "files/";

type AppId = Pick<App, "id">;

export const uploadName = ({ id: app }: AppId, file: string): string => `${UPLOADS}${app}/${file}`;

/** The file that an upload is of; undefined for anything else. */
export function fileOfUpload(object: string): { readonly app: string; readonly file: string } | undefined {
  const [, app, file] = /^uploads\/([a-z][a-z0-9-]{0,39})\/([a-z0-9]{26})$/.exec(object) ?? [];
  return app === undefined || file === undefined ? undefined : { app, file };
}

/** The file that a kept object is of, and the upload that it was made of; undefined for anything else. */
export function fileOfKept(
  object: string,
): { readonly app: string; readonly file: string; readonly generation: string } | undefined {
  const [, app, file, generation] = /^files\/([^/]+)\/([^/]+)\/(\d+)\/[^/]+$/.exec(object) ?? [];
  return app === undefined || file === undefined || generation === undefined
    ? undefined
    : { app, file, generation };
}

/** All that is kept of a file. */
export const keptPrefix = ({ id: app }: AppId, file: string): string => `${KEPT}${app}/${file}/`;

/** Beside a file: its picture for models, and the text that was taken out of it. */
export const MODEL_PICTURE = "model.jpg";
export const PDF_TEXT = "text.txt";

/** The file itself, with a width a smaller picture of it, or what else was made of it. */
export const keptName = (
  app: AppId,
  file: string,
  generation: string,
  part: number | typeof MODEL_PICTURE | typeof PDF_TEXT | "content" = "content",
): string => `${keptPrefix(app, file)}${generation}/${typeof part === "number" ? `${part}.webp` : part}`;
