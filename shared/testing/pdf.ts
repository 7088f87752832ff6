import { deflateSync } from "node:zlib";

/** A PDF with a line of text on each page. */
export function pdfOf(lines: readonly string[]): Buffer {
  return pdfWith(lines.map((line) => Buffer.from(`BT /F1 12 Tf 20 20 Td (${line}) Tj ET`)));
}

/** A PDF whose pages are drawn by these contents, packed. */
export function pdfWith(contents: readonly Uint8Array[]): Buffer {
  const first = 4;
  const kids = contents.map((_, index) => `${first + 2 * index} 0 R`).join(" ");
  const objects: Buffer[] = [
    Buffer.from("<< /Type /Catalog /Pages 2 0 R >>"),
    Buffer.from(`<< /Type /Pages /Count ${contents.length} /Kids [${kids}] >>`),
    Buffer.from("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"),
    ...contents.flatMap((content, index) => {
      const packed = deflateSync(content);
      const page =
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 60] /Contents ${first + 2 * index + 1} 0 R ` +
        "/Resources << /Font << /F1 3 0 R >> >> >>";
      const head = Buffer.from(`<< /Length ${packed.length} /Filter /FlateDecode >>\nstream\n`);
      return [Buffer.from(page), Buffer.concat([head, packed, Buffer.from("\nendstream")])];
    }),
  ];
  const parts: Buffer[] = [Buffer.from("%PDF-1.7\n")];
  const places: number[] = [];
  for (const [index, object] of objects.entries()) {
    places.push(parts.reduce((sum, part) => sum + part.length, 0));
    parts.push(Buffer.from(`${index + 1} 0 obj\n`), object, Buffer.from("\nendobj\n"));
  }
  const start = parts.reduce((sum, part) => sum + part.length, 0);
  const table = places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
  const size = objects.length + 1;
  parts.push(
    Buffer.from(
      `xref\n0 ${size}\n0000000000 65535 f \n${table}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(parts);
}
