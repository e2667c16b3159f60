/** The chain of decoders with real FFmpeg, fed with real access units of two sizes. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { makeClip } from "../../test/kit/media-maker.ts";
import { milliseconds, msToTicks, ticks90k } from "../base/units.ts";
import type { AccessUnit, DecodeInformation } from "../media/access-unit.ts";
import { fmp4 } from "../media/fmp4/fmp4.ts";
import { MpegTsReader } from "../media/mpegts/reader.ts";
import { BAR_HEIGHT, BAR_WIDTH, readBar } from "../media/test-signal.ts";
import { nodeClock } from "../server/node-time.ts";
import { DecoderChain, type Fed } from "./decoder-chain.ts";

interface Coded {
	readonly decode: DecodeInformation;
	readonly pictures: readonly AccessUnit[];
}

const GOP = 10;
const FRAMES = 60;

async function coded(size: { width: number; height: number }, bFrames = 0): Promise<Coded> {
	const clip = await makeClip({ container: "ts", ...size, seconds: FRAMES / 30, gopFrames: GOP, bFrames });
	let decode: DecodeInformation = {};
	const pictures: AccessUnit[] = [];
	const reader = new MpegTsReader({
		accessUnit: (accessUnit) => pictures.push(accessUnit),
		decodeInformation: (told) => (decode = told),
	});
	reader.push(readFileSync(clip));
	reader.end();
	return { decode, pictures };
}

class Rig {
	readonly frames: { readonly counter: number; readonly fed: Fed }[] = [];
	readonly complaints: string[] = [];
	lost = 0;
	failure: Error | undefined;
	readonly chain: DecoderChain;

	constructor(ffmpeg = "ffmpeg") {
		const feed = { packaging: fmp4, format: "mp4" };
		this.chain = new DecoderChain(
			{ ffmpeg, track: "video", pictures: "bar", clock: nodeClock(), feed },
			{
				frame: ({ picture }, fed) => {
					const { counter, checksumOk } = readBar(picture, BAR_WIDTH, BAR_HEIGHT);
					this.frames.push({ counter: checksumOk ? counter : -1, fed });
				},
				lost: (count) => {
					this.lost += count;
				},
				complaint: (line) => this.complaints.push(line),
				failed: (error) => {
					this.failure = error;
				},
				relieved: () => {},
			},
		);
	}

	reset({ decode }: Coded, unit: number): void {
		const time = msToTicks(unit * 1000);
		const times = { time, pictureDuration: ticks90k(3000) };
		this.chain.reset({ number: unit, ...times, accessUnitsBefore: 0, rendition: "x", decode });
	}

	feed(accessUnit: AccessUnit, unit: number): void {
		this.chain.feed(accessUnit, { pts: accessUnit.pts, rendition: `r${unit % 2}`, unit, arrivedAt: milliseconds(0) });
	}
}

const ALL = Array.from({ length: FRAMES }, (_, index) => index);

describe("decoders in a chain", () => {
	let one: Coded;
	let other: Coded;

	beforeAll(async () => {
		[one, other] = await Promise.all([coded({ width: 320, height: 180 }), coded({ width: 256, height: 144 })]);
	});

	it("give every frame once and in order, with what was known of it, over a reset at every unit", async () => {
		const rig = new Rig();
		for (let unit = 0; unit * GOP < FRAMES; unit++) {
			const from = unit % 2 === 0 ? one : other;
			rig.reset(from, unit);
			for (const picture of from.pictures.slice(unit * GOP, (unit + 1) * GOP)) rig.feed(picture, unit);
		}
		await rig.chain.finish();
		expect(rig.frames.map(({ counter }) => counter)).toEqual(ALL);
		expect(rig.frames.map(({ fed }) => fed.unit)).toEqual(ALL.map((index) => Math.floor(index / GOP)));
		expect(rig.frames.map(({ fed }) => fed.pts)).toEqual(one.pictures.map(({ pts }) => pts));
		expect([rig.lost, rig.complaints, rig.chain.count]).toEqual([0, [], FRAMES / GOP]);
	});

	it("give frames in the order of their times where they were coded in another", async () => {
		const reordered = await coded({ width: 320, height: 180 }, 2);
		expect(reordered.pictures.some(({ pts, dts }) => pts > dts)).toBe(true);
		const rig = new Rig();
		rig.reset(reordered, 0);
		for (const picture of reordered.pictures) rig.feed(picture, 0);
		await rig.chain.finish();
		expect(rig.frames.map(({ counter }) => counter)).toEqual(ALL);
		expect(rig.lost).toBe(0);
	});

	it("give out each frame without waiting for the next", async () => {
		const rig = new Rig();
		rig.reset(one, 0);
		const seen = (count: number): Promise<void> =>
			new Promise((resolve) => {
				const look = (): void => void (rig.frames.length >= count ? resolve() : setImmediate(look));
				look();
			});
		for (const [index, picture] of one.pictures.slice(0, GOP).entries()) {
			rig.feed(picture, 0);
			await seen(index + 1); // would not come true if a frame were held back
		}
		await rig.chain.finish();
		expect(rig.frames).toHaveLength(GOP);
	});

	it("account for what a dead decoder took along, and go on at the next key picture", async () => {
		const rig = new Rig();
		rig.reset(one, 0);
		for (const picture of one.pictures.slice(0, GOP)) rig.feed(picture, 0);
		rig.chain.kill();
		for (const picture of one.pictures.slice(GOP)) rig.feed(picture, 1);
		await rig.chain.finish();
		expect(rig.frames.length + rig.lost).toBe(FRAMES);
		expect(rig.frames.map(({ counter }) => counter).slice(-(FRAMES - GOP))).toEqual(ALL.slice(GOP));
	});

	it("count pictures that the decoder cannot make anything of, and say what it complained of", async () => {
		const rig = new Rig();
		rig.reset(one, 0);
		const garbage = Uint8Array.of(0, 0, 0, 8, 0x41, 1, 2, 3, 4, 5, 6, 7);
		for (const [index, picture] of one.pictures.entries()) {
			rig.feed(index === 15 ? { ...picture, data: garbage } : picture, 0);
		}
		await rig.chain.finish();
		expect(rig.complaints.length).toBeGreaterThan(0);
		expect(rig.frames.length + rig.lost).toBe(FRAMES);
		expect(rig.frames.at(-1)?.counter).toBe(FRAMES - 1);
	});

	it("say it when FFmpeg is not there, and what to install", async () => {
		const rig = new Rig("/nowhere/ffmpeg");
		rig.reset(one, 0);
		rig.feed(one.pictures[0]!, 0);
		await rig.chain.finish();
		expect(rig.failure?.message).toMatch(/^FFMPEG_MISSING: \/nowhere\/ffmpeg cannot be run .*apt-get install ffmpeg/);
	});
});
