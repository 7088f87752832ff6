import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { randomBytes } from "node:crypto";
import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import { PDF_BYTES_MAX } from "../../../shared/files/check/pdf-text.ts";
import { pdfWith } from "../../../shared/testing/pdf.ts";
import manifest from "../../manifest.json" with { type: "json" };

/** The largest images, and documents made to take room, leave some to the function that reads them. */
const folder = mkdtempSync(join(tmpdir(), "largest-images-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the function takes besides: 142 MB idle, and the uploads that it is streaming. */
const BESIDE_MIB = 200;
const CHECK_MS_MAX = 120_000;

/**
 * What a process of its own says of itself at its end: by `getrusage` it would begin with what this one has
 * at its start.
 */
const OWN_PEAK = `Number(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024`;

const noise = (width: number, height: number) =>
  sharp(randomBytes((width >> 3) * (height >> 3) * 3), {
    raw: { width: width >> 3, height: height >> 3, channels: 3 },
  }).resize(width, height);

const IMAGES = {
  "a photograph of 50 megapixels that lies on its side": [
    "image/jpeg",
    () => noise(8160, 6120).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  ],
  "a WebP of 50 megapixels": ["image/webp", () => noise(8160, 6120).webp({ effort: 0 }).toBuffer()],
  "a PNG of 50 megapixels": [
    "image/png",
    () =>
      sharp({ create: { width: 8160, height: 6120, channels: 4, background: "red" } })
        .png()
        .toBuffer(),
  ],
  "a moving image of 300 frames": [
    "image/gif",
    () =>
      sharp(Buffer.alloc(400 * 400 * 300 * 3, "frames"), {
        raw: { width: 400, height: 400 * 300, channels: 3, pageHeight: 400 },
      })
        .gif({ effort: 1 })
        .toBuffer(),
  ],
} as const;

test.each(Object.entries(IMAGES))("%s", { timeout: CHECK_MS_MAX }, async (name, [type, make]) => {
  const path = join(folder, name);
  writeFileSync(path, await make());
  const code = `
    import { readFileSync } from "node:fs";
    import { cleanImage } from "./shared/files/check/images.ts";
    const image = await cleanImage(${JSON.stringify(type)}, async () => readFileSync(${JSON.stringify(path)}));
    console.log(JSON.stringify({ refusal: image.refusal, mib: ${OWN_PEAK} }));`;
  const run = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", code]);
  const { refusal, mib } = JSON.parse(run.stdout);
  expect(refusal).toBeUndefined();
  expect(mib + BESIDE_MIB).toBeLessThan(manifest.functions["check-file"].memoryMiB);
});

const DOCUMENTS = {
  "a PDF of the largest size, of noise": () => pdfWith([randomBytes(PDF_BYTES_MAX - 100_000)]),
  "a PDF that unpacks to 600 MB": () => pdfWith([Buffer.alloc(600 * 1024 * 1024, " ")]),
  "a PDF of a page of a million words": () =>
    pdfWith([Buffer.from("BT /F1 1 Tf 5 5 Td (word) Tj ET\n".repeat(1_000_000))]),
} as const;

test.each(Object.entries(DOCUMENTS))("%s", { timeout: CHECK_MS_MAX }, async (name, make) => {
  const path = join(folder, name);
  writeFileSync(path, make());
  const code = `
    import { readFileSync } from "node:fs";
    import { readPdfText } from "./shared/files/check/pdf-text.ts";
    await readPdfText(Uint8Array.from(readFileSync(${JSON.stringify(path)})));
    console.log(JSON.stringify({ mib: ${OWN_PEAK} }));`;
  const run = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", code]);
  const { mib } = JSON.parse(run.stdout);
  expect(mib + BESIDE_MIB).toBeLessThan(manifest.functions["check-file"].memoryMiB);
});
