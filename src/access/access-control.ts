/** All parts put together from settings: secrets read or made, keys and hooks ready, the gate in front. */
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { type CryptoKey, importSPKI } from "jose";
import type { Clock } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";
import type { AccessGate, AccessRequest } from "../wire/access.ts";
import type { AccessCounts } from "./access-counts.ts";
import { AccessMemory } from "./access-memory.ts";
import { Gate } from "./gate.ts";
import type { FetchParts } from "./guarded-fetch.ts";
import { Hooks } from "./hooks.ts";
import { type Network, parseNetwork } from "./ip-address.ts";
import { JwtIssuer } from "./jwt.ts";
import { Prover } from "./prover.ts";
import { Rights } from "./rights.ts";
import type { Secret } from "./secret.ts";
import { readSecret, type SecretPlaces, type SecretSource } from "./secret-source.ts";
import { ACCESS_DEFAULTS, type AccessSettings, type HookSettings, type IssuerSettings } from "./settings.ts";
import { settingsProblems } from "./settings-check.ts";
import { SignedUrls } from "./signed-url.ts";
import { type Resolver, UrlGuard } from "./url-guard.ts";
import { FetchedKeys, keySetOfFile, keySetOfUrl, oneKey, type VerificationKeys } from "./verification-keys.ts";

export interface AccessParts extends SecretPlaces {
	readonly settings: AccessSettings;
	readonly clock: Clock;
	/** That of the control before this one, where the configuration has changed. */
	readonly memory?: AccessMemory;
	/** What the operator should see: names no secret. */
	readonly onTrouble: (why: string) => void;
	readonly resolve?: Resolver;
}

export interface AccessControl {
	readonly gate: AccessGate;
	readonly hooks: Hooks | undefined;
	readonly counts: AccessCounts;
	readonly memory: AccessMemory;
	/** What Digest is computed with; undefined where there is no such user. */
	digestSecretOf(user: string): Secret | undefined;
	/** What a URL is signed with; undefined where there is no such key. */
	urlKey(kid: string): Secret | undefined;
}

/** Shorter ones could be guessed. In characters. */
const LEAST = { keys: 16, users: 8, urlKeys: 32 } as const;

/** @throws PenstockError ACCESS_SECRET, ACCESS_SETTING */
export async function openAccess(parts: AccessParts): Promise<AccessControl> {
	const { settings, clock, onTrouble } = parts;
	const [problem] = settingsProblems(settings);
	if (problem !== undefined) throw settingFault(problem.path.join("."), problem.text);
	const [keys, users, urlKeys] = await Promise.all(
		(["keys", "users", "urlKeys"] as const).map((section) => readSecrets(section, parts)),
	);
	const memory = parts.memory ?? new AccessMemory(clock);
	const { counts } = memory;
	const { leewayMs = ACCESS_DEFAULTS.leewayMs, recheckMs = ACCESS_DEFAULTS.recheckMs } = settings;
	const issuers = new Map<string, JwtIssuer>();
	for (const [name, issuer] of Object.entries(settings.issuers ?? {})) {
		issuers.set(name, await openIssuer(name, issuer, leewayMs, parts));
	}
	const signedUrls = new SignedUrls({ keys: urlKeys!, leewayMs, used: memory.usedOnce, started: memory.started });
	const prover = new Prover({ keys: keys!, users: users!, signedUrls, issuers, memory, counts, clock });
	const hooks = settings.hooks && (await openHooks(settings.hooks, parts, memory, onTrouble));
	const gate = new Gate({
		...{ rights: new Rights(settings.rights), prover, memory, counts, clock, recheckMs },
		whenHookAway: settings.hooks?.whenAway ?? ACCESS_DEFAULTS.hooks.whenAway,
		...(hooks && { hooks }),
	});
	return {
		...{ gate, hooks, counts, memory },
		digestSecretOf: (user) => users!.get(user),
		urlKey: (kid) => urlKeys!.get(kid),
	};
}

async function readSecrets(section: keyof typeof LEAST, parts: AccessParts): Promise<ReadonlyMap<string, Secret>> {
	const secrets = new Map<string, Secret>();
	for (const [name, source] of Object.entries(parts.settings[section] ?? {})) {
		secrets.set(name, await readStrong(source, section, name, LEAST[section], parts));
	}
	return secrets;
}

async function readStrong(
	source: SecretSource,
	section: string,
	name: string,
	least: number,
	parts: AccessParts,
): Promise<Secret> {
	const secret = await readSecret(source, `${section}-${name}`, parts);
	const { length } = Buffer.from(secret.reveal());
	if (length >= least) return secret;
	const text = `access.${section}.${name} has ${length} bytes but must have at least ${least}; "openssl rand -base64 32" makes a good one.`;
	throw new PenstockError("ACCESS_SECRET", text);
}

async function openIssuer(
	name: string,
	issuer: IssuerSettings,
	leewayMs: number,
	parts: AccessParts,
): Promise<JwtIssuer> {
	const { algorithm, audience } = issuer;
	const keys = await openKeys(name, issuer, parts);
	const claims = { ...(issuer.issuer !== undefined && { issuer: issuer.issuer }) };
	return new JwtIssuer({ name, algorithm, audience, keys, leewayMs, ...claims });
}

async function openKeys(name: string, issuer: IssuerSettings, parts: AccessParts): Promise<VerificationKeys> {
	const { algorithm, kids, key, publicKeyFile, jwksFile, jwksUrl } = issuer;
	if (key !== undefined) {
		// RFC 7518, 3.2: as long as the hash.
		const secret = await readStrong(key, "issuers", name, Number(algorithm.slice(2)) / 8, parts);
		return oneKey(new TextEncoder().encode(secret.reveal()), kids);
	}
	if (publicKeyFile !== undefined) return oneKey(await readPublicKey(publicKeyFile, algorithm, name), kids);
	const fetch = jwksUrl === undefined ? undefined : fetchPartsFor([jwksUrl], parts);
	return new FetchedKeys({
		...{ algorithm, clock: parts.clock, cacheMs: issuer.cacheMs ?? ACCESS_DEFAULTS.keysCacheMs },
		load: () => (fetch === undefined ? keySetOfFile(jwksFile!) : keySetOfUrl(jwksUrl!, fetch)),
		...(kids !== undefined && { kids }),
	});
}

const LEAST_RSA_BITS = 2048;

async function readPublicKey(path: string, algorithm: string, name: string): Promise<CryptoKey> {
	let key: CryptoKey;
	try {
		key = await importSPKI(await readFile(path, "utf8"), algorithm);
	} catch (thrown) {
		throw settingFault(`issuers.${name}.publicKeyFile`, `is no public key for ${algorithm}: ${messageOf(thrown)}`);
	}
	const { modulusLength = LEAST_RSA_BITS } = key.algorithm as { modulusLength?: number };
	if (modulusLength >= LEAST_RSA_BITS) return key;
	const text = `has ${modulusLength} bits but must have at least ${LEAST_RSA_BITS}`;
	throw settingFault(`issuers.${name}.publicKeyFile`, text);
}

async function openHooks(
	settings: HookSettings,
	parts: AccessParts,
	memory: AccessMemory,
	onTrouble: (why: string) => void,
): Promise<Hooks> {
	const { urls, timeoutMs, cacheMs, vhost, serverId } = { ...ACCESS_DEFAULTS.hooks, ...settings };
	const { token, authoritiesFile } = settings;
	const secret = token && (await readStrong(token, "hooks", "token", LEAST.keys, parts));
	const authorities = authoritiesFile === undefined ? {} : { authorities: await readAuthorities(authoritiesFile) };
	const fetch = { ...fetchPartsFor(Object.values(urls).flat(), parts), ...authorities };
	const { clock } = parts;
	const clientIdOf = (request: AccessRequest): string => memory.sessionOf(request).clientId;
	const { hooks: counts } = memory.counts;
	const how = { timeoutMs, cacheMs, identity: { serverId, vhost }, clientIdOf, counts };
	return new Hooks({ urls, fetch, clock, onTrouble, ...how, ...(secret && { token: secret }) });
}

async function readAuthorities(path: string): Promise<string> {
	try {
		return await readFile(path, "utf8");
	} catch (thrown) {
		throw settingFault("hooks.authoritiesFile", `cannot be read: ${messageOf(thrown)}`);
	}
}

const LOOPBACK = ["127.0.0.0/8", "::1"];

/** Only these URLs' hosts, and of addresses that are not public only those that they name, or the setting does. */
function fetchPartsFor(urls: readonly string[], { settings, clock, resolve }: AccessParts): FetchParts {
	const parsed = urls.map((text) => new URL(text));
	const hosts = parsed.map(({ host, port, protocol }) =>
		port === "" ? `${host}:${protocol === "https:" ? 443 : 80}` : host,
	);
	const named = parsed.flatMap(({ hostname }) => {
		if (hostname === "localhost") return LOOPBACK;
		const address = hostname.replace(/^\[(.*)\]$/, "$1");
		return isIP(address) === 0 ? [] : [address];
	});
	const networks = [...(settings.networks ?? []), ...named]
		.map((text) => parseNetwork(text))
		.filter((network): network is Network => network !== undefined);
	const guard = new UrlGuard({ schemes: ["http", "https"], hosts, networks, ...(resolve && { resolve }) });
	return { guard, clock };
}

const settingFault = (where: string, text: string): PenstockError =>
	new PenstockError("ACCESS_SETTING", `access.${where} ${text}.`);
