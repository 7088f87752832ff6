import { promisify } from "node:util";
import { constants, crc32, deflateRaw } from "node:zlib";
import { dataDescriptor, directoryRecord, endRecords, isWide, localHeader } from "./records.ts";

const deflate = promisify<Buffer | Uint8Array, object, Buffer>(deflateRaw);

/**
 * Where an archive goes on: all that a process has to know which has written none of it. Offsets and sizes in
 * bytes.
 */
export interface ArchiveState {
  readonly offset: number;
  readonly entries: number;
  /** The entry whose data is being written. */
  readonly open?: OpenEntry;
}

interface OpenEntry {
  readonly name: string;
  readonly offset: number;
  readonly announcedBytes: number;
  readonly crc32: number;
  readonly sizeBytes: number;
  readonly packedBytes: number;
}

export const EMPTY_ARCHIVE: ArchiveState = { offset: 0, entries: 0 };

/** A stretch of an archive. */
export interface Stretch {
  readonly bytes: Buffer;
  /** What the central directory will say of the entries that have ended in it. */
  readonly directory: Buffer;
  readonly state: ArchiveState;
}

/**
 * Writes a stretch of an archive in memory, from where another has ended. The same calls make the same bytes,
 * wherever stretches begin: so an entry may go on in another process, of which data is compressed apart.
 */
export interface ArchiveWriter {
  /** Bytes of the stretch so far. */
  readonly bytes: number;
  /** Where the archive would go on after them. */
  readonly state: ArchiveState;
  /** Adds an entry whole. */
  add(name: string, content: Uint8Array): Promise<void>;
  /** Begins an entry of about so many bytes, which come by and by. */
  begin(name: string, announcedBytes: number): void;
  /** `isPacked`: it is compressed already, and more would only take time. */
  append(content: Uint8Array, isPacked: boolean): Promise<void>;
  end(): Promise<void>;
  /** Bytes between entries: the central directory. */
  addRaw(content: Uint8Array): void;
  take(): Stretch;
}

const LEVEL = 6;

/** `atMs` is the time that all entries bear. */
export function createArchiveWriter(from: ArchiveState, atMs: number): ArchiveWriter {
  const chunks: Buffer[] = [];
  const records: Buffer[] = [];
  let bytes = 0;
  let { entries, open } = from;
  const push = (chunk: Buffer): void => {
    chunks.push(chunk);
    bytes += chunk.length;
  };
  const demandOpen = (): OpenEntry => {
    if (open === undefined) throw new Error("An entry is begun before it is written.");
    return open;
  };
  const stateNow = (): ArchiveState => ({
    offset: from.offset + bytes,
    entries,
    ...(open === undefined ? {} : { open }),
  });
  return {
    get bytes() {
      return bytes;
    },
    get state() {
      return stateNow();
    },
    async add(name, content) {
      if (open !== undefined) throw new Error("An entry is ended before another is added.");
      const packed = await deflate(content, { level: LEVEL });
      const sizes = { crc32: crc32(content), sizeBytes: content.length, packedBytes: packed.length };
      const entry = { name, atMs, isStreamed: false, offset: from.offset + bytes, ...sizes };
      push(localHeader(entry));
      push(packed);
      records.push(directoryRecord(entry));
      entries += 1;
    },
    begin(name, announcedBytes) {
      if (open !== undefined) throw new Error("An entry is ended before another is begun.");
      const offset = from.offset + bytes;
      open = { name, offset, announcedBytes, crc32: 0, sizeBytes: 0, packedBytes: 0 };
      push(
        localHeader({ name, atMs, isStreamed: true, crc32: 0, sizeBytes: announcedBytes, packedBytes: 0 }),
      );
    },
    async append(content, isPacked) {
      const before = demandOpen();
      // Ends at a whole byte and refers to nothing before it.
      const finishFlush = constants.Z_SYNC_FLUSH;
      const packed = await deflate(content, { level: isPacked ? 0 : LEVEL, finishFlush });
      push(packed);
      open = {
        ...before,
        crc32: crc32(content, before.crc32),
        sizeBytes: before.sizeBytes + content.length,
        packedBytes: before.packedBytes + packed.length,
      };
    },
    async end() {
      const before = demandOpen();
      const last = await deflate(Buffer.alloc(0), { level: LEVEL });
      push(last);
      const { name, offset, announcedBytes, ...written } = before;
      const sizes = { ...written, packedBytes: written.packedBytes + last.length };
      push(dataDescriptor(sizes, isWide(announcedBytes)));
      records.push(directoryRecord({ name, atMs, isStreamed: true, offset, ...sizes }));
      entries += 1;
      open = undefined;
    },
    addRaw: (content) => push(Buffer.from(content)),
    take: () => ({
      bytes: Buffer.concat(chunks, bytes),
      directory: Buffer.concat(records),
      state: stateNow(),
    }),
  };
}

/** What an archive ends with, after a central directory of so many bytes. */
export const archiveEnd = ({ offset, entries }: ArchiveState, directoryBytes: number): Buffer =>
  endRecords({ entries, directoryBytes, offset: offset - directoryBytes });
