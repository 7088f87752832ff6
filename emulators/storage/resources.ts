/** What is stored of buckets, objects and notifications: the fields of the JSON API's resources. */

export interface AccessEntry {
  readonly entity: string;
  readonly role: string;
}

export interface LifecycleRule {
  readonly action?: { readonly type?: string; readonly storageClass?: string };
  readonly condition?: Readonly<Record<string, unknown>>;
}

export interface CorsRule {
  readonly origin?: readonly string[];
  readonly method?: readonly string[];
  readonly responseHeader?: readonly string[];
  readonly maxAgeSeconds?: number;
}

export interface IamPolicy {
  readonly version?: number;
  readonly bindings: readonly {
    readonly role: string;
    readonly members: readonly string[];
    readonly condition?: unknown;
  }[];
  readonly etag?: string;
}

/** Times are RFC 3339 texts, int64s decimal texts, as on the wire. */
export interface BucketResource {
  readonly timeCreated: string;
  readonly updated: string;
  readonly location: string;
  readonly locationType: string;
  readonly storageClass: string;
  readonly iamConfiguration: {
    readonly publicAccessPrevention: string;
    readonly uniformBucketLevelAccess: { readonly enabled: boolean; readonly lockedTime?: string };
  };
  readonly acl: readonly AccessEntry[];
  readonly defaultObjectAcl: readonly AccessEntry[];
  readonly iamPolicy: IamPolicy;
  readonly softDeletePolicy: { readonly retentionDurationSeconds: string; readonly effectiveTime?: string };
  readonly versioning?: { readonly enabled: boolean };
  readonly labels?: Readonly<Record<string, string>>;
  readonly cors?: readonly CorsRule[];
  readonly lifecycle?: { readonly rule: readonly LifecycleRule[] };
  readonly retentionPolicy?: {
    readonly retentionPeriod: string;
    readonly effectiveTime: string;
    readonly isLocked?: boolean;
  };
  readonly objectRetention?: { readonly mode: string };
  readonly defaultEventBasedHold?: boolean;
  readonly encryption?: { readonly defaultKmsKeyName?: string };
  readonly billing?: { readonly requesterPays?: boolean };
  readonly autoclass?: Readonly<Record<string, unknown>>;
  readonly hierarchicalNamespace?: { readonly enabled: boolean };
  readonly rpo?: string;
  /** website, logging, customPlacementConfig: kept and shown. */
  readonly [field: string]: unknown;
}

export interface ObjectResource {
  readonly timeCreated: string;
  readonly updated: string;
  readonly timeStorageClassUpdated: string;
  readonly storageClass: string;
  readonly crc32c: string;
  /** Absent for composed objects. */
  readonly md5Hash?: string;
  readonly componentCount?: number;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly contentDisposition?: string;
  readonly contentLanguage?: string;
  readonly cacheControl?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly contexts?: { readonly custom?: Readonly<Record<string, ObjectContext>> };
  readonly customTime?: string;
  readonly eventBasedHold?: boolean;
  readonly temporaryHold?: boolean;
  readonly retention?: { readonly mode: string; readonly retainUntilTime: string };
  readonly retentionExpirationTime?: string;
  readonly customerEncryption?: { readonly encryptionAlgorithm: string; readonly keySha256: string };
  readonly kmsKeyName?: string;
  readonly acl: readonly AccessEntry[];
  readonly timeDeleted?: string;
  readonly softDeleteTime?: string;
  readonly hardDeleteTime?: string;
}

export interface ObjectContext {
  readonly value: string;
  readonly createTime: string;
  readonly updateTime: string;
}

export interface NotificationResource {
  readonly id: string;
  readonly topic: string;
  readonly event_types?: readonly string[];
  readonly object_name_prefix?: string;
  readonly custom_attributes?: Readonly<Record<string, string>>;
  readonly payload_format: string;
  readonly etag: string;
}

/** The etag of a version: its numbers as a protocol buffer message, as the service does it. */
export function etagOf(generation: number, metageneration: number): string {
  return Buffer.from([0x08, ...varint(generation), 0x10, ...varint(metageneration)]).toString("base64");
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

/** A project's number: Google's are random, ours follow from the id. */
export function projectNumber(project: string): string {
  let number = 7;
  for (const char of project) number = (number * 31 + (char.codePointAt(0) ?? 0)) % 899_999_999_999;
  return String(100_000_000_000 + number);
}
