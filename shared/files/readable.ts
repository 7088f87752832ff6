import type { App } from "../identity/app.ts";
import { isTextType } from "./check/detect-type.ts";
import { keptName, MODEL_PICTURE, PDF_TEXT } from "./object-names.ts";
import type { StoredFile } from "./store.ts";

/** The picture of an image that models are given: JPEG, which all that see can read. */
export interface ReadablePicture {
  readonly object: string;
  readonly width: number;
  readonly height: number;
}

/** Undefined for what is no image, is not ready, or was checked before there were such pictures. Pure. */
export function pictureForModels(app: App, id: string, stored: StoredFile): ReadablePicture | undefined {
  const { status, generation, picture } = stored;
  if (status !== "ready" || generation === undefined || picture === undefined) return undefined;
  return { object: keptName(app, id, generation, MODEL_PICTURE), ...picture };
}

/** The object that holds what can be read in a file; undefined where nothing can, or not yet. Pure. */
export function textObject(app: App, id: string, stored: StoredFile): string | undefined {
  const { status, generation, type, hasText } = stored;
  if (status !== "ready" || generation === undefined) return undefined;
  if (hasText === true) return keptName(app, id, generation, PDF_TEXT);
  return isTextType(type) ? keptName(app, id, generation) : undefined;
}
