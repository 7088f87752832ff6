import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { FileAddress } from "./contract.ts";
import { DOWNLOAD_STEP_MS, DOWNLOAD_STEPS } from "./limits.ts";
import { keptName } from "./object-names.ts";
import type { StoredFile } from "./store.ts";

/** What a browser may show by itself; everything else it saves. A page or a drawing could be a script. */
const SHOWN = /^(?:image\/(?:jpeg|png|webp|gif)|video\/|audio\/|application\/(?:pdf|ogg)$)/;

/**
 * An address from which a file, or a picture of it of at least `width` pixels, is loaded without further
 * proof, for at least `stepMs`. It stays the same for so long, so that a browser finds what it has loaded.
 * The signing of one address.
 * @throws AppError `conflict` for a file that is not ready
 */
export async function signDownload(
  { bucket, clock }: Pick<Deps, "bucket" | "clock">,
  app: App,
  stored: StoredFile,
  {
    id,
    width,
    stepMs = DOWNLOAD_STEP_MS,
  }: { readonly id: string; readonly width?: number | undefined; readonly stepMs?: number },
): Promise<FileAddress> {
  const { status, generation } = stored;
  if (status === "refused") throw new AppError("conflict", "The file was refused when it was checked.");
  if (status !== "ready" || generation === undefined) {
    throw new AppError("conflict", "The file is not ready yet.", { retryAfterSeconds: 1 });
  }
  const picture = width === undefined ? undefined : pictureOf(stored, width);
  const type = picture === undefined ? stored.type : "image/webp";
  const atMs = Math.floor(clock.now() / stepMs) * stepMs;
  const expiresMs = atMs + stepMs * DOWNLOAD_STEPS;
  const url = await bucket.sign({
    method: "GET",
    name: keptName(app, id, generation, picture),
    query: {
      "response-content-type": SHOWN.test(type) ? type : "application/octet-stream",
      "response-content-disposition": dispositionOf(SHOWN.test(type), stored.name),
    },
    atMs,
    expiresMs,
  });
  return { url, expiresAt: new Date(expiresMs).toISOString() };
}

/** The width of the smallest picture that is wide enough; undefined where the image itself is as small. */
function pictureOf({ image }: StoredFile, width: number): number | undefined {
  const widths = (image?.thumbnails ?? []).map((each) => each.width).sort((a, b) => a - b);
  const found = widths.find((each) => each >= width);
  return found ?? undefined;
}

/** A name for every client: for old ones without signs that could end it, for others as it is (RFC 6266). */
function dispositionOf(isShown: boolean, name: string): string {
  const plain = name.replace(/[^\w .()-]/g, "_");
  const whole = encodeURIComponent(name).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${isShown ? "inline" : "attachment"}; filename="${plain}"; filename*=UTF-8''${whole}`;
}
