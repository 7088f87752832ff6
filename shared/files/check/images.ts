import type SharpLibrary from "sharp";
import type { Metadata, Sharp, SharpOptions } from "sharp";
import { AppError } from "../../platform/errors.ts";
import { lazy } from "../../platform/lazy.ts";
import { oneAtATime } from "./one-at-a-time.ts";

/** Of an image as it was uploaded; it is held whole while it is read. */
export const IMAGE_BYTES_MAX = 40 * 1024 * 1024;
/** Of all its frames together: 50 megapixels are the largest that telephones take by themselves. */
export const IMAGE_PIXELS_MAX = 50_000_000;
export const IMAGE_FRAMES_MAX = 300;
/** Reading or writing it may take no longer; the largest take a sixth of that on a processor of their own. */
const STEP_SECONDS_MAX = 20;
/** Pictures are made so wide and high at most; a smaller image has fewer. */
export const THUMBNAIL_SIDES = [1280, 480, 160] as const;

/** Pictures of people and apps are made square, in these sizes. */
export const SQUARE_SIDE = 512;
export const SQUARE_SMALLER = [96, 256] as const;

const QUALITY = 88;
const THUMBNAIL_QUALITY = 76;
/**
 * What models are given, by width and height at most and JPEG's quality: the first that is small enough, or
 * the last. Providers take 8 images and more of this size, and count some 1,400 tokens for one.
 */
const MODEL_PICTURES = [
  [1024, 80],
  [1024, 60],
  [768, 50],
  [512, 40],
] as const;
export const MODEL_PICTURE_BYTES_MAX = 384 * 1024;
/** Zlib's quickest but one: large drawings are written in a third of the time, and a tenth larger. */
const PNG_LEVEL = 3;

/** What is read; photographs in other forms can't be freed of what they tell. */
const READ = new Set(["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/tiff"]);

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
}

export interface CleanImage extends Picture {
  readonly type: string;
  readonly thumbnails: readonly Picture[];
  /** In JPEG, on white. */
  readonly forModels: Picture;
}

export type ImageRefusal = "image_unreadable" | "image_too_large" | "image_unsupported";

const library = lazy(async () => {
  const { default: sharp } = await import("sharp");
  // Nothing is read twice, and what is kept would be memory of the next.
  sharp.cache(false);
  // Of what the library could read, drawings, documents and whatever else it has learned are not asked of it.
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({
    operation: [
      "VipsForeignLoadJpeg",
      "VipsForeignLoadPng",
      "VipsForeignLoadWebp",
      "VipsForeignLoadNsgif",
      "VipsForeignLoadHeif",
      "VipsForeignLoadTiff",
    ],
  });
  return sharp;
});

/**
 * Decodes an image and writes it anew: turned as it is to be seen, in the colours of screens, and without all
 * else that it told, such as where it was taken. What can't be decoded is refused, so nothing of what came is
 * kept as it was. A moving image keeps its frames; its thumbnails show the first. `isSquare`: what is kept is
 * the middle of it. At most twice STEP_SECONDS_MAX and a little, and some 600 MB, for one at a time; who
 * waits holds nothing.
 * @throws AppError `unavailable` when it took too long: the machine may have been busy
 */
export async function cleanImage(
  type: string,
  read: () => Promise<Uint8Array>,
  { isSquare }: { readonly isSquare: boolean } = { isSquare: false },
): Promise<CleanImage | { readonly refusal: ImageRefusal }> {
  if (!READ.has(type)) return { refusal: "image_unsupported" };
  const sharp = await library.get();
  return oneAtATime(async () => {
    const bytes = await read();
    const open = (more: SharpOptions = {}): Sharp =>
      sharp(bytes, { limitInputPixels: IMAGE_PIXELS_MAX, failOn: "error", ...more }).timeout({
        seconds: STEP_SECONDS_MAX,
      });
    try {
      const found = await open().metadata();
      const target = targetOf(found);
      if (target === undefined) return { refusal: "image_unsupported" };
      const frames = target.animated ? (found.pages ?? 1) : 1;
      const pixels = (found.width ?? 0) * (found.pageHeight ?? found.height ?? 0) * frames;
      if (pixels > IMAGE_PIXELS_MAX || frames > IMAGE_FRAMES_MAX) return { refusal: "image_too_large" };
      if (isSquare) return await squared(open().autoOrient(), sharp);
      const written = await writeAs(open({ animated: target.animated }).autoOrient(), target.format);
      return {
        ...written,
        type: `image/${target.format}`,
        ...(await picturesOf(open().autoOrient(), sharp)),
      };
    } catch (cause) {
      if (isTooSlow(cause)) throw new AppError("unavailable", "The image took too long.", {}, { cause });
      return { refusal: isTooMuch(cause) ? "image_too_large" : "image_unreadable" };
    }
  });
}

type Format = "jpeg" | "png" | "webp" | "gif";

/** What an image is written as; undefined for kinds that are not read. */
function targetOf({ format, compression }: Metadata): { format: Format; animated: boolean } | undefined {
  switch (format) {
    case "jpeg":
    case "png":
      return { format, animated: false };
    case "webp":
    case "gif":
      return { format, animated: true };
    case "tiff":
      return { format: "webp", animated: false };
    case "heif":
      return compression === "av1" ? { format: "webp", animated: false } : undefined;
    default:
      return undefined;
  }
}

async function writeAs(image: Sharp, format: Format): Promise<Picture> {
  const written =
    format === "jpeg"
      ? image.jpeg({ quality: QUALITY })
      : format === "png"
        ? image.png({ compressionLevel: PNG_LEVEL })
        : format === "webp"
          ? image.webp({ quality: QUALITY, effort: 2 })
          : image.gif({ effort: 3 });
  const { data, info } = await written.toBuffer({ resolveWithObject: true });
  return { bytes: data, width: info.width, height: info.pageHeight ?? info.height };
}

const within = (side: number) =>
  ({ width: side, height: side, fit: "inside", withoutEnlargement: true }) as const;

/** The largest is made of the image, the others of that, as decoding takes longest. The smallest is first. */
async function picturesOf(
  image: Sharp,
  sharp: typeof SharpLibrary,
): Promise<Pick<CleanImage, "thumbnails" | "forModels">> {
  const { data, info } = await image
    .resize(within(THUMBNAIL_SIDES[0]))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const made: Picture[] = [];
  for (const side of THUMBNAIL_SIDES) {
    const isNew = made.length === 0 || Math.max(info.width, info.height) > side;
    if (!isNew) continue;
    const picture = await sharp(data, { raw: info })
      .resize(within(side))
      .webp({ quality: THUMBNAIL_QUALITY, effort: 2 })
      .toBuffer({ resolveWithObject: true });
    made.unshift({ bytes: picture.data, width: picture.info.width, height: picture.info.height });
  }
  return { thumbnails: made, forModels: await pictureForModels(() => sharp(data, { raw: info })) };
}

/** The middle of the image in WebP, of one frame, SQUARE_SIDE wide and high. */
async function squared(image: Sharp, sharp: typeof SharpLibrary): Promise<CleanImage> {
  const { data, info } = await image
    .resize({ width: SQUARE_SIDE, height: SQUARE_SIDE, fit: "cover" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const open = (): Sharp => sharp(data, { raw: info });
  const pictureOf = async (side: number): Promise<Picture> => ({
    bytes: await open().resize(side, side).webp({ quality: QUALITY, effort: 4 }).toBuffer(),
    width: side,
    height: side,
  });
  const [small, middle, whole] = await Promise.all([...SQUARE_SMALLER, SQUARE_SIDE].map(pictureOf));
  if (small === undefined || middle === undefined || whole === undefined) throw new Error("No size is made.");
  return {
    ...whole,
    type: "image/webp",
    thumbnails: [small, middle],
    forModels: await pictureForModels(open),
  };
}

/** Other forms than JPEG are not read by every server that people run at home. */
async function pictureForModels(open: () => Sharp): Promise<Picture> {
  for (const [index, [side, quality]] of MODEL_PICTURES.entries()) {
    const { data, info } = await open()
      .resize(within(side))
      .flatten({ background: "white" })
      .jpeg({ quality })
      .toBuffer({ resolveWithObject: true });
    if (data.length <= MODEL_PICTURE_BYTES_MAX || index === MODEL_PICTURES.length - 1) {
      return { bytes: data, width: info.width, height: info.height };
    }
  }
  throw new Error("There is no size for models.");
}

const isTooMuch = (cause: unknown): boolean =>
  cause instanceof Error && /pixel limit|out of memory/i.test(cause.message);
const isTooSlow = (cause: unknown): boolean => cause instanceof Error && /timeout/i.test(cause.message);
