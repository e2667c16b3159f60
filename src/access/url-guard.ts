/**
 * Which URLs may be opened for somebody (SEC3): hooks, key sets, pulls. Scheme and host must be on the list; the name is
 * resolved once, every address that it has must be one that may be dialled, and the answer says which to dial: whoever
 * opens the URL dials that address, and asks no resolver again.
 */
import { lookup } from "node:dns/promises";
import { isIP, isIPv4 } from "node:net";
import { messageOf, PenstockError } from "../base/errors.ts";
import { classOf, mayDial } from "./address-class.ts";
import { type Network, parseIp } from "./ip-address.ts";

export type Resolver = (host: string) => Promise<readonly string[]>;

export interface UrlGuardSettings {
	/** Without colon. */
	readonly schemes: readonly string[];
	/** `host` (any port of it) or `host:port`, lower case, IPv6 in brackets. */
	readonly hosts: readonly string[] | "any";
	/** What may be dialled besides public addresses. */
	readonly networks: readonly Network[];
	/** User and password in the URL, as cameras have them. */
	readonly userInfo?: boolean;
	readonly resolve?: Resolver;
}

export interface AdmittedUrl {
	readonly kind: "admitted";
	readonly url: URL;
	/** As it stands in the URL, without brackets: for Host, and for the certificate. */
	readonly host: string;
	/** What to dial. */
	readonly address: string;
	readonly port: number;
}

export type UrlAdmission =
	| AdmittedUrl
	| { readonly kind: "refused"; readonly error: PenstockError }
	/** It may be well, but its name has no address now. */
	| { readonly kind: "unresolved"; readonly why: string };

const LONGEST_URL = 2048;
const MOST_ADDRESSES = 64;
const PORTS: Readonly<Record<string, number>> = { http: 80, https: 443, rtsp: 554, rtsps: 322, rtmp: 1935, rtmps: 443 };
/** Parsers disagree about these: what one throws away, another follows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const AMBIGUOUS = /[\u0000-\u0020\u007f-\u009f\\]/;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*$/;
/** `0x7f.1`, `2130706433`: resolvers take them for addresses. */
const NUMBER_AT_END = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/;

const systemResolver: Resolver = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

export class UrlGuard {
	readonly #settings: UrlGuardSettings;

	constructor(settings: UrlGuardSettings) {
		this.#settings = settings;
	}

	/** Never throws. */
	async admit(text: string): Promise<UrlAdmission> {
		const parsed = this.#parse(text);
		if (parsed instanceof PenstockError) return { kind: "refused", error: parsed };
		const { url, host, port } = parsed;
		let addresses: readonly string[];
		try {
			addresses = isIP(host) === 0 ? await (this.#settings.resolve ?? systemResolver)(host) : [host];
		} catch (thrown) {
			return { kind: "unresolved", why: `${host} cannot be resolved: ${messageOf(thrown)}` };
		}
		const [address] = addresses;
		if (address === undefined) return { kind: "unresolved", why: `${host} has no address` };
		const wrong = addresses.slice(0, MOST_ADDRESSES).find((one) => !this.#mayDial(one));
		if (wrong === undefined) return { kind: "admitted", url, host, address, port };
		const where = wrong === host ? host : `${host} leads to ${wrong}, which`;
		const bytes = parseIp(wrong);
		const kind = bytes === undefined ? "no address" : `a ${classOf(bytes)} address`;
		const why = `${where} is ${kind}; name its network in the configuration if it is meant.`;
		return { kind: "refused", error: new PenstockError("URL_FORBIDDEN", why) };
	}

	#mayDial(text: string): boolean {
		const address = parseIp(text);
		return address !== undefined && mayDial(address, this.#settings.networks);
	}

	#parse(text: string): { readonly url: URL; readonly host: string; readonly port: number } | PenstockError {
		const { schemes, hosts, userInfo = false } = this.#settings;
		if (text.length > LONGEST_URL) return refusal(`a URL of ${text.length} characters is longer than ${LONGEST_URL}.`);
		if (AMBIGUOUS.test(text) || !URL.canParse(text))
			return refusal("it is no URL, or has blanks or a backslash in it.");
		const url = new URL(text);
		const scheme = url.protocol.slice(0, -1);
		if (!schemes.includes(scheme))
			return refusal(`the scheme "${scheme.slice(0, 20)}" is not one of ${schemes.join(", ")}.`);
		if (!userInfo && (url.username !== "" || url.password !== "")) return refusal("it has user and password in it.");
		const host = url.hostname.toLowerCase().replace(/^\[(.*)\]$/, "$1");
		if (!isHost(host)) return refusal(`${shownHost(host)} is no host name and no address in its plain form.`);
		const port = url.port === "" ? PORTS[scheme] : Number(url.port);
		if (port === undefined || port === 0) return refusal("it has no port.");
		const inUrl = isIP(host) === 6 ? `[${host}]` : host;
		if (hosts === "any" || hosts.includes(inUrl) || hosts.includes(`${inUrl}:${port}`)) return { url, host, port };
		return refusal(`the host ${shownHost(inUrl)}:${port} is not on the list.`);
	}
}

const isHost = (host: string): boolean =>
	isIPv4(host) || parseIp(host) !== undefined || (HOST_NAME.test(host) && !NUMBER_AT_END.test(host));

const shownHost = (host: string): string => JSON.stringify(host.length > 80 ? `${host.slice(0, 80)}…` : host);

const refusal = (text: string): PenstockError => new PenstockError("URL_FORBIDDEN", `a URL is refused: ${text}`);
