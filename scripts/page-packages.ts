/** What the page shows of packages as it comes from them: where it is served, and the files of it. */
export const PAGE_PACKAGES = [
  {
    path: "/docs/swagger-ui/",
    folder: "node_modules/swagger-ui-dist",
    files: ["swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"],
  },
] as const;

/**
 * Packages that the page's modules import. `npm run build` bundles them; the local hosting serves each as the
 * one module that it is.
 */
export const PAGE_MODULES = [
  {
    specifier: "marked",
    path: "/packages/marked/",
    folder: "node_modules/marked/lib",
    file: "marked.esm.js",
  },
  {
    specifier: "dompurify",
    path: "/packages/dompurify/",
    folder: "node_modules/dompurify/dist",
    file: "purify.es.mjs",
  },
  { specifier: "katex", path: "/packages/katex/", folder: "node_modules/katex/dist", file: "katex.mjs" },
  {
    specifier: "@highlightjs/cdn-assets/es/highlight.min.js",
    path: "/packages/highlight/",
    folder: "node_modules/@highlightjs/cdn-assets/es",
    file: "highlight.min.js",
  },
] as const;
