import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { buffer } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";
import yauzl from "yauzl";
import { type ArchiveState, archiveEnd, createArchiveWriter, EMPTY_ARCHIVE } from "./archive-writer.ts";
import { dataDescriptor, directoryRecord, localHeader } from "./records.ts";

/** Archives are read by yauzl, which has nothing of ours. */
const folder = mkdtempSync(join(tmpdir(), "archives-"));
afterAll(() => rmSync(folder, { recursive: true }));

const AT_MS = Date.UTC(2026, 4, 6, 7, 8, 10);
const GIB = 1024 ** 3;

interface Read {
  readonly name: string;
  readonly text: string;
  readonly at: string;
}

async function readAll(path: string): Promise<Read[]> {
  const archive = await promisify<string, yauzl.Options, yauzl.ZipFile>(yauzl.open)(path, {
    lazyEntries: true,
    autoClose: false,
    validateEntrySizes: true,
  });
  const entries: yauzl.Entry[] = [];
  await new Promise<void>((resolve, reject) => {
    archive.on("entry", (entry: yauzl.Entry) => {
      entries.push(entry);
      archive.readEntry();
    });
    archive.on("end", () => resolve());
    archive.on("error", reject);
    archive.readEntry();
  });
  const read: Read[] = [];
  for (const entry of entries) {
    const stream = await promisify(
      archive.openReadStream.bind(archive) as never as (of: yauzl.Entry) => void,
    )(entry);
    const bytes = await buffer(stream as never as NodeJS.ReadableStream);
    const at = entry.getLastModDate({ timezone: "UTC" }).toISOString();
    read.push({ name: entry.fileName, text: bytes.toString(), at });
  }
  archive.close();
  return read;
}

/** Writes one archive, in stretches that end where `isCut` says. */
async function write(isCut: (step: number) => boolean): Promise<Buffer> {
  const steps: readonly ((writer: ReturnType<typeof createArchiveWriter>) => Promise<void> | void)[] = [
    (writer) => writer.add("a.json", Buffer.from('{"a":1}')),
    (writer) => writer.add("empty", Buffer.alloc(0)),
    (writer) => writer.begin("große/日本.txt", 300),
    (writer) => writer.append(Buffer.from("x".repeat(150)), false),
    (writer) => writer.append(Buffer.from("y".repeat(150)), true),
    (writer) => writer.end(),
    (writer) => writer.begin("nothing.bin", 0),
    (writer) => writer.end(),
    (writer) => writer.add("b.html", Buffer.from("<p>" + "word ".repeat(5_000))),
  ];
  const chunks: Buffer[] = [];
  const records: Buffer[] = [];
  let state: ArchiveState = EMPTY_ARCHIVE;
  let writer = createArchiveWriter(state, AT_MS);
  for (const [index, step] of steps.entries()) {
    await step(writer);
    if (!isCut(index) && index < steps.length - 1) continue;
    const taken = writer.take();
    chunks.push(taken.bytes);
    records.push(taken.directory);
    // As another process would read it.
    state = JSON.parse(JSON.stringify(taken.state)) as ArchiveState;
    writer = createArchiveWriter(state, AT_MS);
  }
  const directory = Buffer.concat(records);
  writer.addRaw(directory);
  const whole = writer.take();
  return Buffer.concat([...chunks, whole.bytes, archiveEnd(whole.state, directory.length)]);
}

test("an archive is read by others, with every name, time and byte", async () => {
  const path = join(folder, "whole.zip");
  writeFileSync(path, await write(() => false));
  const at = "2026-05-06T07:08:10.000Z";
  expect(await readAll(path)).toEqual([
    { name: "a.json", text: '{"a":1}', at },
    { name: "empty", text: "", at },
    { name: "große/日本.txt", text: "x".repeat(150) + "y".repeat(150), at },
    { name: "nothing.bin", text: "", at },
    { name: "b.html", text: "<p>" + "word ".repeat(5_000), at },
  ]);
});

test("its bytes are the same, wherever it is cut into stretches", async () => {
  const whole = await write(() => false);
  expect(await write(() => true)).toEqual(whole);
  expect(await write((step) => step === 3)).toEqual(whole);
});

test("an entry is ended before the next, and begun before it is written", async () => {
  const writer = createArchiveWriter(EMPTY_ARCHIVE, AT_MS);
  await expect(writer.append(Buffer.alloc(1), false)).rejects.toThrow("begun before");
  writer.begin("a", 1);
  await expect(writer.add("b", Buffer.alloc(1))).rejects.toThrow("ended before");
  expect(() => writer.begin("b", 1)).toThrow("ended before");
});

/**
 * A sparse file stands for the gigabytes between: what is read of it are headers, directory and end.
 */
test("an archive beyond 4 GiB and of more than 65,535 entries is found by its ZIP64 records", async () => {
  const path = join(folder, "sparse.zip");
  const file = await open(path, "w");
  const many = 66_000;
  const records: Buffer[] = [];
  const wide = {
    name: "wide.bin",
    atMs: AT_MS,
    isStreamed: true,
    crc32: 7,
    sizeBytes: 5 * GIB,
    packedBytes: 5 * GIB,
  };
  const header = localHeader(wide);
  await file.write(header, 0, header.length, 0);
  const descriptor = dataDescriptor(wide, true);
  const afterWide = header.length + wide.packedBytes;
  await file.write(descriptor, 0, descriptor.length, afterWide);
  records.push(directoryRecord({ ...wide, offset: 0 }));
  const writer = createArchiveWriter({ offset: afterWide + descriptor.length, entries: many - 1 }, AT_MS);
  for (let index = 1; index < many - 1; index += 1) {
    const small = {
      name: `${index}.txt`,
      atMs: AT_MS,
      isStreamed: false,
      crc32: 0,
      sizeBytes: 0,
      packedBytes: 2,
    };
    records.push(directoryRecord({ ...small, offset: afterWide + index }));
  }
  await writer.add("last.txt", Buffer.from("found"));
  const { bytes, directory, state } = writer.take();
  await file.write(bytes, 0, bytes.length, afterWide + descriptor.length);
  records.push(directory);
  const all = Buffer.concat(records);
  await file.write(all, 0, all.length, state.offset);
  const end = archiveEnd({ ...state, offset: state.offset + all.length }, all.length);
  await file.write(end, 0, end.length, state.offset + all.length);
  await file.close();
  const archive = await promisify<string, yauzl.Options, yauzl.ZipFile>(yauzl.open)(path, {
    lazyEntries: true,
  });
  expect(archive.entryCount).toBe(many);
  const seen: yauzl.Entry[] = [];
  await new Promise<void>((resolve, reject) => {
    archive.on("entry", (entry: yauzl.Entry) => {
      seen.push(entry);
      archive.readEntry();
    });
    archive.on("end", () => resolve());
    archive.on("error", reject);
    archive.readEntry();
  });
  expect(seen).toHaveLength(many);
  expect(seen[0]).toMatchObject({ fileName: "wide.bin", uncompressedSize: 5 * GIB, compressedSize: 5 * GIB });
  expect(seen.at(-1)).toMatchObject({ fileName: "last.txt", uncompressedSize: 5 });
  expect(seen.at(-1)?.relativeOffsetOfLocalHeader).toBeGreaterThan(5 * GIB);
  const start = seen.at(-1)?.relativeOffsetOfLocalHeader ?? 0;
  expect((await buffer(createReadStream(path, { start, end: start + 3 }))).readUInt32LE()).toBe(0x0403_4b50);
});
