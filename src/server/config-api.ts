/** The section `api`: from single values to where the API listens, and what it asks for. */
import type { SecretSource } from "../access/secret-source.ts";
import type { ApiConfig } from "./config.ts";
import { secretOf, secretsFolderOf } from "./config-access.ts";
import type { ConfigShape } from "./config-schema.ts";
import { isLoopback } from "./listen-address.ts";

export interface ApiLoginConfig {
	readonly source: SecretSource;
	/** Of secrets that Penstock makes; absolute. */
	readonly secretsFolder: string;
}

/** @param folder of the configuration file */
export function buildApi(shape: ConfigShape, folder: string): ApiConfig {
	const { listen, allowedHosts, listChannelsTo404, login, token } = shape.api;
	const isAsked = login === "always" || (login === "auto" && (token !== undefined || !isLoopback(listen.host)));
	return {
		listen,
		allowedHosts: allowedHosts.map((host) => host.toLowerCase()),
		listChannelsTo404,
		login: isAsked
			? { source: secretOf(token ?? {}, folder), secretsFolder: secretsFolderOf(shape, folder) }
			: undefined,
	};
}
