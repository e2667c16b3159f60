/**
 * What passes between Penstock and an HTTP hook, in the form that SRS has made usual: a JSON object by POST, and `0`,
 * `{"code": 0}` or nothing at all as yes.
 */
import type { AccessRequest } from "../wire/access.ts";
import type { HookAction } from "./settings.ts";
import { isRecord, parseStrictJson } from "./strict-json.ts";

/** Of `on_switch`. */
export interface SwitchTold {
	readonly from: string;
	readonly to: string;
	readonly because: string;
}

export interface HookEvent {
	readonly action: HookAction;
	readonly request: AccessRequest;
	/** The same for all that concerns one session. */
	readonly clientId: string;
	/** The session goes on, and it is asked whether it may. */
	readonly recheck?: boolean;
	readonly switched?: SwitchTold;
}

export interface HookIdentity {
	readonly serverId: string;
	readonly vhost: string;
}

export function hookBody({ action, request, clientId, recheck, switched }: HookEvent, identity: HookIdentity): string {
	const { app, stream, address, protocol, credentials } = request;
	const query = credentials.query?.toString() ?? "";
	return JSON.stringify({
		server_id: identity.serverId,
		action,
		client_id: clientId,
		ip: address,
		vhost: identity.vhost,
		app,
		stream,
		param: query === "" ? "" : `?${query}`,
		tcUrl: `${protocol}://${identity.vhost}/${app}`,
		pageUrl: "",
		stream_url: `/${app}/${stream}`,
		protocol,
		...(credentials.bearer !== undefined && { token: credentials.bearer }),
		...(credentials.user !== undefined && { user: credentials.user, password: credentials.password ?? "" }),
		...(recheck === true && { recheck }),
		...switched,
	});
}

export type HookWord =
	| { readonly kind: "yes" }
	| { readonly kind: "no"; readonly why: string }
	/** Nobody knows: it could not be asked, or has failed itself. */
	| { readonly kind: "away"; readonly why: string };

/** What a whole answer means. */
export function hookWord(status: number, body: Buffer): HookWord {
	if (status < 200 || status >= 500) return { kind: "away", why: `the hook's answer has the status ${status}` };
	if (status >= 400) return { kind: "no", why: `the hook's answer has the status ${status}` };
	if (status >= 300) return { kind: "away", why: `the hook redirects (${status}), which is not followed` };
	if (body.length === 0) return { kind: "yes" };
	const text = body.toString("utf8").trim();
	const json = parseStrictJson(text);
	const value = json.kind === "parsed" ? json.value : undefined;
	const code = isRecord(value) ? value["code"] : value;
	if (text === "" || code === 0) return { kind: "yes" };
	return {
		kind: "no",
		why: typeof code === "number" ? `the hook said ${code}` : "the hook's answer is neither 0 nor empty",
	};
}
