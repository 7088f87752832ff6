import type { App } from "../../identity/app.ts";
import type { Deps } from "../../platform/deps.ts";
import type { FileAddress } from "../contract.ts";
import { noSuchFile } from "../no-such-file.ts";
import { signDownload } from "../sign-download.ts";
import { readFile } from "../store.ts";

/** An address of a picture stays the same for a day, so that browsers keep what they have loaded. */
export const PICTURE_STEP_MS = 24 * 3600 * 1000;

/**
 * Where a person's or an app's picture is loaded from, at least `size` pixels wide where there is such a one.
 * 1 read, and the signing of an address that is good for a day at least.
 * @throws AppError `not_found` for a file that is nobody's picture, or no longer
 */
export async function readPicture(
  deps: Pick<Deps, "bucket" | "clock">,
  app: App,
  { id, size }: { readonly id: string; readonly size?: number | undefined },
): Promise<FileAddress> {
  const { stored } = await readFile(app, id);
  if (stored?.shownAs === undefined || stored.status !== "ready") throw noSuchFile();
  return signDownload(deps, app, stored, { id, width: size, stepMs: PICTURE_STEP_MS });
}
