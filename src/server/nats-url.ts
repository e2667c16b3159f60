/** Where a NATS server is. */

const NATS_PORT = "4222";

/** Undefined where the text is none. */
export function parseNatsUrl(raw: string): URL | undefined {
	const url = /^(?:nats|tls):\/\//.test(raw) && URL.canParse(raw) ? new URL(raw) : undefined;
	if (url === undefined || url.hostname === "" || !["", "/"].includes(url.pathname)) return undefined;
	if (url.port === "") url.port = NATS_PORT;
	return url;
}
