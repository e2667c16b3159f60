/** The section `access`: from single values to the settings of the gate, with all that takes several to judge. */
import { resolve } from "node:path";
import { Secret } from "../access/secret.ts";
import type { SecretSource } from "../access/secret-source.ts";
import { type AccessSettings, type HookSettings, type IssuerSettings, OPEN_TO_VIEWERS } from "../access/settings.ts";
import { settingsProblems } from "../access/settings-check.ts";
import type { Findings } from "./config-findings.ts";
import type { ConfigShape } from "./config-schema.ts";
import { pathText } from "./problem.ts";

export interface AccessConfig {
	readonly settings: AccessSettings;
	/** Of secrets that Penstock makes; absolute. */
	readonly secretsFolder: string;
}

type Shape = NonNullable<ConfigShape["access"]>;
type SecretShape = NonNullable<Shape["keys"]>[string];

const SECRETS_FOLDER = "secrets";

/** @returns undefined where nobody publishes and nothing is said: everybody plays then */
export function buildAccess(
	{ access: shape, publish }: ConfigShape,
	folder: string,
	findings: Findings,
): AccessConfig | undefined {
	const secretsFolder = secretsFolderOf({ access: shape }, folder);
	if (shape === undefined) return publish && { settings: OPEN_TO_VIEWERS, secretsFolder };
	const settings = settingsOf(shape, folder);
	for (const { path, text } of settingsProblems(settings)) {
		const at = ["access", ...path];
		findings.problems.push({ code: "CONFIG_VALUE", path: at, at: "value", text: `${pathText(at)} ${text}` });
	}
	return { settings, secretsFolder };
}

/** Where secrets are kept that Penstock has made; absolute. */
export const secretsFolderOf = ({ access }: Pick<ConfigShape, "access">, folder: string): string =>
	resolve(folder, access?.secretsFolder ?? SECRETS_FOLDER);

function settingsOf(shape: Shape, folder: string): AccessSettings {
	const { rights, keys, users, urlKeys, issuers, hooks, networks, leewayMs, recheckMs } = shape;
	const secretsOf = (map: Readonly<Record<string, SecretShape>>): Readonly<Record<string, SecretSource>> =>
		mapped(map, (one) => secretOf(one, folder));
	return {
		rights: rights.map(({ from, ...right }) => ({ ...right, ...(from && { from }) })),
		...(keys && { keys: secretsOf(keys) }),
		...(users && { users: secretsOf(users) }),
		...(urlKeys && { urlKeys: secretsOf(urlKeys) }),
		...(issuers && { issuers: mapped(issuers, (one) => issuerOf(one, folder)) }),
		...(hooks && { hooks: hooksOf(hooks, folder) }),
		...(networks && { networks }),
		...(leewayMs !== undefined && { leewayMs }),
		...(recheckMs !== undefined && { recheckMs }),
	};
}

const mapped = <From, To>(map: Readonly<Record<string, From>>, to: (one: From) => To): Readonly<Record<string, To>> =>
	Object.fromEntries(Object.entries(map).map(([name, one]) => [name, to(one)]));

export const secretOf = ({ value, file, environment }: SecretShape, folder: string): SecretSource => ({
	...(value !== undefined && { value: new Secret(value) }),
	...(file !== undefined && { file: resolve(folder, file) }),
	...(environment !== undefined && { environment }),
});

function issuerOf(shape: NonNullable<Shape["issuers"]>[string], folder: string): IssuerSettings {
	const { algorithm, audience, issuer, key, publicKeyFile, jwksFile, jwksUrl, kids, cacheMs } = shape;
	return {
		...{ algorithm, audience },
		...(issuer !== undefined && { issuer }),
		...(key && { key: secretOf(key, folder) }),
		...(publicKeyFile !== undefined && { publicKeyFile: resolve(folder, publicKeyFile) }),
		...(jwksFile !== undefined && { jwksFile: resolve(folder, jwksFile) }),
		...(jwksUrl !== undefined && { jwksUrl }),
		...(kids && { kids }),
		...(cacheMs !== undefined && { cacheMs }),
	};
}

function hooksOf(shape: NonNullable<Shape["hooks"]>, folder: string): HookSettings {
	const { urls, timeoutMs, cacheMs, whenAway, vhost, serverId, token, authoritiesFile } = shape;
	return {
		urls,
		...(timeoutMs !== undefined && { timeoutMs }),
		...(cacheMs !== undefined && { cacheMs }),
		...(whenAway !== undefined && { whenAway }),
		...(vhost !== undefined && { vhost }),
		...(serverId !== undefined && { serverId }),
		...(token && { token: secretOf(token, folder) }),
		...(authoritiesFile !== undefined && { authoritiesFile: resolve(folder, authoritiesFile) }),
	};
}
