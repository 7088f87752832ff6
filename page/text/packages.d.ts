/** The package has no types of its own; this is what the page uses of it. */
declare module "@highlightjs/cdn-assets/es/highlight.min.js" {
  const highlighter: {
    getLanguage(name: string): object | undefined;
    /** Colours what an element says, by its class `language-…`. */
    highlightElement(element: HTMLElement): void;
  };
  export default highlighter;
}
