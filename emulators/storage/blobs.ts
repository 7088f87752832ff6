import { randomBytes } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";

/** The bytes of objects, parts and unfinished uploads, each blob a file. The database says what they are. */
export interface Blobs {
  /** Opens a blob to write from `offset` on; what it held beyond is cut off. */
  write(id: string, offset: number): Promise<BlobSink>;
  /** The bytes from `start` up to, not including, `end`. The blob may be removed while it is being read. */
  read(id: string, start: number, end: number): Promise<Readable>;
  remove(id: string): Promise<void>;
  /** Removes every blob that `isKept` does not know: the leftovers of a killed process. */
  sweep(isKept: (id: string) => boolean): void;
}

export interface BlobSink {
  write(bytes: Uint8Array): Promise<void>;
  /** Cuts the blob to `size`, puts it on disk for good, and closes it. */
  finish(size: number): Promise<void>;
  /** Closes it without flushing it to disk. */
  abandon(): Promise<void>;
}

export const newBlobId = (): string => randomBytes(16).toString("hex");

export const openBlobs = (folder: string | undefined): Blobs =>
  folder === undefined ? memoryBlobs() : folderBlobs(folder);

function folderBlobs(folder: string): Blobs {
  mkdirSync(folder, { recursive: true });
  const folderOf = (id: string): string => join(folder, id.slice(0, 2));
  const fileOf = (id: string): string => join(folderOf(id), id);
  return {
    async write(id, offset) {
      const made = await mkdir(folderOf(id), { recursive: true });
      const file = await open(fileOf(id), offset === 0 ? "w" : "r+");
      if (offset > 0) await file.truncate(offset);
      return fileSink(
        file,
        offset,
        offset > 0 ? [] : made === undefined ? [folderOf(id)] : [folderOf(id), folder],
      );
    },
    async read(id, start, end) {
      if (end <= start) return Readable.from([]);
      // Opened before the caller answers: from then on the file may be unlinked.
      const file = await open(fileOf(id), "r");
      return createReadStream("", { fd: file, start, end: end - 1, highWaterMark: READ_BYTES });
    },
    remove: (id) => rm(fileOf(id), { force: true }),
    sweep(isKept) {
      for (const part of readdirSync(folder)) {
        if (!existsSync(join(folder, part))) continue;
        for (const id of readdirSync(join(folder, part)))
          if (!isKept(id)) rmSync(fileOf(id), { force: true });
      }
    },
  };
}

/** Pieces in which a blob is read: large enough to keep the disk busy, small enough for many readers. */
const READ_BYTES = 256 * 1024;

function fileSink(file: FileHandle, offset: number, folders: readonly string[]): BlobSink {
  let at = offset;
  return {
    async write(bytes) {
      let written = 0;
      while (written < bytes.length) {
        const { bytesWritten } = await file.write(bytes, written, bytes.length - written, at);
        written += bytesWritten;
        at += bytesWritten;
      }
    },
    async finish(size) {
      if (size < at) await file.truncate(size);
      await file.sync();
      await file.close();
      // A new file is only found again once its folder is on disk too.
      for (const folder of folders) await syncFolder(folder);
    },
    abandon: () => file.close(),
  };
}

async function syncFolder(path: string): Promise<void> {
  // Windows neither allows nor needs it.
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function memoryBlobs(): Blobs {
  const blobs = new Map<string, Buffer>();
  return {
    async write(id, offset) {
      const chunks: Uint8Array[] = [(blobs.get(id) ?? Buffer.alloc(0)).subarray(0, offset)];
      const keep = (): void => void blobs.set(id, Buffer.concat(chunks));
      return {
        // Copied, because the buffer belongs to the connection.
        write: async (bytes) => void chunks.push(Buffer.from(bytes)),
        async finish(size) {
          keep();
          blobs.set(id, (blobs.get(id) as Buffer).subarray(0, size));
        },
        abandon: async () => keep(),
      };
    },
    async read(id, start, end) {
      const bytes = blobs.get(id);
      if (bytes === undefined) throw new Error(`No blob ${id}.`);
      return Readable.from(end <= start ? [] : [bytes.subarray(start, end)]);
    },
    remove: async (id) => void blobs.delete(id),
    sweep: () => undefined,
  };
}
