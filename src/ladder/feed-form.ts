/**
 * In which container a publisher's access units go to FFmpeg's standard input: one that FFmpeg 5.1 reads without waiting
 * for the access unit behind. FLV for H.264 and AAC; AV1 in fragmented MP4; everything else in MPEG-TS, whose PES
 * packets say their length, or end at once where they are too long for that. All of a run is written as one unit.
 */
import { parseName } from "../base/name.ts";
import { type Ticks90k, ticks90k } from "../base/units.ts";
import type { AccessUnit, DecodeInformation } from "../media/access-unit.ts";
import { flv } from "../media/flv/flv.ts";
import { fmp4 } from "../media/fmp4/fmp4.ts";
import { mpegTs } from "../media/mpegts/mpegts.ts";
import type { Packaging, UnitWriter } from "../media/packaging.ts";

/** FFmpeg's names of demuxers. */
export type FeedForm = "flv" | "mov" | "mpegts";

const PACKAGINGS: Readonly<Record<FeedForm, Packaging>> = { flv, mov: fmp4, mpegts: mpegTs };

export function feedFormOf({ video, audio }: DecodeInformation): FeedForm {
	if (video?.codec === "av1") return "mov";
	return (video?.codec ?? "h264") === "h264" && (audio?.codec ?? "aac") === "aac" ? "flv" : "mpegts";
}

/** What publishers begin at 0, and audio a little before: no time of a container is below zero. */
const SHIFT = ticks90k(10 * 90_000);
const RENDITION = parseName("published", "the name of what is published");

/** Writes a feed, from its first access unit on. */
export class FeedWriter {
	readonly #decode: DecodeInformation;
	readonly #packaging: Packaging;
	#unit: UnitWriter | undefined;

	constructor(decode: DecodeInformation) {
		this.#decode = decode;
		this.#packaging = PACKAGINGS[feedFormOf(decode)];
	}

	/** @throws PenstockError STREAM_UNSUPPORTED for an access unit that the container cannot hold */
	write(accessUnit: AccessUnit): readonly Uint8Array[] {
		const shifted = { ...accessUnit, pts: later(accessUnit.pts), dts: later(accessUnit.dts) };
		const pieces: Uint8Array[] = [];
		const allocate = (byteLength: number): Uint8Array => {
			const piece = new Uint8Array(byteLength);
			pieces.push(piece);
			return piece;
		};
		if (this.#unit === undefined) {
			const head = {
				...{ number: 0, time: shifted.pts, pictureDuration: ticks90k(0), accessUnitsBefore: 0 },
				...{ rendition: RENDITION, decode: this.#decode },
			};
			this.#packaging.responseStart(head, allocate);
			this.#unit = this.#packaging.openUnit(head);
		}
		this.#unit.write(shifted, allocate);
		return pieces;
	}
}

const later = (time: Ticks90k): Ticks90k => ticks90k(time + SHIFT);
