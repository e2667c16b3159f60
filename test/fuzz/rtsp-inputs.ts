/**
 * Inputs for what reads RTSP: conversations as clients and servers have them, broken. Some changes are blind (bits, runs,
 * pieces cut out, put in, doubled); some know the text: a header twice, a length that lies, a number at its extreme.
 */
import type { Draft } from "./draft.ts";
import type { Random } from "./random.ts";

const URL = "rtsp://127.0.0.1:8554/live/cam";
const SDP = `v=0\r
o=- 0 0 IN IP4 127.0.0.1\r
s=No Name\r
c=IN IP4 127.0.0.1\r
t=0 0\r
a=tool:libavformat 59.27.100\r
m=video 0 RTP/AVP 96\r
b=AS:600\r
a=rtpmap:96 H264/90000\r
a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z2QADKzZQUH7ARAAAAMAEAAAAwPA8UKZYA==,aOvjyyLA; profile-level-id=64000C\r
a=control:streamid=0\r
m=audio 0 RTP/AVP 97\r
a=rtpmap:97 MPEG4-GENERIC/48000/2\r
a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; config=1190\r
a=control:streamid=1\r
`;

const message = (first: string, fields: readonly string[], body = ""): string =>
	`${[first, ...fields, ...(body === "" ? [] : [`Content-Length: ${body.length}`])].join("\r\n")}\r\n\r\n${body}`;

const request = (method: string, cseq: number, fields: readonly string[] = [], target = URL, body = ""): string =>
	message(`${method} ${target} RTSP/1.0`, [`CSeq: ${cseq}`, ...fields], body);

const response = (cseq: number, fields: readonly string[], body = ""): string =>
	message("RTSP/1.0 200 OK", [`CSeq: ${cseq}`, ...fields], body);

const PACKET = `$\0\0\x10${"\x80\x60\0\x01\0\0\0\0\x01\x02\x03\x04\x65\x24\0\0"}`;
const DIGEST = `Authorization: Digest username="op", realm="penstock", nonce="0123456789abcdef0123456789abcdef", uri="${URL}", response="0123456789abcdef0123456789abcdef", qop=auth, nc=00000001, cnonce="x", algorithm=MD5`;

/** What clients say to the server. */
const CLIENTS = [
	request("OPTIONS", 1) +
		request("ANNOUNCE", 2, ["Content-Type: application/sdp"], URL, SDP) +
		request("SETUP", 3, ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record"], `${URL}/streamid=0`) +
		request("SETUP", 4, ["Transport: RTP/AVP/UDP;unicast;client_port=5000-5001;mode=record"], `${URL}/streamid=1`) +
		request("RECORD", 5, ["Range: npt=0.000-"]) +
		PACKET.repeat(3) +
		request("TEARDOWN", 6),
	request("DESCRIBE", 1, ["Accept: application/sdp", DIGEST], `${URL}?token=a.b-c/d`) +
		request("SETUP", 2, ["Transport: RTP/AVP;multicast,RTP/AVP/TCP;interleaved=4-5"], `${URL}/trackID=0`) +
		PACKET +
		request("GET_PARAMETER", 3, ["Authorization: Basic b3A6Z2VoZWlt"]) +
		request("PAUSE", 4, ["Session: 0123456789abcdef0123456789abcdef"]),
] as const;

/** What servers say to the client. */
const SERVERS = [
	response(1, ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER"]) +
		response(2, [`Content-Base: ${URL}/`, "Content-Type: application/sdp"], SDP) +
		response(3, ["Session: 12345678;timeout=30", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1234ABCD"]) +
		response(4, ["Session: 12345678", "Transport: RTP/AVP/TCP;unicast;interleaved=2-3"]) +
		response(5, [`RTP-Info: url=${URL}/trackID=0;seq=1;rtptime=2`]) +
		PACKET.repeat(3),
	message("RTSP/1.0 401 Unauthorized", [
		"CSeq: 1",
		'WWW-Authenticate: Digest realm="cam", nonce="1", algorithm=SHA-256, qop="auth"',
	]) +
		response(2, []) +
		response(3, ["Content-Type: application/sdp"], SDP) +
		response(4, ["Session: 1", "Transport: RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001"]),
] as const;

export type RtspSide = "client" | "server" | "sdp";
const CORPUS: Readonly<Record<RtspSide, readonly Uint8Array[]>> = {
	client: CLIENTS.map((text) => Buffer.from(text, "latin1")),
	server: SERVERS.map((text) => Buffer.from(text, "latin1")),
	sdp: [Buffer.from(SDP, "latin1")],
};

/** Pieces of text that mean something somewhere. */
const WORDS = [
	...["\r\n", "\n", "\r", "\r\n\r\n", "\0", " ", "\t", ":", ";", ",", "=", '"', "\\", "/", "?", "$", "-", "%2e"],
	...[
		"Content-Length: 0\r\n",
		"Content-Length: 65536\r\n",
		"Content-Length: 4294967296\r\n",
		"Transfer-Encoding: chunked\r\n",
	],
	...[
		"Session: ",
		"CSeq: ",
		"CSeq: 99999999999\r\n",
		"interleaved=255-256",
		"client_port=0-0",
		"RTSP/2.0",
		"RTSP/1.0 200 OK\r\n",
	],
	...[
		"m=video 0 RTP/AVP 96\r\n",
		"a=control:*\r\n",
		"a=rtpmap:96 ",
		"a=fmtp:96 ",
		"v=0\r\n",
		"$\0\xff\xff",
		"$\x01\0\0",
	],
	...[
		"TEARDOWN rtsp://h/live/cam RTSP/1.0\r\nCSeq: 9\r\n\r\n",
		"trackID=0",
		"streamid=0",
		"/../",
		"rtsp://",
		"mode=record",
	],
].map((text) => Buffer.from(text, "latin1"));
const DIGITS = ["0", "1", "255", "256", "65535", "65536", "4294967295", "99999999999999999999", "-1", ""].map((text) =>
	Buffer.from(text),
);
const LONGEST_PIECE = 600;

/** Makes the input with these numbers of chance. */
export function makeRtspInput(draft: Draft, side: RtspSide, random: Random): void {
	draft.take(random.pick(CORPUS[side]));
	if (random.oneIn(60)) {
		draft.length = random.between(1, 2000);
		for (let at = 0; at < draft.length; at++) draft.bytes[at] = random.next();
	}
	if (random.oneIn(10)) draft.append(random.pick(CORPUS[random.pick(["client", "server", "sdp"] as const)]));
	const changes = random.oneIn(3) ? random.between(4, 12) : random.between(0, 3);
	for (let i = 0; i < changes; i++) change(draft, random);
}

function change(draft: Draft, random: Random): void {
	if (draft.length === 0) return;
	const at = random.below(draft.length);
	const length = Math.min(draft.length - at, 1 + Math.floor(LONGEST_PIECE * (random.next() / 2 ** 32) ** 3));
	switch (random.below(9)) {
		case 0:
			draft.bytes[at]! ^= 1 << random.below(8);
			break;
		case 1:
			draft.bytes[at] = random.next();
			break;
		case 2:
			draft.remove(at, length);
			break;
		case 3:
			draft.insert(at, random.pick(WORDS));
			break;
		case 4:
			draft.insert(random.below(draft.length), draft.bytes.subarray(at, at + length));
			break;
		case 5:
			changeNumber(draft, at, random);
			break;
		case 6:
			doubleLine(draft, at, random);
			break;
		case 7:
			draft.bytes.fill(random.pick([0, 0x20, 0x24, 0x61, 0xff]), at, at + length);
			break;
		default:
			if (random.oneIn(4)) draft.length = at;
	}
}

/** The first number from here on becomes another. */
function changeNumber(draft: Draft, from: number, random: Random): void {
	const isDigit = (at: number): boolean => draft.bytes[at]! >= 0x30 && draft.bytes[at]! <= 0x39;
	let at = from;
	while (at < draft.length && !isDigit(at)) at++;
	let end = at;
	while (end < draft.length && isDigit(end)) end++;
	draft.remove(at, end - at);
	draft.insert(Math.min(at, draft.length), random.pick(DIGITS));
}

/** The line comes twice, or goes, or comes many times. */
function doubleLine(draft: Draft, from: number, random: Random): void {
	const start = draft.bytes.subarray(0, from).lastIndexOf(0x0a) + 1;
	const next = draft.bytes.subarray(0, draft.length).indexOf(0x0a, from);
	const line = draft.bytes.slice(start, next < 0 ? draft.length : next + 1);
	if (random.oneIn(3)) draft.remove(start, line.length);
	else for (let times = random.oneIn(8) ? 80 : 1; times > 0; times--) draft.insert(start, line);
}
