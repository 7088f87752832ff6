import type { App } from "../../identity/app.ts";

/** Under it lies what exports under way have written; nothing is there of those that have ended. */
export const EXPORTS = "exports/";

/** Where an export keeps what it writes until the archive is whole. */
export interface ExportObjects {
  readonly prefix: string;
  /** A part of the archive, from 0 on: in the order of their names they are the archive. */
  part(part: number): string;
  /** What is noted of a part, by its content. */
  notes(part: number, hash: string): string;
  /** Parts as one, as the `index`-th of their level. */
  joined(level: number, index: number): string;
}

/** So many digits, so that names are in the order of numbers. */
const padded = (number: number): string => String(number).padStart(9, "0");

export function exportObjects({ id: app }: Pick<App, "id">, job: string): ExportObjects {
  const prefix = `${EXPORTS}${app}/${job}/`;
  return {
    prefix,
    part: (part) => `${prefix}parts/${padded(part)}`,
    notes: (part, hash) => `${prefix}notes/${padded(part)}-${hash}`,
    joined: (level, index) => `${prefix}joined/${level}/${padded(index)}`,
  };
}

/** The export that an object is of; undefined for anything else. */
export function exportOf(object: string): { readonly app: string; readonly job: string } | undefined {
  const [, app, job] = /^exports\/([^/]+)\/([^/]+)\//.exec(object) ?? [];
  return app === undefined || job === undefined ? undefined : { app, job };
}
