/**
 * Who may do what, asked through one interface whatever the protocol: RTMP, RTSP and HTTP ask the same gate in the same
 * words. `access/` fulfils it, `server/` hands it in; whoever asks keeps the answer no longer than it says.
 */
import type { PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";

export type Verb = "publish" | "play";

export interface AccessRequest {
	readonly verb: Verb;
	readonly app: Name;
	readonly stream: Name;
	readonly protocol: "rtmp" | "rtsp" | "http";
	readonly address: string;
	/** As the client gave them: `?token=…`, user and password, …; never logged. */
	readonly credentials: {
		readonly query?: URLSearchParams;
		readonly bearer?: string;
		readonly user?: string;
		readonly password?: string;
	};
}

export type AccessAnswer =
	| {
			readonly kind: "granted";
			readonly principal: string;
			/** Wall clock, ms. */
			readonly until?: number;
	  }
	| { readonly kind: "refused"; readonly error: PenstockError };

export interface AccessGate {
	/**
	 * Who holds what was granted asks again when `until` has come, **with the same object** as before: by that object the
	 * gate knows a session that goes on from one that begins (a URL that is good for one time is not used twice then, a
	 * hook is told the same `client_id`, and one that is away ends nobody). A session asks once for each verb.
	 */
	ask(request: AccessRequest): Promise<AccessAnswer>;
}
