/**
 * A session description (RFC 8866): what Penstock knows of one, and writing it. Attributes are kept as they came, so
 * that a description goes through to players with what its sender said of the codec.
 */

import { withoutControls } from "./control-characters.ts";

/** What a description has at most. */
export const MOST_SDP_BYTES = 64 * 1024;
export const MOST_SDP_LINES = 1024;
export const MOST_SDP_LINE = 16 * 1024;
export const MOST_MEDIA = 16;
/** Of the session, and of each medium. */
export const MOST_ATTRIBUTES = 256;
export const MOST_FORMATS = 64;

export interface SdpAttribute {
	readonly name: string;
	/** Undefined of a flag (`a=recvonly`). */
	readonly value?: string;
}

/** Whom media come from, or the group that they go to. */
export interface SdpConnection {
	/** IPv4 or IPv6. */
	readonly address: string;
	/** Of a group of IPv4. */
	readonly ttl?: number;
}

export interface SdpMedia {
	/** "video", "audio", "application", … */
	readonly kind: string;
	/** 0 where the transport is agreed upon elsewhere, as RTSP does. */
	readonly port: number;
	/** "RTP/AVP" */
	readonly protocol: string;
	/** Payload types, as text. */
	readonly formats: readonly string[];
	readonly connection?: SdpConnection;
	/** `b=AS:` */
	readonly bandwidthKbps?: number;
	readonly attributes: readonly SdpAttribute[];
}

export interface SdpSession {
	/** Behind `o=`: user name, id and version of the session, and its maker's address. */
	readonly origin?: string;
	readonly name: string;
	readonly connection?: SdpConnection;
	readonly attributes: readonly SdpAttribute[];
	readonly media: readonly SdpMedia[];
}

/** Of several of the name, the first. */
export const attributeOf = (attributes: readonly SdpAttribute[], name: string): string | undefined =>
	attributes.find((attribute) => attribute.name === name)?.value;

export function writeSdp(session: SdpSession): string {
	const { origin = "- 0 0 IN IP4 127.0.0.1", name, connection, attributes, media } = session;
	const lines = ["v=0", `o=${origin}`, `s=${name === "" ? "-" : name}`];
	if (connection !== undefined) lines.push(connectionLine(connection));
	lines.push("t=0 0", ...attributes.map(attributeLine), ...media.flatMap(mediaLines));
	// Whatever stands in a value, it is one line.
	return lines.map((line) => `${withoutControls(line)}\r\n`).join("");
}

function mediaLines({ kind, port, protocol, formats, connection, bandwidthKbps, attributes }: SdpMedia): string[] {
	return [
		`m=${kind} ${port} ${protocol} ${formats.join(" ")}`,
		...(connection === undefined ? [] : [connectionLine(connection)]),
		...(bandwidthKbps === undefined ? [] : [`b=AS:${bandwidthKbps}`]),
		...attributes.map(attributeLine),
	];
}

const connectionLine = ({ address, ttl }: SdpConnection): string =>
	`c=IN ${address.includes(":") ? "IP6" : "IP4"} ${address}${ttl === undefined ? "" : `/${ttl}`}`;

const attributeLine = ({ name, value }: SdpAttribute): string =>
	value === undefined ? `a=${name}` : `a=${name}:${value}`;
