import type { Api } from "../../shared/client/api.ts";
import { platformEnvironment } from "../../shared/client/environment.ts";
import { type UploadOptions, uploadFile } from "../../shared/client/upload.ts";
import { hindranceOf } from "./file-words.ts";

/** How often it is asked whether a file has been checked. */
const LOOK_MS = 400;

export interface CheckedUploadOptions extends UploadOptions {
  /** Called once all of it has arrived. */
  onSent(): void;
}

/** Uploads a file and waits until it has been checked. @throws Error when it may not be, or is refused */
export async function uploadChecked(api: Api, content: Blob, { onSent, ...options }: CheckedUploadOptions) {
  let file = await uploadFile({ api, env: platformEnvironment }, content, options);
  onSent();
  while (file.status === "pending" || file.status === "checking") {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    options.signal?.throwIfAborted();
    file = await api.get<typeof file>(`/files/${file.id}`);
  }
  const hindrance = hindranceOf(file);
  if (hindrance !== undefined) throw new Error(hindrance);
  return file;
}
