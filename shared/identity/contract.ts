import { z } from "zod";
import { isVisible, MetadataChange, MetadataView, Time } from "../platform/contract.ts";

/**
 * All shapes of identity that travel, in one file: they are made of each other, clients and the page import
 * them from one place, and a contract may import nothing of its own folder that is none.
 */

export const ROLES = ["owner", "admin", "member", "viewer", "service"] as const;
export const Role = z.enum(ROLES);
export type Role = z.infer<typeof Role>;

export const RevocationScope = z.enum(["token", "session", "user", "app", "all"]);
export type RevocationScope = z.infer<typeof RevocationScope>;

/** An app's id stands in paths, subdomains and resource names, so it is short, lower-case and plain. */
export const APP_ID_CHARS_MAX = 40;
export const AppId = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/);
/** Drawn ids of ours: sessions, challenges, API tokens. */
export const DrawnId = z.string().regex(/^[a-z0-9]{26}$/);
/** Firestore keeps ids such as `__x__` to itself. */
export const UserId = z.string().regex(/^(?!__.*__$)[A-Za-z0-9_-]{1,64}$/);

export const NAME_CHARS_MAX = 100;
/** The longest address that SMTP can carry (RFC 5321, 4.5.3.1.3). */
export const EMAIL_CHARS_MAX = 254;
export const CODE_DIGITS = 6;

/** Embeddings, overrides and isolates: with them a name runs into what stands beside it. */
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/u;

/**
 * One line of text as people name things: something to be seen, and nothing that turns what stands beside it.
 */
export const Line = (charsMax: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(charsMax)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), "must not contain control characters")
    .refine(isVisible, "must have something to be seen")
    .refine((text) => !DIRECTIONS.test(text), "must not contain characters that turn the direction of text");

/** What may be an address; shared/identity/address.ts says which ones are, and brings them to one form. */
export const Email = z
  .string()
  .trim()
  .max(EMAIL_CHARS_MAX)
  .regex(/^\S+[@\uff20\ufe6b]\S+$/, "must be an e-mail address");

/** Long enough for any way of typing or pasting a code. */
const TYPED_CODE_CHARS_MAX = 60;
/** As it was typed: spaces, dashes and the digits of any script (shared/identity/typed-code.ts). */
const TypedCode = z
  .string()
  .max(TYPED_CODE_CHARS_MAX)
  .regex(/^[\s\p{Pd}\p{Cf}\u2212]*(?:\p{Nd}[\s\p{Pd}\p{Cf}\u2212]*){6}$/u, "must be six digits");

/**
 * Tells that somebody has signed in with this address from this device before. It opens nothing by itself: a
 * lockout that strangers have caused does not hold for it.
 */
const DeviceToken = z.string().max(200);

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

const InvitationCode = z.string().min(1).max(100);
/** The code of an invitation lets in whom the app would not. */
export const NewCode = z.strictObject({
  email: Email,
  deviceToken: DeviceToken.optional(),
  invitation: InvitationCode.optional(),
});
export const CodeSent = z.object({ challenge: z.string(), expiresAt: z.string() });

/** Where the refresh token travels: in bodies, or in a cookie that scripts can't read. */
const Transport = z.enum(["body", "cookie"]);

export const NewSession = z.strictObject({
  challenge: DrawnId,
  code: TypedCode,
  transport: Transport.optional(),
});
const ID_TOKEN_CHARS_MAX = 8_000;
export const Exchange = z.strictObject({
  idToken: z.string().min(1).max(ID_TOKEN_CHARS_MAX),
  invitation: InvitationCode.optional(),
  transport: Transport.optional(),
});
/** Without a refresh token the cookie is meant. */
export const Refresh = z.strictObject({ refreshToken: z.string().min(1).max(200).optional() });

export const NewGuest = z.strictObject({
  name: Line(NAME_CHARS_MAX).default("Guest"),
  transport: Transport.optional(),
});

/** What a page has to know before anybody has signed in. */
export const SignInOptions = z.object({
  mode: z.enum(["open", "invited", "domains"]),
  guests: z.boolean(),
});
export type SignInOptions = z.infer<typeof SignInOptions>;

export const INVITATION_USES_MAX = 100;
export const NewInvitation = z
  .strictObject({
    /** Whom it is for, and who is mailed; absent: whoever has the link. */
    email: Email.optional(),
    role: z.enum(["owner", "admin", "member", "viewer"]).default("member"),
    expiresAt: Time.optional(),
    /** How many people may use the link. */
    uses: z.number().int().min(1).max(INVITATION_USES_MAX).default(1),
  })
  .refine(({ email, uses }) => email === undefined || uses === 1, {
    path: ["uses"],
    message: "must be 1 for an invitation to one address",
  });
export type NewInvitation = z.infer<typeof NewInvitation>;
export const Invitation = z.object({
  id: z.string(),
  email: z.string().optional(),
  role: Role,
  usesLeft: z.number(),
  createdBy: z.string(),
  createdAt: z.string(),
  expiresAt: z.string(),
});
export type Invitation = z.infer<typeof Invitation>;
/** The code and the link with it are shown this once. */
export const InvitationCreated = Invitation.extend({ code: z.string(), url: z.string() });
export type InvitationCreated = z.infer<typeof InvitationCreated>;

export const EXTERNAL_ID_CHARS_MAX = 200;
/** Somebody whom an app's own server knows. */
export const NewUser = z
  .strictObject({
    externalId: Line(EXTERNAL_ID_CHARS_MAX),
    email: Email,
    name: Line(NAME_CHARS_MAX),
    role: z.enum(["owner", "admin", "member", "viewer"]),
  })
  .partial()
  .refine(({ externalId, email }) => externalId !== undefined || email !== undefined, {
    path: ["externalId"],
    message: "or email is required",
  });
export type NewUser = z.infer<typeof NewUser>;

export const UserChange = z
  .strictObject({ role: z.enum(["owner", "admin", "member", "viewer"]), metadata: MetadataChange })
  .partial()
  .refine((change) => Object.keys(change).length > 0, "must change something");

export const Factor = z.object({
  enabled: z.boolean(),
  recoveryCodesLeft: z.number(),
  createdAt: z.string().optional(),
});
export type Factor = z.infer<typeof Factor>;
/** In base 32, and as an address that authenticator apps read from a QR code. */
export const FactorBegun = z.object({ secret: z.string(), uri: z.string() });
export type FactorBegun = z.infer<typeof FactorBegun>;
/** A sign-in code that has just been mailed to the person: an access token alone makes no second factor. */
export const NewFactor = z.strictObject({ challenge: DrawnId, code: TypedCode });
export const FactorConfirmation = z.strictObject({ code: TypedCode });
/** Shown this once. */
export const FactorOn = z.object({ enabled: z.literal(true), recoveryCodes: z.array(z.string()) });
export type FactorOn = z.infer<typeof FactorOn>;
/** Of the authenticator app, or a recovery code. */
export const FactorCode = z.strictObject({ code: z.string().trim().min(6).max(TYPED_CODE_CHARS_MAX) });

const TimeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, "must be a time of day such as 22:30");
/** From one time of day to the next, in the person's time zone: nothing is pushed or mailed then. */
export const QuietHours = z
  .strictObject({ from: TimeOfDay, to: TimeOfDay })
  .refine(({ from, to }) => from !== to, "must not end when they begin");
export type QuietHours = z.infer<typeof QuietHours>;

export const User = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string().optional(),
  avatarUrl: z.string(),
  role: Role,
  language: z.string(),
  timeZone: z.string(),
  /** Shown to the person alone; null for none. */
  quietHours: z.object({ from: z.string(), to: z.string() }).nullable().optional(),
  createdAt: z.string(),
  lastSeenAt: z.string().optional(),
  /** Shown to administrators; absent: they may come and go. */
  status: z.enum(["disabled", "removed"]).optional(),
  /** Shown to administrators: what the app's own server calls them. */
  externalId: z.string().optional(),
  /** When a moderator warned them last; shown to the person and to administrators. */
  warnedAt: z.string().optional(),
  /**
   * What the person and the app's own code have noted; absent where there is nothing. It is as open as the
   * name: whoever sees the person reads it, and the person changes it.
   */
  metadata: MetadataView.optional(),
});
export type User = z.infer<typeof User>;

export const Session = z.object({
  accessToken: z.string(),
  tokenType: z.literal("Bearer"),
  expiresIn: z.number(),
  refreshToken: z.string().optional(),
  /** With the cookie: to be sent back as X-CSRF-Token. */
  csrfToken: z.string().optional(),
  /**
   * At sign-in, to be kept on the device and sent with the next request for a code, also after a sign-out.
   */
  deviceToken: z.string().optional(),
  sessionId: z.string(),
  user: User,
});
export type Session = z.infer<typeof Session>;

export const OpenSession = z.object({
  id: z.string(),
  /** As a person recognises it, such as "Firefox on Windows". */
  device: z.string(),
  /** The network it was begun from, without the last part of the address. */
  ip: z.string().optional(),
  createdAt: z.string(),
  lastUsedAt: z.string(),
  current: z.boolean(),
});
export type OpenSession = z.infer<typeof OpenSession>;

export const MeChange = z
  .strictObject({
    name: Line(NAME_CHARS_MAX),
    avatarUrl: z
      .url({ protocol: /^https$/ })
      .max(2000)
      .nullable(),
    language: Language,
    timeZone: TimeZone,
    quietHours: QuietHours.nullable(),
    metadata: MetadataChange,
  })
  .partial();

export const NewApp = z.strictObject({ name: Line(NAME_CHARS_MAX), id: AppId.optional() });

/** Above this a limit protects nothing any more. */
export const LIMIT_MAX = 100_000;
/** Requests in any 60 seconds; null is no limit, and only the operator may say so. */
const Limit = z.number().int().min(1).max(LIMIT_MAX).nullable();
const ORIGINS_MAX = 50;
const RETENTION_DAYS_MAX = 3650;

const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Over http only pages of one's own machine: any network on the way could put words into others. */
const isOrigin = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { origin, protocol, hostname } = new URL(text);
  return origin === text && (protocol === "https:" || (protocol === "http:" && LOOPBACK.has(hostname)));
};
export const Origin = z
  .string()
  .max(300)
  .refine((text) => !text.includes("*"), "must be named one by one: a * would let in pages that nobody knows")
  .refine(isOrigin, "must be https://host or https://host:port; http:// is for localhost only");

const Limits = z.strictObject({
  personPerMinute: Limit,
  tokenPerMinute: Limit,
  ipPerMinute: Limit,
  /** Of all people and API tokens of the app together. */
  appPerMinute: Limit,
  /** Requests to sign in, of one IP address. */
  signInPerMinute: Limit,
  /** Requests for codes to one address, of one IP address or known device. */
  codesPerMinute: Limit,
  /** Mails with codes to one address; what is above is not sent, and the reply does not tell. */
  codesPerDay: Limit,
  /**
   * Streams that one person, or one API token, may have open, over all instances. Answers that stream to who
   * asks for them are counted beside these, at each instance.
   */
  streamsPerPerson: Limit,
  /** Streams that all of the app may have open, counted in the same way. */
  streamsPerApp: Limit,
  /** In place of personPerMinute, for people of a role. */
  roles: z.partialRecord(z.enum(["owner", "admin", "member", "viewer"]), Limit),
});
const RetentionDays = z.number().int().min(1).max(RETENTION_DAYS_MAX).nullable();
const Retention = z.strictObject({
  chatsDays: RetentionDays,
  temporaryDays: RetentionDays,
  filesDays: RetentionDays,
});
const ClaimName = z.string().regex(/^[A-Za-z0-9_.:/-]{1,200}$/);
const PROVIDERS_MAX = 50;
/** Values of the claim that holds the role. */
const CLAIM_ROLES_MAX = 100;
const Claims = z.strictObject({
  email: ClaimName,
  name: ClaimName,
  /** The claim that holds the role; null: whoever comes is a member. */
  role: ClaimName.nullable(),
  /** Which role a value of that claim stands for; other values stand for `member`. */
  roles: z
    .record(z.string().max(200), z.enum(["admin", "member", "viewer"]))
    .refine(
      (roles) => Object.keys(roles).length <= CLAIM_ROLES_MAX,
      `must name at most ${CLAIM_ROLES_MAX} values`,
    ),
  /** Only tokens of this tenant of Identity Platform; null: of the project itself and of any tenant. */
  tenant: z.string().min(1).max(100).nullable(),
  /**
   * Beside `email`, of which the provider says itself whether it is verified: a claim whose addresses it
   * vouches for too. An account is found by its address, so only an owner may say so.
   */
  vouched: ClaimName.nullable(),
  /** Ways to sign in there (`google.com`, `saml.acme`, `password` …) that are accepted; null: all. */
  providers: z.array(z.string().min(1).max(100)).max(PROVIDERS_MAX).nullable(),
});

const ModelName = z.string().min(1).max(200);
/** Models that an answer may be asked of, one after the other. */
export const LANE_MODELS_MAX = 5;
export const SYSTEM_PROMPT_CHARS_MAX = 8_000;
const PRICES_MAX = 100;
/** A thousand units of the currency for a million tokens, or a day: more is a slip of the pen. */
const MICROS_MAX = 1_000_000_000;
const Models = z.array(ModelName).max(100);
/** In millionths of the app's currency, for a million tokens. */
const Price = z.strictObject({
  inputMicros: z.number().int().min(0).max(MICROS_MAX),
  outputMicros: z.number().int().min(0).max(MICROS_MAX),
  /** Of input that the provider has in its cache; as other input when absent. */
  cachedMicros: z.number().int().min(0).max(MICROS_MAX).optional(),
});
export type Price = z.infer<typeof Price>;
const LaneModels = z.array(ModelName).max(LANE_MODELS_MAX);
/** In millionths of the app's currency; null is no limit. */
const Budget = z
  .number()
  .int()
  .min(0)
  .max(1000 * MICROS_MAX)
  .nullable();

const Assistant = z.strictObject({
  /** What models are told before every conversation. */
  systemPrompt: z.string().min(1).max(SYSTEM_PROMPT_CHARS_MAX).nullable(),
  /** The models of each lane in the order in which they are asked; none: the deployment's. */
  fast: LaneModels,
  slow: LaneModels,
  prices: z
    .record(ModelName, Price)
    .refine((prices) => Object.keys(prices).length <= PRICES_MAX, `must have at most ${PRICES_MAX} models`),
  /** What may be spent on a day (UTC), by everyone together and by each person. */
  budgets: z.strictObject({ appPerDay: Budget, personPerDay: Budget }),
  /** Whose earlier answer to the very same question may stand in while no model answers. */
  cache: z.enum(["off", "person", "app"]),
});

/** Whether pushes say who wrote what; without, only that something was written. */
const Notifications = z.strictObject({
  /** Whether pushes say what was written. */
  text: z.boolean(),
  /** Whether what mentions somebody is pushed to them although they have muted the chat. */
  mentions: z.boolean(),
});

/** No app may take larger files. */
export const APP_FILE_BYTES_MAX = 500 * 1024 * 1024;
const SecondFactor = z.enum(["optional", "required"]);

const DOMAINS_MAX = 100;
const isDomain = (text: string): boolean =>
  /^[^\s@/:?#*[\]\\]+\.[^\s@/:?#*[\]\\]+$/.test(text) && URL.canParse(`https://${text}`);
const Registration = z.strictObject({
  /** Who may become a user: whoever has an address, the invited, or also those of listed mail domains. */
  mode: z.enum(["open", "invited", "domains"]),
  /** Exactly these, without those below them. */
  domains: z
    .array(z.string().max(253).refine(isDomain, "must be a domain such as example.com"))
    .max(DOMAINS_MAX),
  /** Whether people may come without an address. */
  guests: z.boolean(),
});
export type Registration = z.infer<typeof Registration>;

/** A hook that is slower is given up; whoever writes waits for it. */
export const HOOK_MS_MAX = 5_000;
const HOOK_MS_MIN = 100;
const HOOK_URL_CHARS_MAX = 2_000;
const Moderation = z.strictObject({
  /** The app's own judge of messages, asked by signed requests (docs/moderation.md); null: none. */
  url: z.url().max(HOOK_URL_CHARS_MAX).nullable(),
  /** Whether a message waits for what the hook says, or is judged in the background once it stands. */
  mode: z.enum(["before", "after"]),
  /** How long one answer of the hook may take. */
  timeoutMs: z.number().int().min(HOOK_MS_MIN).max(HOOK_MS_MAX),
  /** When the hook does not answer: let the message stand, or hide it until a moderator has decided. */
  onFailure: z.enum(["allow", "hold"]),
});
export type Moderation = z.infer<typeof Moderation>;

/** So much may an app let through in a day: more is for whoever pays to say. */
const FILES_PER_DAY_MAX = 1_000_000;
const BYTES_PER_DAY_MAX = 100 * 1024 ** 4;
const BytesPerDay = z.number().int().min(1).max(BYTES_PER_DAY_MAX);
const FilesPerDay = z.number().int().min(1).max(FILES_PER_DAY_MAX);
const Files = z.strictObject({
  /** Of one file. */
  bytesMax: z.number().int().min(1).max(APP_FILE_BYTES_MAX),
  /** What one person may begin to upload on a day (UTC). */
  personBytesPerDay: BytesPerDay,
  personFilesPerDay: FilesPerDay,
  /** What everybody together may. */
  appBytesPerDay: BytesPerDay,
  appFilesPerDay: FilesPerDay,
});

/** Whom people see in the list of users, apart from administrators. */
const Directory = z.enum(["everyone", "shared-chats", "admins"]);
/** Who may open a direct chat with somebody, apart from administrators. */
const Contact = z.enum(["anyone", "shared-chats", "nobody"]);
export type Contact = z.infer<typeof Contact>;
export const HISTORY_DAYS_MAX = 3_650;
/** What somebody who is added to a group sees of what was written before: all, nothing, the last days. */
const History = z.union([
  z.enum(["all", "none"]),
  z.strictObject({ days: z.number().int().min(1).max(HISTORY_DAYS_MAX) }),
]);
export type History = z.infer<typeof History>;

export const AppSettings = z.strictObject({
  limits: Limits,
  /** Web pages of these origins may call the API from a browser. */
  allowedOrigins: z.array(Origin).max(ORIGINS_MAX),
  retention: Retention,
  /** How the claims of an exchanged identity token become a profile. */
  claims: Claims,
  /** Those that a chat may name; none: any. */
  models: Models,
  assistant: Assistant,
  /** Whether people without a second factor may do what is sensitive. */
  secondFactor: SecondFactor,
  notifications: Notifications,
  registration: Registration,
  directory: Directory,
  contact: Contact,
  history: History,
  moderation: Moderation,
  files: Files,
});
export type AppSettings = z.infer<typeof AppSettings>;

/** The settings that the reader may see. */
const ShownSettings = AppSettings.extend({
  limits: Limits.partial(),
  registration: Registration.partial(),
}).partial();
export type ShownSettings = z.infer<typeof ShownSettings>;
/** Nobody needs more, and whoever asks for them in somebody else's name can send no more. */
export const CODES_PER_DAY = 20;

export const DEFAULT_SETTINGS: AppSettings = {
  limits: {
    personPerMinute: 100,
    tokenPerMinute: 1000,
    ipPerMinute: 300,
    appPerMinute: 30_000,
    signInPerMinute: 60,
    codesPerMinute: 10,
    codesPerDay: CODES_PER_DAY,
    streamsPerPerson: 20,
    streamsPerApp: 2_000,
    roles: {},
  },
  allowedOrigins: [],
  retention: { chatsDays: null, temporaryDays: 30, filesDays: null },
  claims: {
    email: "email",
    name: "name",
    role: null,
    roles: {},
    tenant: null,
    vouched: null,
    providers: null,
  },
  models: [],
  assistant: {
    systemPrompt: null,
    fast: [],
    slow: [],
    prices: {},
    budgets: { appPerDay: null, personPerDay: null },
    cache: "person",
  },
  secondFactor: "optional",
  notifications: { text: true, mentions: true },
  registration: { mode: "open", domains: [], guests: false },
  directory: "everyone",
  contact: "anyone",
  history: "all",
  moderation: { url: null, mode: "after", timeoutMs: 2_000, onFailure: "allow" },
  files: {
    bytesMax: 100 * 1024 * 1024,
    personBytesPerDay: 2 * 1024 ** 3,
    personFilesPerDay: 500,
    appBytesPerDay: 200 * 1024 ** 3,
    appFilesPerDay: 50_000,
  },
};

/** Objects are merged with what is there, field by field; lists replace. */
export const AppChange = z
  .strictObject({
    name: Line(NAME_CHARS_MAX),
    settings: z
      .strictObject({
        limits: Limits.partial(),
        allowedOrigins: AppSettings.shape.allowedOrigins,
        retention: Retention.partial(),
        claims: Claims.partial(),
        models: Models,
        assistant: Assistant.partial(),
        secondFactor: SecondFactor,
        notifications: Notifications.partial(),
        registration: Registration.partial(),
        directory: Directory,
        contact: Contact,
        history: History,
        moderation: Moderation.partial(),
        files: Files.partial(),
      })
      .partial(),
  })
  .partial();

/** What an instance believes of an app whose document was written before a setting existed. */
export type StoredSettings = { readonly [Name in keyof AppSettings]?: Stored<AppSettings[Name]> };
type Stored<T> = T extends readonly unknown[] | string ? T : Partial<T>;

export const App = z.object({
  id: z.string(),
  name: z.string(),
  logoUrl: z.string().optional(),
  /** For those who may change the app. */
  chatsCount: z.number().optional(),
  /** Clients get what they need; prompts, prices and budgets those who may change them; claims owners. */
  settings: ShownSettings,
  createdAt: z.string(),
});
export type App = z.infer<typeof App>;

export const AppCreated = z.object({ app: App, token: z.string() });

/** A week: longer than any change of a receiver takes. */
export const SECRET_OVERLAP_SECONDS_MAX = 7 * 24 * 3600;
export const NewHookSecret = z.strictObject({
  /** For how long requests are signed with the secret before as well. */
  overlapSeconds: z
    .number()
    .int()
    .min(0)
    .max(SECRET_OVERLAP_SECONDS_MAX)
    .default(24 * 3600),
});
/** The secret is shown this once. */
export const HookSecretCreated = z.object({
  secret: z.string(),
  createdAt: z.string(),
  /** Until when the secret before signs too; null: there was none. */
  previousUntil: z.string().nullable(),
});
export type HookSecretCreated = z.infer<typeof HookSecretCreated>;

export const SCOPES_MAX = 50;
const Scope = z.string().regex(/^(?:\*|[a-z]{1,20}:[a-z-]{1,30})$/, "must be the name of a permission, or *");
export const NewApiToken = z.strictObject({
  name: Line(NAME_CHARS_MAX).default("API token"),
  /** Names of permissions, or `*`: all that the maker holds at each use. Default: those of `service`. */
  scopes: z.array(Scope).min(1).max(SCOPES_MAX).optional(),
  expiresAt: Time.optional(),
});
export type NewApiToken = z.infer<typeof NewApiToken>;
export const ApiToken = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  createdBy: z.string(),
  createdAt: z.string(),
  /** To the hour; null: never. */
  lastUsedAt: z.string().nullable(),
  expiresAt: z.string().optional(),
});
export type ApiToken = z.infer<typeof ApiToken>;
/** The token is shown this once. */
export const ApiTokenCreated = ApiToken.extend({ token: z.string() });
export type ApiTokenCreated = z.infer<typeof ApiTokenCreated>;

/** A day: longer than any access token of the old keys lives. */
export const GRACE_SECONDS_MAX = 24 * 3600;
export const NewRotation = z.strictObject({
  graceSeconds: z.number().int().min(0).max(GRACE_SECONDS_MAX).default(0),
});
export const Rotation = z.object({
  kid: z.string(),
  createdAt: z.string(),
  graceSeconds: z.number(),
  /** Until when the keys before are honoured. */
  notAfter: z.string(),
  retired: z.array(z.string()),
});
export type Rotation = z.infer<typeof Rotation>;

export const NewRevocation = z
  .strictObject({
    scope: RevocationScope,
    id: z
      .string()
      .regex(/^(?!__.*__$)[A-Za-z0-9_-]{1,64}$/)
      .optional(),
    issuedBefore: Time.optional(),
  })
  .refine(({ scope, id }) => (scope === "all") === (id === undefined), {
    path: ["id"],
    message: "must name the token, session, user or app, and be absent for all",
  });
export const Revoked = z.object({
  scope: RevocationScope,
  id: z.string().optional(),
  issuedBefore: z.string(),
  expiresAt: z.string(),
});
export type Revoked = z.infer<typeof Revoked>;

/** What can happen to an app's accounts, and is recorded. */
export const SECURITY_EVENT_KINDS = [
  "signed-in",
  "sign-in-failed",
  "address-locked",
  "refresh-token-reused",
  "signed-out",
  "signed-out-everywhere",
  "role-changed",
  "report-created",
  "report-read",
  "report-decided",
  "message-judged",
  "hook-secret-created",
  "user-created",
  "session-created",
  "acted-for",
  "read-as-outsider",
  "user-disabled",
  "user-enabled",
  "user-removed",
  "invitation-created",
  "invitation-used",
  "invitation-deleted",
  "app-created",
  "app-changed",
  "app-deleted",
  "export-begun",
  "api-token-created",
  "api-token-deleted",
  "factor-added",
  "factor-removed",
  "factor-proved",
  "factor-failed",
  "identity-linked",
  "identity-unlinked",
  "recovery-code-used",
  "keys-rotated",
  "tokens-revoked",
] as const;
export const SecurityEventKind = z.enum(SECURITY_EVENT_KINDS);
export type SecurityEventKind = z.infer<typeof SecurityEventKind>;
export const SecurityEvent = z.object({
  id: z.string(),
  kind: SecurityEventKind,
  at: z.string(),
  /** Who did it: a user's id, `token_…`, `operator`; null when that was not proved. */
  actor: z.string().nullable(),
  /** Whom or what it was done to. */
  subject: z.string().nullable(),
  /** The network the caller came from, without the last part of the address. */
  network: z.string().nullable(),
  userAgent: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
export type SecurityEvent = z.infer<typeof SecurityEvent>;
