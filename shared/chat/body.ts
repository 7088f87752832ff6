/** What a message says, as opposed to where it stands. */
export interface Body {
  readonly text: string;
  readonly replyTo?: number | undefined;
}

/**
 * The one place where message bodies turn into stored form and back; encrypting them with a person's
 * key is a change of these two functions.
 */
export const encodeBody = (body: Body): object => ({
  text: body.text,
  ...(body.replyTo === undefined ? {} : { replyTo: body.replyTo }),
});

export const decodeBody = (stored: { text: string; replyTo?: number }): Body => stored;
