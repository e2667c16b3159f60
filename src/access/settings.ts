/**
 * What the operator says about who may do what, as it stands in the section `access` of a configuration
 * (docs/access.md). Everything that no right names is refused.
 */
import type { Verb } from "../wire/access.ts";
import type { SecretSource } from "./secret-source.ts";

/** By what somebody shows that a right is his. */
export type Means =
	/** Nothing is asked for. */
	| "anyone"
	/** What `on_publish` or `on_play` answers. */
	| "hook"
	| { readonly key: string }
	| { readonly user: string }
	/** By the key that the URL was signed with. */
	| { readonly signed: string }
	/** By the issuer of the token. */
	| { readonly jwt: string };

export interface RightSettings {
	/** `app/stream`, `*` for either. */
	readonly match: string;
	readonly verbs: readonly Verb[];
	/** Any of them will do. */
	readonly by: readonly Means[];
	/** Networks that the right is good for; absent: all. */
	readonly from?: readonly string[];
}

export const JWT_ALGORITHMS = [
	...["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
	...["ES256", "ES384", "ES512", "EdDSA"],
] as const satisfies readonly string[];

/** Who makes tokens. One algorithm, and exactly one of `key`, `publicKeyFile`, `jwksFile` and `jwksUrl`. */
export interface IssuerSettings {
	readonly algorithm: string;
	/** The claim `aud`: what the token is for. */
	readonly audience: string;
	/** The claim `iss`; absent: it is not looked at. */
	readonly issuer?: string;
	/** What issuer and server share, for HS algorithms. */
	readonly key?: SecretSource;
	/** PEM. */
	readonly publicKeyFile?: string;
	readonly jwksFile?: string;
	readonly jwksUrl?: string;
	/** Ids of keys that count; absent: all of the set, or the one key that there is. */
	readonly kids?: readonly string[];
	/** How long a set of keys is used before it is fetched again. */
	readonly cacheMs?: number;
}

export const HOOK_ACTIONS = ["on_publish", "on_unpublish", "on_play", "on_stop", "on_switch"] as const;
export type HookAction = (typeof HOOK_ACTIONS)[number];

export interface HookSettings {
	/** Those of an action are asked in turn, and all must say yes. */
	readonly urls: Readonly<Partial<Record<HookAction, readonly string[]>>>;
	readonly timeoutMs?: number;
	/** How long an answer is good for the same verb, stream, address and credentials. 0: each session is asked about. */
	readonly cacheMs?: number;
	/** What is answered for new sessions while a hook cannot be reached. */
	readonly whenAway?: "refuse" | "grant";
	readonly vhost?: string;
	readonly serverId?: string;
	/** Sent as `Authorization: Bearer …`, so that the hook knows who asks. */
	readonly token?: SecretSource;
	/** Certificates to trust instead of the system's. */
	readonly authoritiesFile?: string;
}

export interface AccessSettings {
	readonly rights: readonly RightSettings[];
	readonly keys?: Readonly<Record<string, SecretSource>>;
	/** Their passwords. */
	readonly users?: Readonly<Record<string, SecretSource>>;
	/** What URLs are signed with. */
	readonly urlKeys?: Readonly<Record<string, SecretSource>>;
	readonly issuers?: Readonly<Record<string, IssuerSettings>>;
	readonly hooks?: HookSettings;
	/** What hooks and sets of keys may be dialled at besides public addresses. */
	readonly networks?: readonly string[];
	/** How wrong clocks may be. */
	readonly leewayMs?: number;
	/** How long a yes is good at most, before it is asked for again: a right that is taken away ends within this time. */
	readonly recheckMs?: number;
}

export const ACCESS_DEFAULTS = {
	leewayMs: 5000,
	recheckMs: 30_000,
	keysCacheMs: 600_000,
	hooks: { timeoutMs: 3000, cacheMs: 10_000, whenAway: "refuse", vhost: "__defaultVhost__", serverId: "penstock" },
} as const;

/** Where nothing is said: who has the key that is made at the first start publishes, and everybody plays. */
export const OPEN_TO_VIEWERS: AccessSettings = {
	rights: [
		{ match: "*/*", verbs: ["publish"], by: [{ key: "publish" }] },
		{ match: "*/*", verbs: ["play"], by: ["anyone"] },
	],
	keys: { publish: {} },
};
