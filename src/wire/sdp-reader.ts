/**
 * Reads session descriptions as cameras and programs send them: the lines that Penstock knows, in any order within their
 * section; the others are passed over. Every part has a bound, and what goes beyond it, or cannot be used, is one fault.
 */
import { hasControl } from "./control-characters.ts";
import { fault, type Read, read } from "./rtsp-fields.ts";
import {
	MOST_ATTRIBUTES,
	MOST_FORMATS,
	MOST_MEDIA,
	MOST_SDP_BYTES,
	MOST_SDP_LINE,
	MOST_SDP_LINES,
	type SdpAttribute,
	type SdpConnection,
	type SdpMedia,
	type SdpSession,
} from "./sdp.ts";
import { shownValue } from "./viewer-report.ts";

type Building<Part> = { -readonly [Key in keyof Part]: Part[Key] };
interface Section {
	attributes: SdpAttribute[];
	connection?: SdpConnection;
}
type SessionDraft = Building<Omit<SdpSession, "media" | "attributes" | "connection">> &
	Section & { media: MediaDraft[] };
type MediaDraft = Building<Omit<SdpMedia, "attributes" | "connection">> & Section;

const MEDIA = /^([A-Za-z0-9]{1,32}) (\d{1,5})(?:\/\d{1,5})? ([A-Za-z0-9/._-]{1,64}) ([\x21-\x7e ]+)$/;
const CONNECTION = /^IN IP[46] ([0-9A-Fa-f.:]{2,45})(?:\/(\d{1,3}))?(?:\/\d{1,5})?$/;
const ATTRIBUTE = /^([\x21-\x39\x3b-\x7e]{1,128})(?::(.*))?$/s;

/** @param bytes of UTF-8; not kept */
export function readSdp(bytes: Uint8Array): Read<SdpSession> {
	if (bytes.length > MOST_SDP_BYTES) return broken(`has ${bytes.length} bytes; ${MOST_SDP_BYTES} are taken`);
	const lines = new TextDecoder().decode(bytes).split(/\r\n|\n|\r/, MOST_SDP_LINES + 1);
	if (lines.length > MOST_SDP_LINES) return broken(`has more than ${MOST_SDP_LINES} lines`);
	if (lines[0]?.trim() !== "v=0") return broken(`begins with ${shownValue(lines[0] ?? "")}, not with v=0`);
	const session: SessionDraft = { name: "", attributes: [], media: [] };
	for (const [index, line] of lines.entries()) {
		const wrong = takeLine(session, line);
		if (wrong !== undefined) return broken(`line ${index + 1} (${shownValue(line)}) ${wrong}`);
	}
	return read(session);
}

const broken = (what: string) => fault("SDP_MALFORMED", `the session description: ${what}.`);

/** @returns what is wrong with the line, as the end of a sentence */
function takeLine(session: SessionDraft, line: string): string | undefined {
	if (line.length > MOST_SDP_LINE) return `has ${line.length} characters; ${MOST_SDP_LINE} are taken`;
	if (line.trim() === "") return undefined;
	if (line[1] !== "=") return "is no line of the form x=…";
	if (hasControl(line)) return "has a control character";
	const value = line.slice(2).trim();
	const section = session.media.at(-1) ?? session;
	switch (line[0]) {
		case "o":
			session.origin = value;
			return undefined;
		case "s":
			session.name = value;
			return undefined;
		case "m":
			return takeMedia(session, value);
		case "c":
			return takeConnection(section, value);
		case "b":
			return takeBandwidth(session.media.at(-1), value);
		case "a":
			return takeAttribute(section, value);
		default:
			return undefined;
	}
}

function takeMedia({ media }: SessionDraft, value: string): string | undefined {
	if (media.length === MOST_MEDIA) return `would be medium ${MOST_MEDIA + 1}; ${MOST_MEDIA} are taken`;
	const match = MEDIA.exec(value);
	if (match === null) return "is no medium: kind, port, protocol and formats";
	const [, kind = "", port = "", protocol = "", text = ""] = match;
	const formats = text.split(" ").filter((format) => format !== "");
	if (formats.length > MOST_FORMATS) return `has ${formats.length} formats; ${MOST_FORMATS} are taken`;
	if (Number(port) > 65_535) return "has a port beyond 65535";
	media.push({ kind: kind.toLowerCase(), port: Number(port), protocol, formats, attributes: [] });
	return undefined;
}

function takeConnection(section: Section, value: string): string | undefined {
	const match = CONNECTION.exec(value);
	// Cameras write host names and worse here, and nobody asks them where to send.
	if (match === null) return undefined;
	const [, address = "", ttl] = match;
	section.connection = { address, ...(ttl !== undefined && { ttl: Number(ttl) }) };
	return undefined;
}

function takeBandwidth(medium: MediaDraft | undefined, value: string): string | undefined {
	const match = /^AS:(\d{1,9})$/.exec(value);
	if (medium !== undefined && match !== null) medium.bandwidthKbps = Number(match[1]);
	return undefined;
}

function takeAttribute({ attributes }: Section, value: string): string | undefined {
	if (attributes.length === MOST_ATTRIBUTES) return `would be attribute ${MOST_ATTRIBUTES + 1} of its section`;
	const match = ATTRIBUTE.exec(value);
	// One that cannot be read says nothing; the codec may be known all the same.
	if (match === null) return undefined;
	const [, name = "", text] = match;
	attributes.push({ name: name.toLowerCase(), ...(text !== undefined && { value: text.trim() }) });
	return undefined;
}
