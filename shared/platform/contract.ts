import { z } from "zod";

/** Anything but white space, what Unicode ignores by default, format characters, and the blank of Braille. */
const VISIBLE = /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\u2800]/u;
/** Whether a person sees anything of the text. */
export const isVisible = (text: string): boolean => VISIBLE.test(text);

/**
 * Firestore ends with the year 9999, whatever the offset; nothing here is older than its beginning of time.
 */
const isStorable = (text: string): boolean => {
  const ms = Date.parse(text);
  return ms >= 0 && ms < Date.UTC(10_000, 0);
};

/** A moment with its offset from UTC, as every contract takes it. */
export const Time = z.iso
  .datetime({ offset: true })
  .refine(isStorable, "must lie between the years 1970 and 9999");

/**
 * What an app's own code notes at a chat, a message or a person: names with values, which mean nothing to
 * us. Only own properties are looked at, so that names such as `constructor` are names like any other.
 */
export type Metadata = Readonly<Record<string, string>>;

export const METADATA_PAIRS_MAX = 16;
export const METADATA_KEY_CHARS_MAX = 64;
export const METADATA_VALUE_CHARS_MAX = 512;

const CONTROL = /(?![\n\r\t])\p{Cc}/u;
const isText = (text: string): boolean => text.isWellFormed() && !CONTROL.test(text);

/** Names between two underscores on each side are Firestore's own, and `__proto__` is JavaScript's. */
const Key = z
  .string()
  .min(1)
  .max(METADATA_KEY_CHARS_MAX)
  .refine((key) => isText(key) && !/^__.*__$/s.test(key), "is not a name that metadata may have");
const Value = z.string().max(METADATA_VALUE_CHARS_MAX).refine(isText, "must not contain control characters");
const countOf = (metadata: object): number => Object.keys(metadata).length;

export const NewMetadata = z
  .record(Key, Value.min(1))
  .refine(
    (metadata) => countOf(metadata) <= METADATA_PAIRS_MAX,
    `must have at most ${METADATA_PAIRS_MAX} pairs`,
  );

/**
 * Sets the pairs that are named and leaves the others. A value of "" or null takes the pair away; null in
 * place of all takes all away.
 */
export const MetadataChange = z
  .record(Key, Value.nullable())
  .refine(
    (metadata) => countOf(metadata) <= 2 * METADATA_PAIRS_MAX,
    `must name at most ${2 * METADATA_PAIRS_MAX} pairs`,
  )
  .nullable();
export type MetadataChange = z.infer<typeof MetadataChange>;

/** In replies; absent where there is none. */
export const MetadataView = z.record(z.string(), z.string());

const PARAMETER = "metadata.";

/** Query parameters such as `metadata.order=42`, gathered as `metadata`; all others stay as they are. */
export function gatherMetadata(query: unknown): unknown {
  if (typeof query !== "object" || query === null || Object.hasOwn(query, "metadata")) return query;
  const [pairs, rest] = [[], []] as [[string, unknown][], [string, unknown][]];
  for (const [name, value] of Object.entries(query)) {
    if (name.startsWith(PARAMETER)) pairs.push([name.slice(PARAMETER.length), value]);
    else rest.push([name, value]);
  }
  if (pairs.length === 0) return query;
  const sorted = pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...Object.fromEntries(rest), metadata: Object.fromEntries(sorted) };
}
