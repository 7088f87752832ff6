import { z } from "zod";

export const ROLES = ["owner", "admin", "member", "viewer", "service"] as const;
export const Role = z.enum(ROLES);
export type Role = z.infer<typeof Role>;

/** An app's id stands in paths, subdomains and resource names, so it is short, lower-case and plain. */
export const APP_ID_CHARS_MAX = 40;
export const AppId = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/);
export const UserId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

export const NAME_CHARS_MAX = 100;
/** The longest address that SMTP can carry (RFC 5321, 4.5.3.1.3). */
export const EMAIL_CHARS_MAX = 254;
export const CODE_DIGITS = 6;

/** One line of text as people name things: no control characters, no broken surrogates. */
export const Line = (charsMax: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(charsMax)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), "must not contain control characters");

export const Email = z.string().trim().max(EMAIL_CHARS_MAX).pipe(z.email());

const isLanguage = (tag: string): boolean => {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
};
const isTimeZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
};
export const Language = z.string().max(35).refine(isLanguage, "must be a language tag such as en or pt-BR");
export const TimeZone = z.string().max(64).refine(isTimeZone, "must be a time zone such as Europe/Berlin");

export const NewCode = z.strictObject({ email: Email });
export const CodeSent = z.object({ challenge: z.string(), expiresAt: z.string() });

export const NewSession = z.strictObject({
  challenge: z.string().min(1).max(64),
  code: z.string().regex(/^\d{6}$/, "must be six digits"),
  transport: z.literal("body").optional(),
});
export const Refresh = z.strictObject({ refreshToken: z.string().min(1).max(200) });

export const User = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string().optional(),
  avatarUrl: z.string(),
  role: Role,
  language: z.string(),
  timeZone: z.string(),
  createdAt: z.string(),
  lastSeenAt: z.string().optional(),
});
export type User = z.infer<typeof User>;

export const Session = z.object({
  accessToken: z.string(),
  tokenType: z.literal("Bearer"),
  expiresIn: z.number(),
  refreshToken: z.string().optional(),
  sessionId: z.string(),
  user: User,
});
export type Session = z.infer<typeof Session>;

export const MeChange = z
  .strictObject({
    name: Line(NAME_CHARS_MAX),
    avatarUrl: z
      .url({ protocol: /^https$/ })
      .max(2000)
      .nullable(),
    language: Language,
    timeZone: TimeZone,
  })
  .partial();

export const NewApp = z.strictObject({ name: Line(NAME_CHARS_MAX), id: AppId.optional() });

export const AppSettings = z.object({
  limits: z.object({
    personPerMinute: z.number(),
    tokenPerMinute: z.number(),
    ipPerMinute: z.number(),
  }),
  allowedOrigins: z.array(z.string()),
  retention: z.record(z.string(), z.unknown()),
  claims: z.record(z.string(), z.unknown()),
  models: z.array(z.unknown()),
});
export type AppSettings = z.infer<typeof AppSettings>;

export const DEFAULT_SETTINGS: AppSettings = {
  limits: { personPerMinute: 100, tokenPerMinute: 1000, ipPerMinute: 300 },
  allowedOrigins: [],
  retention: {},
  claims: {},
  models: [],
};

export const App = z.object({
  id: z.string(),
  name: z.string(),
  chatsCount: z.number(),
  settings: AppSettings,
  createdAt: z.string(),
});
export type App = z.infer<typeof App>;

export const AppCreated = z.object({ app: App, token: z.string() });
export const ApiToken = z.object({ id: z.string(), token: z.string(), createdAt: z.string() });
