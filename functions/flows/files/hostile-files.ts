import { randomBytes } from "node:crypto";
import { crc32, deflateSync, gzipSync } from "node:zlib";
import sharp from "sharp";
import type { Refusal } from "../../../shared/files/contract.ts";

/** What somebody could upload to do harm, and what has to become of it. */
export interface HostileFile {
  readonly name: string;
  readonly type: string;
  readonly bytes: () => Promise<Buffer> | Buffer;
  /** Why it is refused, or what it is harmless as. */
  readonly becomes: Refusal | `${string}/${string}`;
  /** What must be left of it nowhere. */
  readonly without?: string;
}

const SCRIPT = "<script>alert(document.domain)</script>";
const image = (width = 64, height = 48) =>
  sharp({ create: { width, height, channels: 3, background: "teal" } });
const text = (content: string): Buffer => Buffer.from(content);
const hex = (content: string): Buffer => Buffer.from(content.replaceAll(" ", ""), "hex");

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
const SIGNATURE = hex("89504e470d0a1a0a");

function pngOf(width: number, height: number, ...chunks: Buffer[]): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([SIGNATURE, chunk("IHDR", header), ...chunks, chunk("IEND", Buffer.alloc(0))]);
}
const ROWS = deflateSync(Buffer.alloc(48 * (1 + 64 * 3)));

/** A segment of a JPEG, put behind its beginning. */
async function withSegment(marker: number, data: Buffer): Promise<Buffer> {
  const jpeg = await image().jpeg().toBuffer();
  const head = Buffer.alloc(4);
  head.writeUInt16BE(marker, 0);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, data, jpeg.subarray(2)]);
}

async function jpegOf(width: number, height: number): Promise<Buffer> {
  const jpeg = await image().jpeg().toBuffer();
  const at = jpeg.indexOf(hex("ffc0"));
  jpeg.writeUInt16BE(height, at + 5);
  jpeg.writeUInt16BE(width, at + 7);
  return jpeg;
}

/** A moving GIF of one pixel. */
function gifOf(frames: number, side = 1): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16LE(side, 0);
  size.writeUInt16LE(side, 2);
  const frame = hex("21f90400 0100 00 00 2c 00000000 0100 0100 00 02 02 4401 00");
  return Buffer.concat([
    text("GIF89a"),
    size,
    hex("80 00 00 000000 ffffff"),
    hex("21ff0b 4e45545343415045322e30 03 01 0000 00"),
    ...Array.from({ length: frames }, () => frame),
    hex("3b"),
  ]);
}

function tiffOf(width: number, height: number): Buffer {
  const entry = (tag: number, value: number): Buffer => {
    const data = Buffer.alloc(12);
    data.writeUInt16LE(tag, 0);
    data.writeUInt16LE(4, 2);
    data.writeUInt32LE(1, 4);
    data.writeUInt32LE(value, 8);
    return data;
  };
  const entries = [
    [256, width],
    [257, height],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, height],
    [279, 4],
  ].map(([tag = 0, value = 0]) => entry(tag, value));
  const count = Buffer.alloc(2);
  count.writeUInt16LE(entries.length);
  return Buffer.concat([hex("49492a00 08000000"), count, ...entries, Buffer.alloc(8)]);
}

/** A file of an archive, as its local header and data say it. */
function zipOf(name: string, data: Buffer, { extra = 0, size = data.length } = {}): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(8, 8);
  header.writeUInt32LE(data.length, 18);
  header.writeUInt32LE(size, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(extra, 28);
  return Buffer.concat([header, text(name), data]);
}
const ZEROS = deflateSync(Buffer.alloc(50_000_000)).subarray(2, -4);

const behind = async (bytes: Promise<Buffer>, tail: string): Promise<Buffer> =>
  Buffer.concat([await bytes, text(tail)]);
const half = async (bytes: Promise<Buffer>): Promise<Buffer> => {
  const whole = await bytes;
  return whole.subarray(0, Math.floor(whole.length / 2));
};
/** Photographs are not all of one colour. */
const noise = (width: number, height: number) =>
  sharp(randomBytes(width * height * 3), { raw: { width, height, channels: 3 } });
const whereabouts = {
  IFD3: { GPSLatitudeRef: "N", GPSLatitude: "52/1 30/1 0/1" },
  IFD0: { Artist: "Ada L." },
};

export const HOSTILE_FILES: readonly HostileFile[] = [
  // Something else than it says.
  { name: "a page as PNG", type: "image/png", bytes: () => text(`<html>${SCRIPT}`), becomes: "type_differs" },
  {
    name: "a drawing with a script as PNG",
    type: "image/png",
    bytes: () => text(`<svg xmlns="http://www.w3.org/2000/svg">${SCRIPT}</svg>`),
    becomes: "type_differs",
  },
  {
    name: "a program as JPEG",
    type: "image/jpeg",
    bytes: () => hex("4d5a900003000000"),
    becomes: "type_differs",
  },
  {
    name: "a program as text",
    type: "text/plain",
    bytes: () => hex("7f454c4602010100"),
    becomes: "type_differs",
  },
  {
    name: "a film as image",
    type: "image/webp",
    bytes: () => hex("0000001866747970 6d703432 00000000 6d703432 69736f6d"),
    becomes: "type_differs",
  },
  {
    name: "an image as film",
    type: "video/mp4",
    bytes: () => image().png().toBuffer(),
    becomes: "type_differs",
  },
  { name: "an archive as image", type: "image/png", bytes: () => zipOf("a", ZEROS), becomes: "type_differs" },
  {
    name: "a document that is an archive too, as archive",
    type: "application/zip",
    bytes: () => Buffer.concat([text("%PDF-1.4\n"), zipOf("a.html", deflateSync(text(SCRIPT)))]),
    becomes: "type_differs",
  },
  // Two things at once: what it is for one reader is gone for the other.
  {
    name: "a GIF that is a script",
    type: "image/gif",
    bytes: () => text("GIF89a/*\u0000\u0000*/=1;alert(1)//"),
    becomes: "image_unreadable",
  },
  {
    name: "a JPEG with a page behind it",
    type: "image/jpeg",
    bytes: () => behind(image().jpeg().toBuffer(), SCRIPT),
    becomes: "image/jpeg",
    without: "script",
  },
  {
    name: "a PNG with an archive behind it",
    type: "image/png",
    bytes: async () => Buffer.concat([await image().png().toBuffer(), zipOf("evil.exe", ZEROS)]),
    becomes: "image/png",
    without: "evil.exe",
  },
  {
    name: "a PNG with a page in a comment",
    type: "image/png",
    bytes: () => pngOf(64, 48, chunk("tEXt", text(`Comment\0${SCRIPT}`)), chunk("IDAT", ROWS)),
    becomes: "image/png",
    without: "script",
  },
  {
    name: "a JPEG with PHP in a comment",
    type: "image/jpeg",
    bytes: () => withSegment(0xfffe, text("<?php system($_GET[0]); ?>")),
    becomes: "image/jpeg",
    without: "php",
  },
  {
    name: "a GIF with a page in a comment",
    type: "image/gif",
    bytes: () => {
      const gif = gifOf(1);
      const note = text(SCRIPT);
      return Buffer.concat([
        gif.subarray(0, 19),
        hex("21fe"),
        Buffer.from([note.length]),
        note,
        hex("00"),
        gif.subarray(19),
      ]);
    },
    becomes: "image/gif",
    without: "script",
  },
  {
    name: "a document with an archive behind it",
    type: "application/pdf",
    bytes: () => Buffer.concat([text("%PDF-1.4\n%%EOF\n"), zipOf("a", ZEROS)]),
    becomes: "application/pdf",
  },
  // What a browser would run, were it shown.
  {
    name: "a drawing with a script",
    type: "image/svg+xml",
    bytes: () => text(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">${SCRIPT}</svg>`),
    becomes: "image/svg+xml",
  },
  {
    name: "a drawing that reads a file",
    type: "image/svg+xml",
    bytes: () =>
      text(
        '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>',
      ),
    becomes: "image/svg+xml",
  },
  { name: "a page", type: "text/html", bytes: () => text(SCRIPT), becomes: "text/html" },
  {
    name: "a page in UTF-16 as text",
    type: "text/plain",
    bytes: () => Buffer.from(`\ufeff${SCRIPT}`, "utf16le"),
    becomes: "text/plain",
  },
  {
    name: "a page in XML",
    type: "application/xhtml+xml",
    bytes: () => text(`<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">${SCRIPT}</html>`),
    becomes: "application/xhtml+xml",
  },
  {
    name: "a page that nobody has named",
    type: "application/octet-stream",
    bytes: () => text(`<!doctype html>${SCRIPT}`),
    becomes: "text/plain",
  },
  // Too much.
  {
    name: "a PNG of 100,000 by 100,000",
    type: "image/png",
    bytes: () => pngOf(100_000, 100_000, chunk("IDAT", ROWS)),
    becomes: "image_too_large",
  },
  {
    name: "a PNG of 16,000 by 16,000, of one colour",
    type: "image/png",
    bytes: () =>
      sharp({
        create: { width: 16_000, height: 16_000, channels: 3, background: "red" },
        limitInputPixels: false,
      })
        .png()
        .toBuffer(),
    becomes: "image_too_large",
  },
  {
    name: "a JPEG of 65,500 by 65,500",
    type: "image/jpeg",
    bytes: () => jpegOf(65_500, 65_500),
    becomes: "image_too_large",
  },
  {
    name: "a GIF of one point that says it is 65,535 by 65,535",
    type: "image/gif",
    bytes: () => gifOf(1, 65_535),
    becomes: "image/gif",
  },
  {
    name: "a GIF of 10,000 frames",
    type: "image/gif",
    bytes: () => gifOf(10_000),
    becomes: "image_too_large",
  },
  {
    name: "a TIFF of 100,000 by 100,000",
    type: "image/tiff",
    bytes: () => tiffOf(100_000, 100_000),
    becomes: "image_too_large",
  },
  {
    name: "a PNG with 50 MB of text in a kilobyte",
    type: "image/png",
    bytes: () =>
      pngOf(
        64,
        48,
        chunk("zTXt", Buffer.concat([text("Comment\0\0"), deflateSync(Buffer.alloc(50_000_000))])),
        chunk("IDAT", ROWS),
      ),
    becomes: "image/png",
  },
  {
    name: "a PNG with 50 MB of colours in a kilobyte",
    type: "image/png",
    bytes: () =>
      pngOf(
        64,
        48,
        chunk("iCCP", Buffer.concat([text("p\0\0"), deflateSync(Buffer.alloc(50_000_000))])),
        chunk("IDAT", ROWS),
      ),
    becomes: "image/png",
  },
  {
    name: "a document whose parts are 50 MB in a kilobyte",
    type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    bytes: () => zipOf("[Content_Types].xml", ZEROS, { size: 50_000_000 }),
    becomes: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  },
  {
    name: "an archive in an archive",
    type: "application/gzip",
    bytes: () => gzipSync(gzipSync(Buffer.alloc(10_000_000))),
    becomes: "application/gzip",
  },
  // Broken.
  {
    name: "half a JPEG",
    type: "image/jpeg",
    bytes: () => half(noise(800, 600).jpeg().toBuffer()),
    becomes: "image_unreadable",
  },
  {
    name: "half a PNG",
    type: "image/png",
    bytes: () => half(noise(300, 300).png().toBuffer()),
    becomes: "image_unreadable",
  },
  {
    name: "half a WebP",
    type: "image/webp",
    bytes: () => half(noise(300, 300).webp().toBuffer()),
    becomes: "image_unreadable",
  },
  {
    name: "half an AVIF",
    type: "image/avif",
    bytes: () => half(noise(64, 64).avif({ effort: 0 }).toBuffer()),
    becomes: "image_unreadable",
  },
  {
    name: "a PNG whose pieces have no end",
    type: "image/png",
    bytes: () => Buffer.concat([SIGNATURE, hex("ffffffff 49484452"), randomBytes(5000)]),
    becomes: "type_differs",
  },
  {
    name: "a PNG of empty pieces",
    type: "image/png",
    bytes: () => pngOf(64, 48, ...Array.from({ length: 10_000 }, () => chunk("teSt", Buffer.alloc(0)))),
    becomes: "image_unreadable",
  },
  {
    name: "noise behind the beginning of a WebP",
    type: "image/webp",
    bytes: () => Buffer.concat([text("RIFF"), hex("ffffff7f"), text("WEBPVP8X"), randomBytes(5000)]),
    becomes: "image_unreadable",
  },
  {
    name: "colours that are trash",
    type: "image/jpeg",
    bytes: () => withSegment(0xffe2, Buffer.concat([text("ICC_PROFILE\0"), hex("0101"), randomBytes(2000)])),
    becomes: "image/jpeg",
  },
  {
    name: "a film without end",
    type: "video/webm",
    bytes: () => Buffer.concat([hex("1a45dfa3 01ffffffffffffff 4282 84 7765626d"), randomBytes(5000)]),
    becomes: "video/webm",
  },
  {
    name: "a film of nothing but zeros",
    type: "video/x-ms-asf",
    bytes: () => Buffer.concat([hex("3026b2758e66cf11a6d900aa0062ce6c"), Buffer.alloc(100_000)]),
    becomes: "type_differs",
  },
  {
    name: "a sound with a label of 256 MB",
    type: "audio/mpeg",
    bytes: () => Buffer.concat([hex("4944330300007f7f7f7f"), randomBytes(5000)]),
    becomes: "audio/mpeg",
  },
  {
    name: "an archive with an endless name",
    type: "application/zip",
    bytes: () => zipOf("a".repeat(60_000), ZEROS, { extra: 65_535 }),
    becomes: "application/zip",
  },
  // What tells of its maker.
  {
    name: "a photograph that tells where it was taken",
    type: "image/jpeg",
    bytes: () => image().withExif(whereabouts).jpeg().toBuffer(),
    becomes: "image/jpeg",
    without: "Ada L.",
  },
  {
    name: "a PNG that tells where it was taken",
    type: "image/png",
    bytes: () => image().withExif(whereabouts).png().toBuffer(),
    becomes: "image/png",
    without: "Ada L.",
  },
  {
    name: "a WebP that tells where it was taken",
    type: "image/webp",
    bytes: () => image().withExif(whereabouts).webp().toBuffer(),
    becomes: "image/webp",
    without: "Ada L.",
  },
  {
    name: "a photograph with a note in XMP",
    type: "image/jpeg",
    bytes: () =>
      withSegment(
        0xffe1,
        text(`http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/">Ada L.</x:xmpmeta>`),
      ),
    becomes: "image/jpeg",
    without: "Ada L.",
  },
];
