import type { Message } from "../../shared/client/connect.ts";

type FileOf = NonNullable<Message["files"]>[number];

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** As people say it: 1.4 MB. */
export function sizeOf(bytes: number) {
  const power = bytes < 1_000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  const format = new Intl.NumberFormat(undefined, {
    style: "unit",
    unit: UNITS[power] ?? "byte",
    unitDisplay: power === 0 ? "long" : "short",
    maximumFractionDigits: power === 0 ? 0 : 1,
  });
  return format.format(bytes / 1_000 ** power);
}

const REFUSALS: Readonly<Record<NonNullable<FileOf["refusal"]>, string>> = {
  size_differs: "It did not arrive whole.",
  checksum_differs: "It did not arrive as it was.",
  type_differs: "It is not what its name says.",
  image_unreadable: "The image can’t be read.",
  image_too_large: "The image is too large.",
  image_unsupported: "Images of this kind are not taken.",
  infected: "It holds a virus.",
  uncheckable: "It could not be checked.",
  lost: "Its bytes are gone.",
  expired: "It was not uploaded in time.",
  deleted: "It was deleted.",
};

/** Why a file can't be opened; undefined for one that can. */
export function hindranceOf({ status, refusal }: FileOf) {
  if (status === "ready") return undefined;
  if (status === "refused") return refusal === undefined ? "It was refused." : REFUSALS[refusal];
  return status === "checking" ? "Is being checked …" : "Is being uploaded …";
}
