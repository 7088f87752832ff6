import { z } from "zod";
import { DrawnId, Line } from "../identity/contract.ts";

/** All shapes of files that travel. */

/** Above this an upload may be begun as a resumable session. */
export const RESUMABLE_BYTES_MIN = 8 * 1024 * 1024;
/** Of an export of another product that is brought in. */
export const IMPORT_BYTES_MAX = 1024 * 1024 * 1024;
/** What file systems take as a name. */
export const FILE_NAME_BYTES_MAX = 255;
/** Of a media type without parameters: RFC 6838, 4.2. */
const TYPE_CHARS_MAX = 255;

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/** A name without a path: what is saved under it lies where its reader wants it. */
export const FileName = Line(FILE_NAME_BYTES_MAX)
  .refine((name) => bytesOf(name) <= FILE_NAME_BYTES_MAX, `must be at most ${FILE_NAME_BYTES_MAX} bytes`)
  .refine((name) => !/[/\\]/.test(name) && !/^\.{1,2}$/.test(name), "must be a name and not a path");

/** `video/webm;codecs=vp9` is `video/webm`: parameters are left out. */
const MediaType = z
  .string()
  .max(TYPE_CHARS_MAX)
  .transform((text) => (text.split(";", 1)[0] ?? "").trim().toLowerCase())
  .refine(
    (type) => /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/.test(type),
    "must be a media type such as image/png",
  );

/**
 * What else than a message it is for: a person's picture, or the app's logo, which are made square; or to be
 * brought in by `imports`, when it may be larger than what the app takes else.
 */
export const Purpose = z.enum(["avatar", "logo", "import"]);
export type Purpose = z.infer<typeof Purpose>;

/** One of the caller's files. */
export const FileChoice = z.strictObject({ file: DrawnId });

export const NewFile = z.strictObject({
  name: FileName,
  type: MediaType,
  /** Exactly so many bytes are taken. */
  size: z.number().int().min(1).max(IMPORT_BYTES_MAX),
  /** In hexadecimal; what arrives is held against it. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, "must be 64 hexadecimal digits")
    .transform((text) => text.toLowerCase())
    .optional(),
  purpose: Purpose.optional(),
});
export type NewFile = z.infer<typeof NewFile>;

/**
 * Why a file can't be used: its bytes are not as many or not those that were announced, it is something else
 * than its type says, an image can't be read, is too large or of a kind that can't be freed of what it tells
 * of its maker, it is infected, checking it has failed too often, its bytes are gone, its time is over, or
 * its owner has deleted it.
 */
export const Refusal = z.enum([
  "size_differs",
  "checksum_differs",
  "type_differs",
  "image_unreadable",
  "image_too_large",
  "image_unsupported",
  "infected",
  "uncheckable",
  "lost",
  "expired",
  "deleted",
]);
export type Refusal = z.infer<typeof Refusal>;

export const FileStatus = z.enum(["pending", "checking", "ready", "refused"]);
export type FileStatus = z.infer<typeof FileStatus>;

const Size = z.object({ width: z.number(), height: z.number() });

export const File = z.object({
  id: z.string(),
  name: z.string(),
  /** As it was announced; once the file is ready, what it is. */
  type: z.string(),
  size: z.number(),
  sha256: z.string().optional(),
  /** `pending`: not uploaded, as far as is known. `checking`: nobody may load it yet. */
  status: FileStatus,
  refusal: Refusal.optional(),
  image: z.object({ ...Size.shape, thumbnails: z.array(Size) }).optional(),
  createdAt: z.string(),
});
export type File = z.infer<typeof File>;

const Headers = z.record(z.string(), z.string());

/** One request that the client makes, exactly so, before the time is over. */
export const Upload = z.object({
  url: z.string(),
  method: z.literal("PUT"),
  headers: Headers,
  expiresAt: z.string(),
  /**
   * For more than RESUMABLE_BYTES_MIN: begins a session of Cloud Storage instead, whose address the reply has
   * in `Location`.
   */
  resumable: z.object({ url: z.string(), method: z.literal("POST"), headers: Headers }).optional(),
});
export type Upload = z.infer<typeof Upload>;

export const FileCreated = z.object({ file: File, upload: Upload });
export type FileCreated = z.infer<typeof FileCreated>;

/** Where a file is loaded from, by whoever has the address. */
export const FileAddress = z.object({ url: z.string(), expiresAt: z.string() });
export type FileAddress = z.infer<typeof FileAddress>;

/** What the event `file-uploads` tells, as the bucket itself does: an object is whole. */
export const FileUploaded = z.object({
  name: z.string().min(1).max(1024),
  /** Of the object; counts up with each that is written under a name. */
  generation: z.string().regex(/^\d{1,20}$/),
});
export type FileUploaded = z.infer<typeof FileUploaded>;
