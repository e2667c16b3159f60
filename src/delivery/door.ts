/** Who may watch: declared here, fulfilled by the server, which has somebody to ask. */
import type { IncomingMessage } from "node:http";
import type { PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";

export interface Door {
	/**
	 * Asks for leave to watch a stream.
	 * @throws PenstockError where there is none
	 */
	enter(request: IncomingMessage, app: Name, stream: Name): Promise<Pass>;
}

/** Of one viewer. */
export interface Pass {
	/** It watches. @param expel called where its right ends before it leaves */
	hold(expel: (error: PenstockError) => void): void;
	/** While it watches, it was switched. @param because the cause, a word */
	switched(from: Name, to: Name, because: string): void;
	/** It does not watch (any more). Idempotent. */
	leave(): void;
}
