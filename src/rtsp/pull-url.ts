/** The URL of a source that is pulled: `rtsp://user:password@camera:554/path?query`. User and password leave the URL here. */
import { PenstockError } from "../base/errors.ts";

export interface PullUrl {
	readonly tls: boolean;
	/** A name or an address, IPv6 without brackets. */
	readonly host: string;
	readonly port: number;
	/** What is asked for: without user and password. */
	readonly target: string;
	readonly user: string;
	readonly password: string;
}

const PORTS = { "rtsp:": 554, "rtsps:": 322 } as const;

/** @throws PenstockError SOURCE_UNSUPPORTED; its message does not have the URL, which may hold a password */
export function parsePullUrl(text: string): PullUrl {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	const scheme = url?.protocol;
	if (
		url === undefined ||
		(scheme !== "rtsp:" && scheme !== "rtsps:") ||
		url.hostname === "" ||
		/[^\x21-\x7e]/.test(text)
	) {
		throw new PenstockError("SOURCE_UNSUPPORTED", "the source is no URL of the form rtsp://host:port/path.");
	}
	return {
		tls: scheme === "rtsps:",
		host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
		port: url.port === "" ? PORTS[scheme] : Number(url.port),
		target: `${scheme}//${url.host}${url.pathname}${url.search}`,
		user: decoded(url.username),
		password: decoded(url.password),
	};
}

function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

/** A track's URL from its control (RFC 2326, appendix C.1.1). @param base of the description */
export function controlUrl(base: string, control: string | undefined): string {
	if (control === undefined || control === "" || control === "*") return base;
	if (/^rtsps?:\/\//i.test(control)) return control;
	return `${base.replace(/\/$/, "")}/${control.replace(/^\//, "")}`;
}
