/** What a client has to show for one stream, made from the configuration's secrets: a key, a signed URL or a token. */

import { makeJwt } from "../access/jwt.ts";
import type { Secret } from "../access/secret.ts";
import { readSecret, type SecretSource } from "../access/secret-source.ts";
import type { AccessSettings } from "../access/settings.ts";
import { signUrl } from "../access/signed-url.ts";
import { PenstockError } from "../base/errors.ts";
import { type Name, parseName } from "../base/name.ts";
import type { Verb } from "../wire/access.ts";
import type { AccessConfig } from "./config-access.ts";

export type TokenMeans = "key" | "signed" | "jwt";

export interface TokenWish {
	readonly verb: Verb;
	readonly app: Name;
	readonly stream: Name;
	/** Of these, the one by that name. */
	readonly means: TokenMeans;
	/** As the configuration calls it. */
	readonly name: string;
	/** Wall clock, ms. */
	readonly now: number;
	readonly expires: number;
	/** Good for one time; of signed URLs alone. */
	readonly once: boolean;
}

/**
 * @returns what is added to a URL's query
 * @throws PenstockError ACCESS_SECRET, ACCESS_SETTING
 */
export async function makeToken(
	{ settings, secretsFolder: folder }: AccessConfig,
	wish: TokenWish,
	environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
	const { means, name, verb, app, stream, now, expires } = wish;
	const read = async (section: keyof AccessSettings, source: SecretSource): Promise<Secret> =>
		await readSecret(source, `${section}-${name}`, { folder, environment });
	switch (means) {
		case "key": {
			const key = await read("keys", thatOf(settings.keys, "keys", name));
			return `token=${encodeURIComponent(key.reveal())}`;
		}
		case "signed": {
			const kid = parseName(name, "the key");
			const key = await read("urlKeys", thatOf(settings.urlKeys, "urlKeys", name));
			return signUrl({ kid, key, verb, app, stream, expires, ...(wish.once && { once: { now } }) });
		}
		case "jwt": {
			const { algorithm, audience, issuer, key: source } = thatOf(settings.issuers, "issuers", name);
			if (source === undefined) {
				const text = `access.issuers.${name} has a public key alone; its tokens are made by whoever has the private one.`;
				throw new PenstockError("ACCESS_SETTING", text);
			}
			const key = await read("issuers", source);
			const claims = { paths: [`${app}/${stream}`], verbs: [verb], issued: now, expires };
			return `token=${await makeJwt({ algorithm, key, audience, ...(issuer !== undefined && { issuer }), ...claims })}`;
		}
	}
}

function thatOf<One>(map: Readonly<Record<string, One>> | undefined, section: string, name: string): One {
	const one = map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;
	if (one !== undefined) return one;
	const known = Object.keys(map ?? {}).join(", ") || "nothing";
	const text = `there is no ${JSON.stringify(name)} under access.${section}; there is ${known}.`;
	throw new PenstockError("ACCESS_SETTING", text);
}
