/** What came of looking at something that a client brought to show that a right is his. */
export type Proof =
	| {
			readonly kind: "proven";
			/** Who it is, for the log: never a secret. */
			readonly principal: string;
			/** Wall clock, ms. */
			readonly until?: number;
			/** Takes back what looking at it has used up, where it comes to nothing in the end. */
			readonly undo?: () => void;
	  }
	/** A guess, a damaged one, or one for something else. */
	| { readonly kind: "wrong" }
	| { readonly kind: "expired" }
	| { readonly kind: "replayed" }
	/** It is right, but not for this. */
	| { readonly kind: "unfit"; readonly why: string }
	/** It cannot be judged now. */
	| { readonly kind: "away"; readonly why: string };

const PLAIN = /^[A-Za-z0-9._@:+-]{1,64}$/;

/** A name that somebody else has given, for the log. */
export const shownName = (name: string): string => (PLAIN.test(name) ? name : `(${name.length} characters)`);
