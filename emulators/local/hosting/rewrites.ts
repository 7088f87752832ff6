import { z } from "zod";

/**
 * The `hosting` part of firebase.json. Strict: what Firebase would do with a further key, this
 * emulator would silently not do.
 */
const Rewrite = z.strictObject({
  source: z.string().startsWith("/"),
  run: z.strictObject({ serviceId: z.string().min(1), region: z.string().optional() }),
});

const HostingConfig = z.object({
  hosting: z.strictObject({
    public: z.string().min(1),
    ignore: z.array(z.string()).optional(),
    rewrites: z.array(Rewrite).default([]),
  }),
});

export interface HostingRules {
  /** The folder of static files, relative to firebase.json. */
  readonly publicFolder: string;
  /** The function that answers for a path; undefined where none does. */
  functionFor(path: string): string | undefined;
}

export function readHostingRules(firebaseJson: unknown): HostingRules {
  const { hosting } = HostingConfig.parse(firebaseJson);
  const rules = hosting.rewrites.map(({ source, run }) => ({ matches: globOf(source), name: run.serviceId }));
  return {
    publicFolder: hosting.public,
    functionFor: (path) => rules.find((rule) => rule.matches.test(path))?.name,
  };
}

/** Firebase's globs: `**` crosses slashes and may be empty, `*` stays within a segment. */
function globOf(source: string): RegExp {
  const pattern = source.replace(/\/\*\*|\*\*|\*|[\\^$.+?()[\]{}|/]/g, (token) => {
    if (token === "/**") return "(?:/.*)?";
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    return `\\${token}`;
  });
  return new RegExp(`^${pattern}$`);
}
