/** What file systems take as the name of a file. */
export const ENTRY_NAME_BYTES_MAX = 255;

/** Signs that some file system refuses in names, that end a path, or that turn what stands beside them. */
const UNFIT = /[\p{Cc}\p{Cs}<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
/** Names that Windows keeps for devices, whatever they end in. */
const DEVICES = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
/** A longer ending is no type. */
const ENDING_BYTES_MAX = 20;

/**
 * A name of a file as it can be saved anywhere, beside others: `prefix` keeps it apart from them. Whatever
 * somebody has called it, the name is no path, has at most ENTRY_NAME_BYTES_MAX bytes, and keeps its ending.
 * Pure.
 */
export function entryName(prefix: string, name: string): string {
  const fit = name
    .toWellFormed()
    .normalize("NFC")
    .replace(UNFIT, "_")
    .replace(/[. ]+$/, "")
    .trimStart();
  const safe = fit === "" ? "file" : DEVICES.test(fit) ? `_${fit}` : fit;
  const room = ENTRY_NAME_BYTES_MAX - Buffer.byteLength(prefix);
  if (Buffer.byteLength(safe) <= room) return `${prefix}${safe}`;
  const ending = /\.[^.]+$/.exec(safe)?.[0] ?? "";
  const kept = Buffer.byteLength(ending) <= ENDING_BYTES_MAX ? ending : "";
  const stem = safe.slice(0, safe.length - kept.length);
  return `${prefix}${cutToBytes(stem, room - Buffer.byteLength(kept))}${kept}`;
}

/** The beginning of a text, never cut within a sign. */
function cutToBytes(text: string, bytesMax: number): string {
  let bytes = 0;
  let cut = "";
  for (const sign of text) {
    bytes += Buffer.byteLength(sign);
    if (bytes > bytesMax) break;
    cut += sign;
  }
  return cut;
}
