/** What RTP's fuzzer begins with: streams of each payload format, a few KiB, of real encodes. */
import { ticks90k } from "../../src/base/units.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import { MpegTsReader } from "../../src/media/mpegts/reader.ts";
import { describePayload } from "../../src/media/rtp/describe-payload.ts";
import { RTP_HEADER_BYTES, writeRtpHeader } from "../../src/media/rtp/header.ts";
import { type PayloadDescription, STATIC_MP2T } from "../../src/media/rtp/payload-description.ts";
import { RtpSender } from "../../src/media/rtp/sender.ts";
import { camera } from "../kit/program-streams.ts";
import { type Encode, encode } from "./encodes.ts";

export const FEEDS = ["h264", "hevc", "aac", "latm", "opus", "mp2t", "ps"] as const;
export type FeedName = (typeof FEEDS)[number];

export interface Feed {
	readonly name: FeedName;
	readonly description: PayloadDescription;
	/** RTP packets of one source. */
	readonly datagrams: readonly Uint8Array[];
	/** The same of another source, with other numbers. @param round how often it has been sent before */
	intact(ssrc: number, round: number): readonly Uint8Array[];
	/** So often it must be sent until all of it comes out. */
	readonly repeats: number;
	/** What comes out of it then: the data of all access units, in their order. */
	readonly expected: readonly Uint8Array[];
	/** Times are not the session's. */
	readonly hasOwnTimes: boolean;
}

const SSRC = 0x0bad_caf0;
/** Small enough that pictures take several. */
const PACKET_BYTES = 548;
const SIZE = "480x272";
const CHUNK_BYTES = 300;
/** LATM's StreamMuxConfig with the AudioSpecificConfig of AAC-LC, 48 kHz, one channel. */
const LATM_CONFIG = "400023103fc0";

interface Packet {
	readonly payload: Uint8Array;
	readonly marker: boolean;
	readonly timestamp: number;
}

/** Runs FFmpeg; the same every time. */
export async function makeFeed(name: FeedName): Promise<Feed> {
	switch (name) {
		case "h264":
			return sent(name, await read({ video: "h264", size: SIZE }), "video");
		case "hevc":
			return sent(name, await read({ video: "hevc", size: SIZE }), "video");
		case "aac":
			return sent(name, await read({ audio: "aac" }), "audio");
		case "opus":
			return sent(name, await read({ audio: "opus" }), "audio");
		case "latm":
			return latm(await read({ audio: "aac" }));
		case "mp2t":
			return transportStream(await encode({ muxer: ["-f", "mpegts"], video: "h264", audio: "aac" }));
		case "ps":
			return programStream(await read({ video: "h264", size: SIZE }));
	}
}

interface Read {
	readonly decode: DecodeInformation;
	readonly accessUnits: readonly AccessUnit[];
}

const read = async (coders: Omit<Encode, "muxer">): Promise<Read> =>
	readTs(await encode({ muxer: ["-f", "mpegts"], ...coders }));

function readTs(bytes: Uint8Array): Read {
	const accessUnits: AccessUnit[] = [];
	let decode: DecodeInformation = {};
	const reader = new MpegTsReader({
		accessUnit: (accessUnit) => accessUnits.push(accessUnit),
		decodeInformation: (told) => {
			decode = told;
		},
	});
	reader.push(bytes);
	reader.end();
	return { decode, accessUnits };
}

function sent(name: FeedName, { decode, accessUnits }: Read, track: "video" | "audio"): Feed {
	const config = decode[track]!;
	const form = { payloadType: 96, ssrc: 0, firstNumber: 0, timestampOffset: 0, mostPacketBytes: PACKET_BYTES };
	const sender = new RtpSender(config, form);
	const packets = accessUnits.flatMap((accessUnit) =>
		sender.packets(accessUnit).map((bytes) => ({
			payload: bytes.subarray(RTP_HEADER_BYTES),
			marker: bytes[1]! > 0x80,
			timestamp: new DataView(bytes.buffer, bytes.byteOffset).getUint32(4),
		})),
	);
	return feed(
		name,
		describePayload(config, 96)!,
		packets,
		accessUnits.map(({ data }) => data),
		1,
		false,
	);
}

function latm({ accessUnits }: Read): Feed {
	const packets = accessUnits.map(({ data }, index) => {
		const lengths = [...new Uint8Array(Math.floor(data.length / 255)).fill(255), data.length % 255];
		return { payload: Uint8Array.of(...lengths, ...data), marker: true, timestamp: 1024 * index };
	});
	const parameters = new Map([
		["cpresent", "0"],
		["config", LATM_CONFIG],
	]);
	const description = { payloadType: 96, encodingName: "MP4A-LATM", clockRateHz: 48_000, parameters };
	return feed(
		"latm",
		description,
		packets,
		accessUnits.map(({ data }) => data),
		1,
		false,
	);
}

function transportStream(bytes: Uint8Array): Feed {
	const packets: Packet[] = [];
	for (let at = 0; at < bytes.length; at += 7 * 188) {
		packets.push({ payload: bytes.subarray(at, at + 7 * 188), marker: false, timestamp: 3000 * packets.length });
	}
	// The last picture comes out with the next one.
	const { accessUnits } = readTs(Buffer.concat([bytes, bytes, bytes]));
	const expected = accessUnits.slice(-10).map(({ data }) => data);
	return feed("mp2t", { ...STATIC_MP2T, payloadType: 96 }, packets, expected, 4, true);
}

function programStream({ decode, accessUnits }: Read): Feed {
	const times = { number: 0, time: ticks90k(0), pictureDuration: ticks90k(3000), accessUnitsBefore: 0 };
	const { packs } = camera({ head: { ...times, rendition: "r", decode }, accessUnits });
	const packets = packs.flatMap((pack, index) => {
		const chunks: Packet[] = [];
		for (let at = 0; at < pack.length; at += CHUNK_BYTES) {
			const payload = pack.subarray(at, at + CHUNK_BYTES);
			chunks.push({ payload, marker: at + CHUNK_BYTES >= pack.length, timestamp: 3000 * index });
		}
		return chunks;
	});
	const description = {
		payloadType: 96,
		encodingName: "PS",
		clockRateHz: 90_000,
		parameters: new Map<string, string>(),
	};
	return feed(
		"ps",
		description,
		packets,
		accessUnits.map(({ data }) => data),
		1,
		true,
	);
}

function feed(
	name: FeedName,
	description: PayloadDescription,
	packets: readonly Packet[],
	expected: readonly Uint8Array[],
	repeats: number,
	hasOwnTimes: boolean,
): Feed {
	const write = (ssrc: number, first: number, timestampOffset: number): Uint8Array[] =>
		packets.map(({ payload, marker, timestamp }, index) => {
			const bytes = new Uint8Array(RTP_HEADER_BYTES + payload.length);
			writeRtpHeader(bytes, 0, 96, marker, first + index, timestamp + timestampOffset, ssrc);
			bytes.set(payload, RTP_HEADER_BYTES);
			return bytes;
		});
	const intact = (ssrc: number, round: number): Uint8Array[] => write(ssrc, 40_000 + round * packets.length, 77);
	return { name, description, datagrams: write(SSRC, 65_500, 2 ** 32 - 9000), intact, repeats, expected, hasOwnTimes };
}
