import { PassThrough, type Readable } from "node:stream";
import type { Entry, ZipFile } from "yauzl";
import type { Bucket } from "../../platform/bucket.ts";
import { UnreadableError } from "../parse/parser.ts";
import { ENTRIES_MAX, ENTRY_BYTES_MAX, PACKED_TIMES_MAX } from "../limits.ts";

/** An object of the bucket. */
export interface StoredObject {
  readonly bucket: Pick<Bucket, "read">;
  readonly name: string;
  readonly generation: string;
  readonly size: number;
}

/** A file in an archive. */
export interface ArchiveEntry {
  readonly name: string;
  /** Unpacked, as the archive says. */
  readonly size: number;
  /** Why it can't be read; undefined for one that can. */
  readonly why: string | undefined;
  /** Its bytes. @throws in the middle, where they are damaged */
  open(): Promise<Readable>;
}

/**
 * The files of a ZIP, whose bytes are read by ranges of the object: nothing is kept beside it. Names are
 * compared and never used as paths, so none leads anywhere.
 * @throws UnreadableError
 */
export async function openArchive(object: StoredObject): Promise<readonly ArchiveEntry[]> {
  const { fromRandomAccessReaderPromise, RandomAccessReader } = await import("yauzl");
  class ObjectReader extends RandomAccessReader {
    /** `end` is the byte after the last. */
    override _readStreamForRange(start: number, end: number): Readable {
      const through = new PassThrough();
      object.bucket
        .read(object.name, { generation: object.generation, start, end: end - 1 })
        .then((found) => {
          through.on("close", () => found.destroy());
          found.on("error", (cause) => through.destroy(cause)).pipe(through);
        })
        .catch((cause: unknown) => through.destroy(cause as Error));
      return through;
    }
  }
  const options = { autoClose: false, lazyEntries: true, decodeStrings: false };
  try {
    const zip = await fromRandomAccessReaderPromise(new ObjectReader(), object.size, options);
    return await readEntries(zip);
  } catch (cause) {
    if (cause instanceof UnreadableError || isOfBucket(cause)) throw cause;
    throw new UnreadableError("The archive is damaged, or no ZIP.", { cause });
  }
}

/** What the bucket has failed with may pass. */
const isOfBucket = (cause: unknown): boolean => /Cloud Storage/.test((cause as Error).message);

async function readEntries(zip: ZipFile): Promise<readonly ArchiveEntry[]> {
  if (zip.entryCount > ENTRIES_MAX) {
    throw new UnreadableError(`The archive has more than ${ENTRIES_MAX} files.`);
  }
  const { getFileNameLowLevel } = await import("yauzl");
  const entries: ArchiveEntry[] = [];
  for await (const entry of zip.eachEntry()) {
    const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry;
    const name = getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false);
    if (name.endsWith("/")) continue;
    entries.push({
      name,
      size: entry.uncompressedSize,
      why: whyNot(entry),
      open: () => zip.openReadStreamPromise(entry),
    });
  }
  if (entries.length > 0 && entries.every(({ why }) => why === ENCRYPTED)) {
    throw new UnreadableError("The archive is encrypted.");
  }
  return entries;
}

const ENCRYPTED = "it is encrypted";
const SYMBOLIC_LINK = 0xa000;
const FILE_TYPE = 0xf000;
/** Method 8 of the specification. */
const DEFLATED = 8;
/** So small a file may well be packed in next to nothing. */
const SMALL_BYTES = 1024 * 1024;

function whyNot(entry: Entry): string | undefined {
  if (entry.isEncrypted()) return ENCRYPTED;
  if (((entry.externalFileAttributes >>> 16) & FILE_TYPE) === SYMBOLIC_LINK) return "it is a link";
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== DEFLATED)
    return "its packing is not known";
  if (entry.uncompressedSize > ENTRY_BYTES_MAX) return "it is too large";
  const times = entry.uncompressedSize / Math.max(1, entry.compressedSize);
  if (entry.uncompressedSize > SMALL_BYTES && times > PACKED_TIMES_MAX) return "it unpacks to too much";
  return undefined;
}
