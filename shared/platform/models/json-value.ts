/**
 * Reading JSON of which nothing is known: each function answers undefined where the value is of another type.
 */
export type JsonObject = Readonly<Record<string, unknown>>;

export function parseJsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const objectOf = (value: unknown): JsonObject | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const stringOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;
