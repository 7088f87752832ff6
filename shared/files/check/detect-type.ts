/** What is read of a file to say what it is. */
export const HEAD_BYTES = 256 * 1024;

/** What a file is: its type, or that it is not what it was announced as. */
export type Detected = { readonly type: string } | { readonly refusal: "type_differs" };

type Family = "image" | "media" | "pdf" | "text" | "other";

/** Whether a file of this type is read as it is. Pure. */
export const isTextType = (type: string): boolean => TEXTS.test(type);

/** What nobody has said anything about. */
const UNKNOWN = "application/octet-stream";
/** Text that is not called so. */
const TEXTS =
  /^(?:text\/.*|image\/svg\+xml|application\/(?:json|xml|javascript|yaml|x-yaml|x-sh|sql|toml|rtf|.*\+json|.*\+xml))$/;
/** Two containers of which both films and sounds are made; by its bytes a sound is taken for a film. */
const SOUNDS: Readonly<Record<string, string>> = { "video/webm": "audio/webm", "video/mp4": "audio/mp4" };
/** What Office's documents are packed in. */
const PACKED = new Set(["application/zip", "application/x-cfb"]);

/**
 * Says what a file is, by how it begins; its name says nothing, and what it was announced as only decides
 * between what its bytes may be. Whatever a browser could take for a page is never more than text.
 */
export async function detectType(head: Uint8Array, announced: string): Promise<Detected> {
  const { fileTypeFromBuffer } = await import("file-type");
  const found = (await fileTypeFromBuffer(head))?.mime;
  const isPlain = (found === undefined || TEXTS.test(found)) && isText(head);
  const actual: Family = isPlain ? "text" : familyOf(found ?? UNKNOWN);
  const expected = familyOf(announced);
  if (announced === UNKNOWN) return { type: found ?? (isPlain ? "text/plain" : UNKNOWN) };
  if (expected !== actual) return { refusal: "type_differs" };
  switch (actual) {
    case "text":
      return { type: announced };
    case "media":
      return { type: (announced.startsWith("audio/") && SOUNDS[found ?? ""]) || (found ?? UNKNOWN) };
    case "other":
      // An old document of Office is as little known by its bytes as one whose parts stand in another order.
      return { type: found === undefined || PACKED.has(found) ? officeOr(announced, found) : found };
    default:
      return { type: found ?? UNKNOWN };
  }
}

const OFFICE = /^application\/(?:msword|vnd\.(?:ms-|openxmlformats-|oasis\.opendocument\.).*)$/;
const officeOr = (announced: string, found: string | undefined): string =>
  found !== undefined && OFFICE.test(announced) ? announced : (found ?? UNKNOWN);

function familyOf(type: string): Family {
  if (TEXTS.test(type)) return "text";
  if (type.startsWith("image/")) return "image";
  if (/^(?:audio|video)\//.test(type) || type === "application/ogg") return "media";
  return type === "application/pdf" ? "pdf" : "other";
}

/** Signs that no text has; escape sequences of terminals are some. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const NO_TEXT = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f\u007f]/;

/** Text in UTF-8, or in UTF-16 that says so. What is cut off in the middle of a sign counts as well. */
function isText(head: Uint8Array): boolean {
  const isWide = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  const encoding = isWide ? (head[0] === 0xff ? "utf-16le" : "utf-16be") : "utf-8";
  try {
    return !NO_TEXT.test(new TextDecoder(encoding, { fatal: true }).decode(head, { stream: true }));
  } catch {
    return false;
  }
}
