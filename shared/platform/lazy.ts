/**
 * A value made at first use and then kept. Google's clients take a fifth of a second each to load,
 * so a function loads only those it calls. A failed attempt is forgotten and made again.
 */
export function lazy<T>(make: () => Promise<T>): { get(): Promise<T>; made(): Promise<T> | undefined } {
  let value: Promise<T> | undefined;
  return {
    get() {
      value ??= make().catch((cause: unknown) => {
        value = undefined;
        throw cause;
      });
      return value;
    },
    made: () => value,
  };
}
