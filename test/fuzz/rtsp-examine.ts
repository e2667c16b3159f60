/**
 * One input put to what reads RTSP: the reader alone, cut and whole; the server's machine and the client's, each with an
 * application behind it that takes everything; the reader of session descriptions. Says what is wrong, if anything is.
 */
import { PenstockError } from "../../src/base/errors.ts";
import type { MediaSession, RtspApplication } from "../../src/rtsp/application.ts";
import { Authenticator } from "../../src/rtsp/authenticator.ts";
import { PullClient } from "../../src/rtsp/pull-client.ts";
import { parsePullUrl } from "../../src/rtsp/pull-url.ts";
import { RtspServerConnection } from "../../src/rtsp/server-connection.ts";
import { DEFAULT_RTSP_SETTINGS } from "../../src/rtsp/server-settings.ts";
import { RtspReader } from "../../src/wire/rtsp-reader.ts";
import { readTarget } from "../../src/wire/rtsp-target.ts";
import { MOST_MEDIA, MOST_SDP_BYTES, MOST_SDP_LINES, writeSdp } from "../../src/wire/sdp.ts";
import { payloadsOf } from "../../src/wire/sdp-payloads.ts";
import { readSdp } from "../../src/wire/sdp-reader.ts";
import { ManualClock } from "../kit/manual-clock.ts";
import type { Random } from "./random.ts";
import type { RtspSide } from "./rtsp-inputs.ts";

export interface RtspVerdict {
	readonly complaint: string | undefined;
	/** Messages and packets that came out, or media. */
	readonly things: number;
	readonly faults: number;
}

/** CPU time; an input takes a fraction of a millisecond. */
const MOST_MS = 40;
const MOST_HELD = 128 * 1024;
const CODES = new Set(["RTSP_MALFORMED", "RTSP_LIMIT"]);

export async function examineRtsp(input: Uint8Array, side: RtspSide, random: Random): Promise<RtspVerdict> {
	const start = performance.now();
	let verdict: RtspVerdict;
	try {
		verdict = side === "sdp" ? examineSdp(input) : await examineSide(input, side, random);
	} catch (error) {
		const complaint = `throws ${error instanceof Error ? error.stack : String(error)}`;
		return { complaint, things: 0, faults: 0 };
	}
	const tookMs = performance.now() - start;
	if (tookMs > MOST_MS && verdict.complaint === undefined && isSlow(input, side)) {
		return { ...verdict, complaint: `takes ${Math.round(tookMs)} ms` };
	}
	return verdict;
}

/** The machine's other work comes and goes: slow is what is slow each time, by the thread's own time. */
function isSlow(input: Uint8Array, side: RtspSide): boolean {
	for (let attempt = 0; attempt < 3; attempt++) {
		const before = process.threadCpuUsage();
		if (side === "sdp") examineSdp(input);
		else readAll(input, () => input.length);
		const { user, system } = process.threadCpuUsage(before);
		if ((user + system) / 1000 < MOST_MS) return false;
	}
	return true;
}

async function examineSide(input: Uint8Array, side: "client" | "server", random: Random): Promise<RtspVerdict> {
	const sizes = random.oneIn(8) ? () => random.between(1, 3) : () => random.between(1, 700);
	const [whole, pieces] = [readAll(input, () => input.length), readAll(input, sizes)];
	const { things, faults } = whole;
	const told = { things: things.length, faults };
	const complaint =
		whole.complaint ?? pieces.complaint ?? (sameAs(whole, pieces) ? undefined : "cut it gives something else");
	if (complaint !== undefined) return { ...told, complaint };
	// A machine sees what its reader gives it; a few pieces do, each with a turn of the loop for what is asked for.
	const few = (): number => random.between(200, 3000);
	const machine = side === "client" ? await runServer(input, few) : await runClient(input, few);
	return { ...told, complaint: machine };
}

interface ReadAll {
	readonly things: readonly string[];
	readonly faults: number;
	readonly complaint: string | undefined;
}

const sameAs = (one: ReadAll, other: ReadAll): boolean =>
	one.faults === other.faults && one.things.join("\n") === other.things.join("\n");

function readAll(input: Uint8Array, sizeOf: () => number): ReadAll {
	const things: string[] = [];
	let faults = 0;
	let complaint: string | undefined;
	const sumOf = (bytes: Uint8Array): number =>
		bytes.reduce((sum, byte) => (Math.imul(sum, 31) + byte) | 0, bytes.length);
	const reader = new RtspReader({
		request: ({ method, target, headers, body }) =>
			things.push(`${method} ${target} ${headers.entries.length} ${sumOf(body)}`),
		response: ({ status, reason, headers, body }) =>
			things.push(`${status} ${reason} ${headers.entries.length} ${sumOf(body)}`),
		packet: (channel, payload) => things.push(`${channel} ${sumOf(payload)}`),
		fault: (error) => {
			faults++;
			things.push(error.message);
			if (!CODES.has(error.code) || error.message.length > 400)
				complaint ??= `a fault of another kind: ${error.message}`;
		},
	});
	reader.takesPackets = true;
	for (let at = 0; at < input.length; ) {
		const piece = input.slice(at, at + Math.max(1, sizeOf()));
		reader.push(piece);
		piece.fill(0xa5);
		at += piece.length;
		if (reader.heldBytes < 0 || reader.heldBytes > MOST_HELD) complaint ??= `${reader.heldBytes} bytes held`;
	}
	if (faults > 1) complaint ??= `${faults} faults told`;
	return { things, faults, complaint };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The server's machine: every session that was opened is closed, every grant over, every answer is one message. */
async function runServer(input: Uint8Array, sizeOf: () => number): Promise<string | undefined> {
	const clock = new ManualClock();
	let open = 0;
	let complaint: string | undefined;
	const session = (): MediaSession => {
		open++;
		return {
			setUp: async (_, wish) =>
				wish.kind === "interleaved"
					? { kind: "granted", grant: wish }
					: { kind: "granted", grant: { kind: "udp", serverPorts: { rtp: 2, rtcp: 3 } } },
			start: async () => ({ kind: "ok", value: [{ sequence: 1 }] }),
			pause: async () => ({ kind: "ok", value: undefined }),
			packet: () => undefined,
			close: () => void open--,
		};
	};
	const answers = new RtspReader({
		request: () => (complaint ??= "an answer that is a request"),
		response: () => undefined,
		packet: () => undefined,
		fault: (error) => (complaint ??= `an answer that is none: ${error.message}`),
	});
	const refused: string[] = [];
	const description = {
		name: "-",
		attributes: [],
		media: [{ kind: "video", port: 0, protocol: "RTP/AVP", formats: ["96"], attributes: [] }],
	};
	/** Times that the gate said yes, and nobody has said yet that it is over. */
	let granted = 0;
	const application: RtspApplication = {
		describe: async () => ({ kind: "ok", value: description }),
		announce: async () => {
			granted--;
			return { kind: "ok", value: session() };
		},
		released: () => void granted--,
		open: async () => ({ kind: "ok", value: { description, session: session() } }),
	};
	const gate = {
		ask: async () => {
			granted++;
			return { kind: "granted", principal: "p" } as const;
		},
	};
	const connection = new RtspServerConnection({
		...{
			clock,
			application,
			settings: DEFAULT_RTSP_SETTINGS,
			address: "192.0.2.1",
			localAddress: "192.0.2.2",
			clientId: "c",
			isSecure: false,
		},
		authenticator: new Authenticator({
			gate,
			clock,
			realm: "penstock",
			basic: true,
			secrets: { passwordOf: async () => "geheim" },
		}),
		output: { write: (bytes) => answers.push(bytes), queuedBytes: 0, close: () => undefined },
		onRefused: ({ code }) => refused.push(code),
	});
	for (let at = 0; at < input.length; ) {
		const size = Math.max(1, sizeOf());
		connection.push(input.subarray(at, at + size));
		at += size;
		await settled();
	}
	connection.closed();
	await settled();
	if (refused.includes("INTERNAL")) complaint ??= "the server failed inside";
	if (open !== 0) complaint ??= `${open} sessions are left open`;
	if (granted !== 0) complaint ??= `of what was granted, ${granted} is not told to be over once`;
	if (clock.time.pending !== 0) complaint ??= "a timer is left";
	return complaint;
}

/** The client's machine: it ends once, and in a way that has a code. */
async function runClient(input: Uint8Array, sizeOf: () => number): Promise<string | undefined> {
	const clock = new ManualClock();
	let ends = 0;
	let complaint: string | undefined;
	const client = new PullClient({
		...{ clock, url: parsePullUrl("rtsp://op:geheim@192.0.2.1/live/cam"), transport: "udp-first", silenceMs: 10_000 },
		output: { write: () => undefined, queuedBytes: 0, close: () => undefined },
		application: {
			described: ({ media }) => media.map((_, index) => index),
			openPorts: async () => ({ rtp: 5000, rtcp: 5001 }),
			ready: () => undefined,
			playing: () => undefined,
			packet: () => undefined,
			ended: (error) => {
				ends++;
				if (error === undefined || !(error instanceof PenstockError) || error.code === "INTERNAL")
					complaint ??= `it ended with ${String(error)}`;
			},
		},
	});
	client.start();
	for (let at = 0; at < input.length; ) {
		const size = Math.max(1, sizeOf());
		client.push(input.subarray(at, at + size));
		at += size;
		await settled();
	}
	client.closed();
	await settled();
	if (ends !== 1) complaint ??= `it ended ${ends} times`;
	if (clock.time.pending !== 0) complaint ??= "a timer is left";
	return complaint;
}

function examineSdp(input: Uint8Array): RtspVerdict {
	const read = readSdp(input);
	if (read.kind === "fault") {
		const isRight = read.error.code === "SDP_MALFORMED" && read.error.message.length < 400;
		return { complaint: isRight ? undefined : `a fault of another kind: ${read.error.message}`, things: 0, faults: 1 };
	}
	const { media } = read.value;
	if (media.length > MOST_MEDIA) return { complaint: `${media.length} media`, things: 0, faults: 0 };
	for (const medium of media) {
		for (const { payloadType, clockRateHz, channels, parameters } of payloadsOf(medium)) {
			const isRight = payloadType <= 127 && clockRateHz > 0 && channels > 0 && parameters.size <= 64;
			if (!isRight) return { complaint: "a payload type that is none", things: 0, faults: 0 };
		}
		for (const { value = "" } of medium.attributes) readTarget(value);
	}
	const text = writeSdp(read.value);
	const bytes = new TextEncoder().encode(text);
	const again = readSdp(bytes);
	// What is no UTF-8 becomes longer by its replacements, and lines that were left out come back.
	const isLarger = bytes.length > MOST_SDP_BYTES || text.split("\n").length > MOST_SDP_LINES;
	const isSame = isLarger || (again.kind === "read" && again.value.media.length === media.length);
	return { complaint: isSame ? undefined : "written again it is something else", things: media.length, faults: 0 };
}
