/**
 * What a session description (RFC 8866) says of where RTP comes to, and from whom: addresses, ports, payload formats,
 * and senders (`a=source-filter`, RFC 4570). Only what a receiver of UDP needs; everything else is passed over.
 */
import { PenstockError } from "../../base/errors.ts";
import type { PayloadDescription } from "../../media/rtp/payload-description.ts";
import { attributeOf, type SdpAttribute, type SdpMedia, type SdpSession } from "../../wire/sdp.ts";
import { payloadsOf } from "../../wire/sdp-payloads.ts";
import { readSdp } from "../../wire/sdp-reader.ts";

export interface DescribedMedium {
	/** "video" or "audio"; a transport stream is video. */
	readonly kind: string;
	readonly payload: PayloadDescription;
	/** Of this machine, or a group. */
	readonly address: string;
	readonly port: number;
	/** The same as `port` where both come on one (RFC 5761). */
	readonly rtcpPort: number;
	/** Who may send; empty: anybody. */
	readonly sources: readonly string[];
}

const KINDS = ["video", "audio"];
const HIGHEST_PORT = 65_535;

/**
 * @param name of the file, for messages
 * @throws PenstockError SOURCE_UNSUPPORTED
 */
export function describedMedia(bytes: Uint8Array, name: string): readonly DescribedMedium[] {
	const session = readSdp(bytes);
	if (session.kind === "fault") throw session.error;
	const { media } = session.value;
	const wanted = media.filter(({ kind, port }) => KINDS.includes(kind) && port > 0);
	if (wanted.length === 0) throw unsupported(name, "has no line m= of video or audio with a port");
	const found = wanted.map((medium) => describedMedium(session.value, medium, name));
	const ports = found.flatMap(({ address, port, rtcpPort }) =>
		[...new Set([port, rtcpPort])].map((one) => `${address} ${one}`),
	);
	if (new Set(ports).size < ports.length) throw unsupported(name, "has two media on one port; give each its own");
	return found;
}

function describedMedium(session: SdpSession, medium: SdpMedia, name: string): DescribedMedium {
	const { kind, protocol, port, attributes } = medium;
	const line = `${kind} at port ${port}`;
	if (!/^RTP\/AVPF?$/.test(protocol)) {
		throw unsupported(name, `says ${line} comes as ${protocol}; RTP/AVP and RTP/AVPF are taken`);
	}
	const payload = payloadsOf(medium)[0];
	if (payload === undefined) throw unsupported(name, `does not say what ${line} is; add a=rtpmap`);
	const address = (medium.connection ?? session.connection)?.address;
	if (address === undefined)
		throw unsupported(name, `does not say where ${line} comes to; add c=IN IP4 and an address`);
	const rtcpPort = rtcpPortOf(attributes, port);
	if (rtcpPort > HIGHEST_PORT) throw unsupported(name, `leaves no port for RTCP of ${line}; take a lower one`);
	const sources = [...sourcesOf(attributes, address), ...sourcesOf(session.attributes, address)];
	return { kind, payload, address, port, rtcpPort, sources };
}

function rtcpPortOf(attributes: readonly SdpAttribute[], port: number): number {
	if (attributes.some(({ name }) => name === "rtcp-mux")) return port;
	const said = /^\d{1,5}(?=\s|$)/.exec(attributeOf(attributes, "rtcp") ?? "")?.[0];
	return said === undefined ? port + 1 : Number(said);
}

/** `incl IN IP4 239.1.2.3 10.0.0.9 10.0.0.10`, where the second address may be `*`. */
const sourcesOf = (attributes: readonly SdpAttribute[], address: string): readonly string[] =>
	attributes
		.filter(({ name }) => name === "source-filter")
		.flatMap(({ value = "" }) => {
			const [mode, , , destination, ...sources] = value.trim().split(/\s+/);
			return mode === "incl" && (destination === address || destination === "*") ? sources : [];
		});

const unsupported = (name: string, why: string): PenstockError =>
	new PenstockError("SOURCE_UNSUPPORTED", `the session description ${name} ${why}.`);
