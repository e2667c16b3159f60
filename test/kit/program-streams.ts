/** Program streams as cameras send them by RTP (GB/T 28181, annex C), made from access units. */
import { type AacConfig, ADTS_HEADER_BYTES, writeAdtsHeader } from "../../src/media/aac.ts";
import type { AccessUnit } from "../../src/media/access-unit.ts";
import { splitLengthPrefixed } from "../../src/media/h264.ts";
import { pesHeaderBytes, writePesHeader } from "../../src/media/mpegts/pes.ts";
import { parameterSetsOf } from "../../src/media/picture.ts";
import type { WrittenUnit } from "./switching-units.ts";

export const PACK = Uint8Array.of(0, 0, 1, 0xba, 0x44, 0, 4, 0, 4, 1, 0, 0, 3, 0xf8 | 2, 0xff, 0xff); // two stuffing bytes
const SYSTEM_HEADER = Uint8Array.of(0, 0, 1, 0xbb, 0, 6, 0x80, 0, 1, 0, 0x21, 0xff);
const PRIVATE = Uint8Array.of(0, 0, 1, 0xbd, 0, 5, 1, 2, 3, 4, 5);

/** program_stream_map(), with a CRC_32 that is wrong, as many cameras' is. */
export function programMap(...streams: readonly (readonly [streamType: number, streamId: number])[]): Uint8Array {
	const body = streams.flatMap(([type, id]) => [type, id, 0, 2, 0x52, 0x00]); // with a descriptor each
	const length = 10 + body.length;
	return Uint8Array.of(0, 0, 1, 0xbc, 0, length, 0xe0, 0xff, 0, 0, 0, body.length, ...body, 1, 2, 3, 4);
}

/** PES packets of at most `most` bytes of payload, the first with the times. */
export function pes(streamId: number, pts: number, dts: number, payload: Uint8Array, most = 60_000): Uint8Array {
	const parts: Uint8Array[] = [];
	for (let at = 0; at === 0 || at < payload.length; at += most) {
		const piece = payload.subarray(at, at + most);
		const header = new Uint8Array(at === 0 ? pesHeaderBytes(pts, dts) : 9);
		if (at === 0) writePesHeader(header, 0, streamId, pts, dts, piece.length);
		else header.set([0, 0, 1, streamId, (3 + piece.length) >> 8, 3 + piece.length, 0x80, 0, 0]);
		parts.push(header, piece);
	}
	return Buffer.concat(parts);
}

const START_CODE = Uint8Array.of(0, 0, 0, 1);

export interface Camera {
	/** One program stream for each access unit, as a camera puts it in RTP. */
	readonly packs: readonly Uint8Array[];
	readonly expected: readonly AccessUnit[];
}

/** Units of H.264 or HEVC, and AAC. @param most bytes of payload in a PES packet */
export function camera({ head: { decode }, accessUnits }: WrittenUnit, most?: number): Camera {
	const { video, audio } = decode;
	const types: [number, number][] = [];
	if (video) types.push([video.codec === "h264" ? 0x1b : 0x24, 0xe0]);
	if (audio) types.push([0x0f, 0xc0]);
	const packs = accessUnits.map(({ track, pts, dts, key, data }) => {
		if (track === "audio") {
			const adts = new Uint8Array(ADTS_HEADER_BYTES + data.length);
			writeAdtsHeader(adts, 0, audio as AacConfig, data.length);
			adts.set(data, ADTS_HEADER_BYTES);
			const start = video ? [] : [SYSTEM_HEADER, programMap(...types)];
			return Buffer.concat([PACK, ...start, pes(0xc0, pts, pts, adts, most)]);
		}
		const nals = [...(key ? parameterSetsOf(video!) : []), ...splitLengthPrefixed(data)];
		const stream = Buffer.concat(nals.flatMap((nal) => [START_CODE, nal]));
		const start = key ? [SYSTEM_HEADER, programMap(...types), PRIVATE] : [];
		return Buffer.concat([PACK, ...start, pes(0xe0, pts, dts, stream, most)]);
	});
	const [first] = accessUnits;
	const offset = Math.floor(first!.dts / 2 ** 33) * 2 ** 33;
	return {
		packs,
		expected: accessUnits.map((one) => ({
			...one,
			pts: (one.pts - offset) as never,
			dts: (one.dts - offset) as never,
		})),
	};
}
