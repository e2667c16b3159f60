/**
 * Session descriptions (SDP, RFC 8866) for FFmpeg: of a transport stream in RTP, and a user's own, moved to a port of
 * this machine.
 */
import { PenstockError } from "../base/errors.ts";

/** MPEG-TS in RTP, by its static payload type 33 (RFC 3551). */
export const describeTransportStream = (address: string, port: number): string =>
	`${[...head(address), `m=video ${port} RTP/AVP 33`, "a=rtpmap:33 MP2T/90000"].join("\r\n")}\r\n`;

/**
 * A description with another place to listen at: only what says how the packets are to be read is kept of it.
 * @param text of the description
 * @throws PenstockError SOURCE_UNSUPPORTED where it does not describe exactly one medium in RTP
 */
export function describedAt(
	text: string,
	{ file, address, port }: { readonly file: string; readonly address: string; readonly port: number },
): string {
	const lines = text.split(/\r?\n/).map((line) => line.trim());
	const media = lines.flatMap((line, index) => (line.startsWith("m=") ? [index] : []));
	const [first] = media;
	if (first === undefined || media.length > 1) {
		const found = media.length === 0 ? "no line m=" : `${media.length} lines m=`;
		throw unsupported(file, `has ${found}, but a rule brings one stream of packets; give one with a single m=`);
	}
	const [, kind, profile, formats] = /^m=(audio|video) \d+(?:\/\d+)? (RTP\/S?AVPF?) (\d{1,3}(?: \d{1,3})*)$/.exec(
		lines[first]!,
	) ?? [undefined, undefined, undefined, undefined];
	if (kind === undefined) {
		throw unsupported(
			file,
			`says ${JSON.stringify(lines[first]!.slice(0, 80))}; wanted is "m=video 5004 RTP/AVP 96", say`,
		);
	}
	if (profile!.includes("S")) throw unsupported(file, "is of SRTP, which is not decrypted here");
	const how = lines.slice(first + 1).filter((line) => /^a=(rtpmap|fmtp|framerate|ptime|maxptime):/.test(line));
	return `${[...head(address), `m=${kind} ${port} ${profile} ${formats}`, ...how].join("\r\n")}\r\n`;
}

const head = (address: string): readonly string[] => [
	"v=0",
	`o=- 0 0 IN IP4 ${address}`,
	"s=-",
	`c=IN IP4 ${address}`,
	"t=0 0",
];

const unsupported = (file: string, why: string): PenstockError =>
	new PenstockError("SOURCE_UNSUPPORTED", `the session description ${file} ${why}.`);
