/** Whether somebody is there, and when they were last. */
export interface Presence {
  readonly online: boolean;
  readonly lastSeenAt: string | null;
}

/** Who is online, as far as anybody has told. */
export interface PresenceBook {
  of(user: string): Presence | undefined;
  take(data: Readonly<Record<string, unknown>>): void;
}

export function createPresenceBook(onChange: () => void): PresenceBook {
  const people = new Map<string, Presence>();
  return {
    of: (user) => people.get(user),
    take(data) {
      const { user, online, lastSeenAt } = data as unknown as { user: string } & Presence;
      const known = people.get(user);
      if (known?.online === online && known.lastSeenAt === lastSeenAt) return;
      people.set(user, { online, lastSeenAt });
      onChange();
    },
  };
}
