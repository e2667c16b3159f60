/**
 * Alignment through the whole server (S3, S7): what viewers of different renditions receive has the same units, picture
 * by picture, whatever the source; and where a rendition is one frame off, the server says so and sends nobody there.
 */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { makeClip } from "../kit/media-maker.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { type Recording, record } from "../kit/recording.ts";
import { expectEveryFrameOnce, readCounters } from "../kit/signal-reader.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { NO_TS_FAULTS, picturesByUnit, stepsBack, TINY_CHANNEL, TINY_LADDER, TINY_SIZES } from "../kit/tiny-ladder.ts";

const UNITS = 300;
/** Viewers do not join in the same unit, and the last one is cut. */
const MARGIN = 12;
const COPY_ON_TOP = [{ name: "source", copy: true }, ...TINY_LADDER.slice(1)];

/** Each source with the pictures of its units, as far as they are the same in every unit. */
const CHANNELS = [
	{ name: "pattern", what: "the test pattern at 30 frames/s", renditions: TINY_LADDER, pictures: [7, 8] },
	{ name: "ntsc", what: "a looped file at 30000/1001 frames/s", renditions: TINY_LADDER, pictures: [7, 8] },
	{ name: "uneven", what: "a looped file with a variable frame rate", renditions: TINY_LADDER, pictures: undefined },
	{
		name: "copied",
		what: "a looped file that is itself the best rendition",
		renditions: COPY_ON_TOP,
		pictures: [6, 6],
	},
] as const;

const namesOf = (renditions: readonly { readonly name: string }[]): string[] => renditions.map(({ name }) => name);

async function startChannels(): Promise<Penstock> {
	const clips = {
		ntsc: await makeClip({ container: "mp4", frameRate: "30000/1001", seconds: 10, audio: true }),
		uneven: await makeClip({ container: "mkv", variableFrameRate: true, seconds: 10, audio: true, gopFrames: 45 }),
		copied: await makeClip({ container: "mp4", frameRate: 24, seconds: 10, gopFrames: 6, audio: true }),
	};
	return startPenstock({
		channels: {
			pattern: TINY_CHANNEL,
			ntsc: { ...TINY_CHANNEL, source: { file: clips.ntsc } },
			uneven: { ...TINY_CHANNEL, source: { file: clips.uneven } },
			copied: { ...TINY_CHANNEL, source: { file: clips.copied }, renditions: COPY_ON_TOP },
		},
	});
}

describe(`${UNITS} units of 250 ms, received in all renditions at once`, () => {
	let penstock: Penstock;
	const recordings = new Map<string, Recording>();
	const recordingOf = (channel: string, rendition: string): Recording => recordings.get(`${channel}/${rendition}`)!;

	beforeAll(async () => {
		penstock = await startChannels();
		const all = CHANNELS.flatMap(({ name, renditions }) =>
			namesOf(renditions).map(async (rendition) => {
				const recording = await record(`${penstock.http}/live/${name}.ts?rendition=${rendition}`);
				recordings.set(`${name}/${rendition}`, recording);
				await recording.until(({ units }) => units.length >= UNITS + MARGIN);
			}),
		);
		await Promise.all(all);
	}, 180_000);

	describe.each(CHANNELS)("from $what", ({ name, renditions, pictures }) => {
		test("the times of units and of all their pictures are equal in every rendition", () => {
			const seen = namesOf(renditions).map((rendition) => picturesByUnit(recordingOf(name, rendition)));
			const from = Math.max(...seen.map((units) => Math.min(...units.keys())));
			const to = Math.min(...seen.map((units) => Math.max(...units.keys())));
			const common = seen.map((units) => [...units].filter(([time]) => time >= from && time <= to));
			expect(common[0]!.length).toBeGreaterThanOrEqual(UNITS);
			for (const units of common.slice(1)) expect(units).toEqual(common[0]);
			if (pictures === undefined) return;
			const [least, most] = pictures;
			// Where a file begins anew, its last unit may be shorter or longer.
			const odd = common[0]!.filter(([, { length }]) => length < least || length > most);
			expect(odd.length).toBeLessThanOrEqual(UNITS / 20);
		});

		test("each response is whole: times rise, and no packet is damaged or missing", () => {
			for (const rendition of namesOf(renditions)) {
				const recording = recordingOf(name, rendition);
				expect(stepsBack(recording)).toEqual([]);
				expect(recording.counts).toMatchObject(NO_TS_FAULTS);
				expect(new Set(recording.units.map(({ size }) => size)).size).toBe(1);
			}
		});

		test("the API calls every rendition aligned", async () => {
			const snapshot = await penstock.channel(`live/${name}`);
			expect(snapshot.ladder).toMatchObject({ state: "running", restarts: 0 });
			expect(namesOf(snapshot.renditions)).toEqual(namesOf(renditions));
			for (const rendition of snapshot.renditions) {
				expect(rendition).toMatchObject({ aligned: true, misaligned: 0, missing: 0, late: 0, overlong: 0 });
				expect(rendition).not.toHaveProperty("refused");
				expect(rendition.units).toBeGreaterThanOrEqual(UNITS);
			}
			expect(await penstock.metric("penstock_alignment_faults_total", { channel: `live/${name}` })).toBe(0);
		});
	});
});

/**
 * FFmpeg, but for one thing: the second encoder is told to make its key pictures one frame (33 ms) behind everybody
 * else's. Nothing else of the command line changes, so that this is what a real fault of alignment looks like.
 */
function lateFfmpeg(): string {
	const path = join(makeTempDir("late-ffmpeg"), "ffmpeg");
	const script = `#!/bin/sh
seen=0 replace=0 left=$#
while [ "$left" -gt 0 ]; do
	argument=$1
	shift
	left=$((left - 1))
	if [ "$replace" = 1 ]; then
		argument='expr:gte(t,0.033+0.25*n_forced)'
		replace=0
	elif [ "$argument" = -force_key_frames ]; then
		seen=$((seen + 1))
		if [ "$seen" = 2 ]; then replace=1; fi
	fi
	set -- "$@" "$argument"
done
exec ffmpeg "$@"
`;
	writeFileSync(path, script);
	chmodSync(path, 0o755);
	return path;
}

describe("a ladder of which one rendition is one frame late", () => {
	let penstock: Penstock;
	beforeAll(async () => {
		penstock = await startPenstock({ ffmpeg: { path: lateFfmpeg() }, channels: { late: TINY_CHANNEL } });
	});

	/** Watches for `units` units; `tell` is called in the fourth and may ask for another rendition. */
	async function watch(start: string, wish: string, units: number): Promise<Recording> {
		const recording = await record(`${penstock.http}/live/late.ts?rendition=${start}`, (_, seen) => {
			if (seen.units.length !== 4) return;
			void penstock.call("PUT", `/api/v1/viewers/${seen.id}/rendition`, { rendition: wish });
		});
		return recording.until((seen) => seen.units.length >= units);
	}

	test("nobody is switched there or away from there, and each viewer gets every frame once", async () => {
		const [towards, away, between] = await Promise.all([
			watch("low", "mid", 40),
			watch("mid", "low", 40),
			watch("low", "high", 40),
		]);
		const sizesOf = ({ units }: Recording): string[] => [...new Set(units.map(({ size }) => size))];
		expect(sizesOf(towards)).toEqual([TINY_SIZES.low]);
		expect(sizesOf(away)).toEqual([TINY_SIZES.mid]);
		// The two renditions that are aligned: the same wish is granted.
		expect(sizesOf(between)).toEqual([TINY_SIZES.low, TINY_SIZES.high]);
		expect(await penstock.viewer(towards.id)).toMatchObject({ wish: "mid", rendition: "low", switches: 0 });
		expect(await penstock.viewer(away.id)).toMatchObject({ wish: "low", rendition: "mid", switches: 0 });
		expect(await penstock.viewer(between.id)).toMatchObject({ wish: "high", rendition: "high", switches: 1 });
		for (const recording of [towards, away, between]) {
			const { counters, warnings } = await readCounters(recording.save());
			expectEveryFrameOnce(counters);
			expect(counters.length).toBeGreaterThan(280);
			expect(warnings).toEqual([]);
			expect(recording.counts).toMatchObject(NO_TS_FAULTS);
			recording.viewer.close();
		}
	});

	test("the API, the metrics and one line of the log name that rendition and no other", async () => {
		const { renditions } = await penstock.channel("live/late");
		const [high, mid, low] = renditions;
		expect(high).toMatchObject({ name: "high", aligned: true, misaligned: 0, missing: 0 });
		expect(low).toMatchObject({ name: "low", aligned: true, misaligned: 0, missing: 0 });
		expect(mid).toMatchObject({ name: "mid", aligned: false, missing: 0 });
		expect(mid!.misaligned).toBeGreaterThanOrEqual(40);
		const faults = (labels: Record<string, string>): Promise<number> =>
			penstock.metric("penstock_alignment_faults_total", labels);
		expect(await faults({ rendition: "mid", kind: "misaligned" })).toBeGreaterThanOrEqual(mid!.misaligned);
		expect(await faults({ rendition: "high" })).toBe(0);
		expect(await faults({ rendition: "low" })).toBe(0);
		const lines = penstock.log.filter((line) => "fault" in line);
		expect(lines).toHaveLength(1);
		expect(lines[0]).toMatchObject({ fault: { kind: "misaligned", rendition: "mid", unit: 1 } });
		expect(lines[0]!["msg"]).toMatch(/^rendition mid, unit 1: its IDR is \+3[34]\.\d ms from the unit's time/);
	});
});
