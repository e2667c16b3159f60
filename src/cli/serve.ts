/**
 * `penstock serve` and `penstock demo`: a server from its start to its drain. The first SIGTERM or SIGINT drains, the
 * second ends at once.
 */
import { join } from "node:path";
import { messageOf } from "../base/errors.ts";
import { TOKEN_FILE } from "../server/api-login.ts";
import type { Config } from "../server/config.ts";
import {
	formatListenAddress,
	hostInUrl,
	isLoopback,
	isWildcard,
	type ListenAddress,
} from "../server/listen-address.ts";
import { createLog, type Log } from "../server/log.ts";
import { type RunningServer, startServer } from "../server/media-server.ts";
import { wallPage, watchPage } from "../server/pages.ts";
import { watchSignals } from "./signals.ts";

export interface ServeOptions {
	/** Reads the configuration again, on SIGHUP. */
	readonly again?: () => Promise<Config>;
	/** Say on standard output what to type to watch. */
	readonly announce?: boolean;
}

/**
 * @returns the exit code
 * @throws PenstockError what keeps the server from starting
 */
export async function serve(config: Config, { announce = false, again }: ServeOptions = {}): Promise<number> {
	const log = createLog(config.log);
	const signals = watchSignals();
	let reload = (): void => undefined;
	// Before the start: it must not end by a wish to read what it is reading.
	const forget = onHangUp(config, () => reload());
	try {
		const server = await startServer(config, { log });
		reload = () => void readAgain(server, again, log);
		sayWhoMayAsk(config, log);
		if (announce) process.stdout.write(howToWatch(server, config));
		const signal = await signals.first;
		log.info({ signal }, "shutting down; a second signal ends at once");
		await server.drain();
		return 0;
	} finally {
		signals.forget();
		forget();
	}
}

/** SIGHUP reads again what can be, where there is any of it. @returns what ends that */
function onHangUp({ distribution, access, publish, api }: Config, act: () => void): () => void {
	const hasCertificate = publish?.rtmps !== undefined || publish?.rtsp?.tls !== undefined;
	const hasSecrets = access !== undefined || api.login !== undefined || hasCertificate;
	if (distribution?.rulesFile === undefined && !hasSecrets) return () => undefined;
	process.on("SIGHUP", act);
	return () => void process.off("SIGHUP", act);
}

async function readAgain(server: RunningServer, again: ServeOptions["again"], log: Log): Promise<void> {
	let fresh: Config | undefined;
	try {
		fresh = await again?.();
	} catch (thrown) {
		log.error(`the configuration stays as it was: ${messageOf(thrown)}`);
	}
	await server.reload(fresh);
}

function sayWhoMayAsk({ api: { listen, login } }: Config, log: Log): void {
	const fields = { api: formatListenAddress(listen) };
	if (login !== undefined) {
		const { source, secretsFolder } = login;
		const isOwn = source.value === undefined && source.file === undefined && source.environment === undefined;
		log.info({ ...fields, ...(isOwn && { token: join(secretsFolder, TOKEN_FILE) }) }, "the API asks for its token");
	} else if (!isLoopback(listen.host)) {
		log.warn(fields, "the API asks for nothing and listens beyond this machine; let a firewall or a proxy guard it");
	}
}

function howToWatch({ http, api, extensions }: RunningServer, { channels, policy }: Config): string {
	const base = http === undefined ? "" : urlOf(http);
	const labels = channels.map(({ label }) => label);
	const urls = labels.flatMap((label) => extensions.map((extension) => `${base}/${label}.${extension}`));
	const example = urls[0] ?? base;
	return [
		"Open in a browser, and narrow a tile's link to see the server switch it:",
		...labels.map((label) => `  ${urlOf(api)}${wallPage(label)}`),
		"Watch alone:",
		...labels.map((label) => `  ${base}${watchPage(label)}`),
		"Or with a player, for example:",
		...urls.map((url) => `  ${url}`),
		`  ffplay ${example}`,
		`  vlc ${example}`,
		`  npm run penstock -- play ${example}`,
		...(policy.kind === "tour"
			? [`Every ${policy.settings.stay / 1000} s the server switches the rendition inside it.`]
			: []),
		`See who watches:  curl ${urlOf(api)}/api/v1/viewers`,
		"",
	].join("\n");
}

const urlOf = ({ host, port }: ListenAddress): string =>
	`http://${isWildcard(host) ? "127.0.0.1" : hostInUrl(host)}:${port}`;
