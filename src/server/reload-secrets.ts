/** What is read again on SIGHUP besides rules: who may do what, the API's token, certificates. */
import { messageOf } from "../base/errors.ts";
import type { AccessHost } from "./access-host.ts";
import type { ApiLogin } from "./api-login.ts";
import type { Config } from "./config.ts";
import type { Log } from "./log.ts";
import type { Publishing } from "./publishing.ts";
import type { RtspService } from "./relay/rtsp-service.ts";

export interface SecretHolders {
	readonly access: AccessHost | undefined;
	readonly login: ApiLogin | undefined;
	readonly publishing: Publishing | undefined;
	readonly rtsp: RtspService | undefined;
}

/** Each by itself: what is wrong with one keeps none of the others. Never throws. */
export async function reloadSecrets(
	{ access, login, publishing, rtsp }: SecretHolders,
	fresh: Config,
	log: Log,
): Promise<void> {
	const attempt = async (what: string, act: () => Promise<void> | undefined): Promise<void> => {
		try {
			await act();
		} catch (thrown) {
			log.error({ err: thrown }, `${what} stays as it was: ${messageOf(thrown)}`);
		}
	};
	const { access: settings } = fresh;
	const { login: token } = fresh.api;
	if ((access === undefined) !== (settings === undefined)) log.warn(untilRestart("the section access"));
	if ((login === undefined) !== (token === undefined)) log.warn(untilRestart("api.login"));
	await attempt("the section access", () => settings && access?.reload(settings));
	await attempt("the API's token", () => token && login?.reload(token));
	await attempt("the certificate of RTMPS", () => publishing?.renew());
	await attempt("the certificate of RTSPS", () => rtsp?.renew());
	log.info("rights, secrets and certificates were read again; everything else waits for a restart");
}

const untilRestart = (what: string): string => `${what} came or went, which only a restart brings about`;
