/** One of the ways in which a person signs in. */
export interface ProviderLink {
  readonly providerId: string;
  /** The provider's id of the person: the e-mail for "password", the number for "phone". */
  readonly rawId: string;
  readonly federatedId?: string;
  readonly email?: string;
  readonly phoneNumber?: string;
  readonly displayName?: string;
  readonly photoUrl?: string;
  readonly screenName?: string;
}

export interface MfaEnrollment {
  readonly mfaEnrollmentId: string;
  readonly displayName?: string;
  readonly phoneInfo?: string;
  readonly totpInfo?: Readonly<Record<string, never>>;
  readonly enrolledAt: string;
}

/** How a password is kept: the service's own way, or as it was imported. */
export interface PasswordSecret {
  readonly hash: string;
  readonly salt: string;
  readonly scheme: PasswordScheme;
}

export interface PasswordScheme {
  readonly algorithm: string;
  readonly signerKey?: string;
  /** Firebase's scrypt: stands between the salt and the password. */
  readonly saltSeparator?: string;
  readonly rounds?: number;
  readonly cpuMemCost?: number;
  readonly parallelization?: number;
  readonly blockSize?: number;
  readonly dkLen?: number;
  readonly passwordHashOrder?: string;
}

/** Times in milliseconds, but for `validSince`, which the service keeps in seconds. */
export interface Account {
  readonly localId: string;
  readonly tenantId?: string;
  readonly email?: string;
  readonly emailVerified: boolean;
  readonly initialEmail?: string;
  readonly displayName?: string;
  readonly photoUrl?: string;
  readonly screenName?: string;
  readonly phoneNumber?: string;
  readonly disabled: boolean;
  readonly customAttributes?: string;
  readonly customAuth?: boolean;
  /** Whether the person signs in by a link in a mail, without a password. */
  readonly emailLinkSignin?: boolean;
  readonly password?: PasswordSecret;
  readonly passwordUpdatedAt?: number;
  /** Tokens of sign-ins before this second are invalid. */
  readonly validSince: number;
  readonly createdAt: number;
  readonly lastLoginAt?: number;
  readonly lastRefreshAt?: number;
  readonly links: readonly ProviderLink[];
  readonly mfa: readonly MfaEnrollment[];
}

/**
 * The federated providers of the account, and those that follow from its own fields ("password", "phone").
 */
export function providersOf(account: Account): ProviderLink[] {
  const { email, phoneNumber, password, displayName, photoUrl, emailLinkSignin } = account;
  const profile = {
    ...(displayName === undefined ? {} : { displayName }),
    ...(photoUrl === undefined ? {} : { photoUrl }),
  };
  return [
    ...(email !== undefined && (password !== undefined || emailLinkSignin)
      ? [{ providerId: "password", rawId: email, federatedId: email, email, ...profile }]
      : []),
    ...(phoneNumber === undefined ? [] : [{ providerId: "phone", rawId: phoneNumber, phoneNumber }]),
    ...account.links,
  ];
}

/** The account as the API shows it; secrets only to admins. */
export function accountView(account: Account, admin: boolean): Record<string, unknown> {
  const {
    password,
    links: _links,
    mfa,
    createdAt,
    lastLoginAt,
    lastRefreshAt,
    validSince,
    emailLinkSignin,
    ...plain
  } = account;
  return {
    ...plain,
    validSince: String(validSince),
    createdAt: String(createdAt),
    ...(lastLoginAt === undefined ? {} : { lastLoginAt: String(lastLoginAt) }),
    ...(lastRefreshAt === undefined ? {} : { lastRefreshAt: new Date(lastRefreshAt).toISOString() }),
    ...(emailLinkSignin ? { emailLinkSignin } : {}),
    providerUserInfo: providersOf(account),
    ...(mfa.length === 0 ? {} : { mfaInfo: mfa.map((factor) => mfaView(factor, admin)) }),
    ...(admin && password !== undefined
      ? { passwordHash: password.hash, salt: password.salt, version: 0 }
      : {}),
  };
}

/** People see only the end of their numbers. */
export function mfaView({ phoneInfo, ...factor }: MfaEnrollment, admin: boolean): Record<string, unknown> {
  if (phoneInfo === undefined) return factor;
  return {
    ...factor,
    phoneInfo: admin ? phoneInfo : `+${"*".repeat(Math.max(phoneInfo.length - 5, 0))}${phoneInfo.slice(-4)}`,
  };
}
