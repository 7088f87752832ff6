/** The message of anything thrown, for people to read. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
