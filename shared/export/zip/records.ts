/**
 * The records of a ZIP archive, as PKWARE's APPNOTE has them (6.3.10), with the fields of ZIP64 where a
 * number needs them. Pure.
 */

/** An entry whose data has been written. */
export interface ZipEntry extends EntryHeader {
  readonly crc32: number;
  readonly sizeBytes: number;
  readonly packedBytes: number;
  /** Where its local header begins. */
  readonly offset: number;
}

interface EntryHeader {
  /** A path with `/`, in UTF-8. */
  readonly name: string;
  readonly atMs: number;
  /** Size and checksum follow the data. */
  readonly isStreamed: boolean;
}

/** In 32 and in 16 bits this says: look into the field of ZIP64. */
const MAX_32 = 0xffff_ffff;
const MAX_16 = 0xffff;
/** What is announced with so much may pass 4 GiB packed: deflate adds a little to what it can't pack. */
const WIDE_BYTES_MIN = 0xf000_0000;

const VERSION = 20;
const VERSION_ZIP64 = 45;
const MADE_ON_UNIX = 3 << 8;
/** A regular file that everybody may read and its owner change. */
const UNIX_FILE = 0o100644 * 2 ** 16;
const FLAG_UTF8 = 0x0800;
const FLAG_STREAMED = 0x0008;
const METHOD_DEFLATE = 8;
const ZIP64_FIELD = 1;

/** Whether what is announced with a size is streamed with sizes of 64 bits. */
export const isWide = (sizeBytes: number): boolean => sizeBytes >= WIDE_BYTES_MIN;

/** The header before an entry's data. Of a streamed one `sizeBytes` is what it will roughly be. */
export function localHeader(
  entry: EntryHeader & Pick<ZipEntry, "crc32" | "sizeBytes" | "packedBytes">,
): Buffer {
  const wide = entry.isStreamed && isWide(entry.sizeBytes);
  const sizes = entry.isStreamed
    ? { crc32: 0, packed: wide ? MAX_32 : 0, size: wide ? MAX_32 : 0 }
    : { crc32: entry.crc32, packed: entry.packedBytes, size: entry.sizeBytes };
  const name = Buffer.from(entry.name);
  const extra = wide ? zip64Field([0, 0]) : Buffer.alloc(0);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x0403_4b50, 0);
  header.writeUInt16LE(wide ? VERSION_ZIP64 : VERSION, 4);
  writeCommon(header, 6, entry);
  header.writeUInt32LE(sizes.crc32, 14);
  header.writeUInt32LE(sizes.packed, 18);
  header.writeUInt32LE(sizes.size, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, name, extra]);
}

/** What follows the data of a streamed entry; `isWideEntry` as its header has it. */
export function dataDescriptor(
  { crc32, sizeBytes, packedBytes }: Pick<ZipEntry, "crc32" | "sizeBytes" | "packedBytes">,
  isWideEntry: boolean,
): Buffer {
  const descriptor = Buffer.alloc(isWideEntry ? 24 : 16);
  descriptor.writeUInt32LE(0x0807_4b50, 0);
  descriptor.writeUInt32LE(crc32, 4);
  if (isWideEntry) {
    descriptor.writeBigUInt64LE(BigInt(packedBytes), 8);
    descriptor.writeBigUInt64LE(BigInt(sizeBytes), 16);
  } else {
    descriptor.writeUInt32LE(packedBytes, 8);
    descriptor.writeUInt32LE(sizeBytes, 12);
  }
  return descriptor;
}

/** What the central directory says of an entry. */
export function directoryRecord(entry: ZipEntry): Buffer {
  const { sizeBytes, packedBytes, offset } = entry;
  const wide = [sizeBytes, packedBytes, offset].filter((value) => value >= MAX_32);
  const name = Buffer.from(entry.name);
  const extra = wide.length === 0 ? Buffer.alloc(0) : zip64Field(wide);
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x0201_4b50, 0);
  record.writeUInt16LE(MADE_ON_UNIX | VERSION_ZIP64, 4);
  record.writeUInt16LE(
    wide.length > 0 || (entry.isStreamed && isWide(sizeBytes)) ? VERSION_ZIP64 : VERSION,
    6,
  );
  writeCommon(record, 8, entry);
  record.writeUInt32LE(entry.crc32, 16);
  record.writeUInt32LE(Math.min(packedBytes, MAX_32), 20);
  record.writeUInt32LE(Math.min(sizeBytes, MAX_32), 24);
  record.writeUInt16LE(name.length, 28);
  record.writeUInt16LE(extra.length, 30);
  record.writeUInt32LE(UNIX_FILE, 38);
  record.writeUInt32LE(Math.min(offset, MAX_32), 42);
  return Buffer.concat([record, name, extra]);
}

/** The end of an archive whose central directory has so many records and bytes and begins at `offset`. */
export function endRecords({
  entries,
  directoryBytes,
  offset,
}: {
  readonly entries: number;
  readonly directoryBytes: number;
  readonly offset: number;
}): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x0605_4b50, 0);
  end.writeUInt16LE(Math.min(entries, MAX_16), 8);
  end.writeUInt16LE(Math.min(entries, MAX_16), 10);
  end.writeUInt32LE(Math.min(directoryBytes, MAX_32), 12);
  end.writeUInt32LE(Math.min(offset, MAX_32), 16);
  if (entries < MAX_16 && directoryBytes < MAX_32 && offset < MAX_32) return end;
  const wide = Buffer.alloc(56 + 20);
  wide.writeUInt32LE(0x0606_4b50, 0);
  wide.writeBigUInt64LE(44n, 4);
  wide.writeUInt16LE(MADE_ON_UNIX | VERSION_ZIP64, 12);
  wide.writeUInt16LE(VERSION_ZIP64, 14);
  wide.writeBigUInt64LE(BigInt(entries), 24);
  wide.writeBigUInt64LE(BigInt(entries), 32);
  wide.writeBigUInt64LE(BigInt(directoryBytes), 40);
  wide.writeBigUInt64LE(BigInt(offset), 48);
  wide.writeUInt32LE(0x0706_4b50, 56);
  wide.writeBigUInt64LE(BigInt(offset + directoryBytes), 64);
  wide.writeUInt32LE(1, 72);
  return Buffer.concat([wide, end]);
}

function zip64Field(values: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * values.length);
  field.writeUInt16LE(ZIP64_FIELD, 0);
  field.writeUInt16LE(8 * values.length, 2);
  for (const [index, value] of values.entries()) field.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  return field;
}

/** Flags, method, time and date stand side by side in both kinds of header. */
function writeCommon(header: Buffer, at: number, { isStreamed, atMs }: EntryHeader): void {
  header.writeUInt16LE(isStreamed ? FLAG_UTF8 | FLAG_STREAMED : FLAG_UTF8, at);
  header.writeUInt16LE(METHOD_DEFLATE, at + 2);
  const { time, date } = dosTime(atMs);
  header.writeUInt16LE(time, at + 4);
  header.writeUInt16LE(date, at + 6);
}

/** In UTC, to two seconds; the format knows the years from 1980 to 2107. */
function dosTime(atMs: number): { readonly time: number; readonly date: number } {
  const at = new Date(atMs);
  const year = Math.min(Math.max(at.getUTCFullYear(), 1980), 2107);
  return {
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
    date: ((year - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
  };
}
