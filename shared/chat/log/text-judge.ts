import type { DocumentReference } from "../../platform/firestore.ts";
import type { Kind } from "../contract.ts";
import type { Body } from "./body.ts";

/** A text before it is stored. */
export interface NewText {
  /** Names the text: that of its message, or of its edit. The same for the same request. */
  readonly id: string;
  readonly chat: { readonly number: number; readonly kind: Kind };
  readonly sender: string;
  readonly body: Body;
  readonly isEdit: boolean;
}

/** What becomes of a text that is stored. */
export interface JudgedText {
  readonly isHidden: boolean;
  /** What is created in the commit that stores it; `withheld` is what it says, where it is hidden. */
  records(about: {
    readonly message: number;
    readonly withheld: Body | undefined;
  }): readonly { readonly ref: DocumentReference; readonly data: object }[];
}

/** Judges what people write (shared/chat/moderation), where their app has a hook. */
export interface TextJudge {
  /** Before it is stored. Absent: once it stands, in the background. @throws AppError `message_refused` */
  readonly judge?: (text: NewText) => Promise<JudgedText>;
}

export const NOT_JUDGED: JudgedText = { isHidden: false, records: () => [] };
