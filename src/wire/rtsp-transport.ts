/**
 * The Transport field (RFC 2326, clause 12.39): what a client offers, in the order of its liking, and the one that a
 * server takes. Where media should go (`destination`) is not read from a client at all: it goes to whom it asked.
 */
import { fault, type Read, read, splitOutsideQuotes } from "./rtsp-fields.ts";
import { shownValue } from "./viewer-report.ts";

/** RTP's and RTCP's. */
export interface Pair {
	readonly rtp: number;
	readonly rtcp?: number;
}

export interface Transport {
	/** RTP/AVP, the one profile that is spoken here. */
	readonly lower: "udp" | "tcp";
	readonly cast: "unicast" | "multicast";
	readonly clientPorts?: Pair;
	readonly serverPorts?: Pair;
	/** Channels on the connection. */
	readonly interleaved?: Pair;
	readonly mode?: "play" | "record";
	/** Of multicast. */
	readonly ports?: Pair;
	readonly ttl?: number;
	/** Of 32 bits. */
	readonly ssrc?: number;
	/** In an answer alone: the group, and whom packets come from. */
	readonly destination?: string;
	readonly source?: string;
}

const MOST_OFFERS = 8;
const MOST_PARAMETERS = 24;
const ADDRESS = /^[0-9A-Fa-f.:]{2,45}$/;

/** Those offers that are of RTP/AVP; offers of other profiles are passed over. */
export function readTransports(text: string): Read<readonly Transport[]> {
	const transports: Transport[] = [];
	for (const offer of splitOutsideQuotes(text, ",", MOST_OFFERS)) {
		const one = readTransport(offer);
		if (one.kind === "fault") return one;
		if (one.value !== undefined) transports.push(one.value);
	}
	return read(transports);
}

function readTransport(text: string): Read<Transport | undefined> {
	const [protocol = "", ...parameters] = splitOutsideQuotes(text, ";", MOST_PARAMETERS);
	const lower = /^RTP\/AVP(?:\/(UDP|TCP))?$/i.exec(protocol);
	if (lower === null) return read(undefined);
	let transport: Transport = {
		lower: lower[1]?.toLowerCase() === "tcp" ? "tcp" : "udp",
		// The RFC's default is multicast; what clients mean that say nothing is not.
		cast: "unicast",
	};
	for (const parameter of parameters) {
		const more = readParameter(parameter);
		if (more === "wrong") {
			return fault("RTSP_MALFORMED", `Transport has ${shownValue(parameter)}, which does not follow its form.`);
		}
		transport = { ...transport, ...more };
	}
	return read(transport);
}

function readParameter(text: string): Partial<Transport> | "wrong" {
	const [name, value] = splitOnce(text);
	const pair = (most: number): Pair | undefined => readPair(value, most);
	switch (name.toLowerCase()) {
		case "unicast":
			return { cast: "unicast" };
		case "multicast":
			return { cast: "multicast" };
		case "mode":
			return readMode(value);
		case "client_port":
			return orWrong(pair(65_535), (clientPorts) => ({ clientPorts }));
		case "server_port":
			return orWrong(pair(65_535), (serverPorts) => ({ serverPorts }));
		case "port":
			return orWrong(pair(65_535), (ports) => ({ ports }));
		case "interleaved":
			return orWrong(pair(255), (interleaved) => ({ interleaved }));
		case "ttl":
			return /^\d{1,3}$/.test(value) && Number(value) <= 255 ? { ttl: Number(value) } : "wrong";
		case "ssrc":
			return /^[0-9A-Fa-f]{1,8}$/.test(value.trim()) ? { ssrc: Number.parseInt(value, 16) } : {};
		case "destination":
			return ADDRESS.test(value) ? { destination: value } : {};
		case "source":
			return ADDRESS.test(value) ? { source: value } : {};
		default:
			return {};
	}
}

function readMode(value: string): Partial<Transport> {
	const mode = value.replaceAll('"', "").toLowerCase();
	if (mode === "record" || mode === "receive") return { mode: "record" };
	return mode === "play" ? { mode } : {};
}

function readPair(text: string, most: number): Pair | undefined {
	const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
	if (match === null) return undefined;
	const [rtp, rtcp] = [Number(match[1]), match[2] === undefined ? undefined : Number(match[2])];
	// Port 0 is nobody's; channel 0 is the first.
	const least = most === 255 ? 0 : 1;
	const fits = (number: number): boolean => number >= least && number <= most;
	if (!fits(rtp) || (rtcp !== undefined && (!fits(rtcp) || rtcp === rtp))) return undefined;
	return { rtp, ...(rtcp !== undefined && { rtcp }) };
}

const orWrong = <Value>(value: Value | undefined, then: (value: Value) => Partial<Transport>) =>
	value === undefined ? "wrong" : then(value);

function splitOnce(text: string): [string, string] {
	const at = text.indexOf("=");
	return at < 0 ? [text, ""] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

export function writeTransport(transport: Transport): string {
	const { lower, cast, clientPorts, serverPorts, interleaved, ports, ttl, ssrc, destination, source, mode } = transport;
	const parts = [lower === "tcp" ? "RTP/AVP/TCP" : "RTP/AVP", cast];
	const add = (name: string, value: Pair | string | undefined): void => {
		if (value !== undefined) parts.push(`${name}=${typeof value === "string" ? value : pairText(value)}`);
	};
	add("destination", destination);
	add("source", source);
	add("interleaved", interleaved);
	add("port", ports);
	add("client_port", clientPorts);
	add("server_port", serverPorts);
	add("ttl", ttl === undefined ? undefined : String(ttl));
	add("ssrc", ssrc === undefined ? undefined : (ssrc >>> 0).toString(16).toUpperCase().padStart(8, "0"));
	add("mode", mode);
	return parts.join(";");
}

const pairText = ({ rtp, rtcp }: Pair): string => (rtcp === undefined ? `${rtp}` : `${rtp}-${rtcp}`);
