/**
 * Every packaging in every player (S4, S7, S8, S9): one programme, recorded in all packagings at the same time while
 * the server switches the rendition at every unit. Each player must see every frame once and in order, hear every
 * sample where it belongs, and say nothing that the table does not foresee.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { AAC_FRAME_SAMPLES } from "../../src/media/aac.ts";
import { writeNumber } from "../../src/media/rtp/packet.ts";
import { type Screening, type ScreeningOptions, screen } from "../kit/browser-player.ts";
import { startChromium } from "../kit/chromium.ts";
import { gstreamerDemuxer } from "../kit/gstreamer-demuxers.ts";
import { type Penstock, startCli } from "../kit/penstock.ts";
import type { Recording } from "../kit/recording.ts";
import { expectEveryFrameOnce, readCounters, type Verdict } from "../kit/signal-reader.ts";
import { expectUnbrokenSound } from "../kit/sound-reader.ts";
import { ffmpegSound, gstreamerSound, mpvSound, type Sound, vlcSound } from "../kit/sound-witnesses.ts";
import { numberedChannel, recordTour, startTour, switchesIn } from "../kit/switched-programme.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { stepsBack, TINY_LADDER } from "../kit/tiny-ladder.ts";
import { ffprobePackets, gstreamerDecode, mpvDecode, vlcDecode } from "../kit/witnesses.ts";
import { beyondRemarks, MATRIX, PACKAGINGS, type Packaging, PLAYERS, type Player } from "./matrix-table.ts";

const SWITCHES = 20;
const SCREENINGS = 3;
/** What a player may give out more or less than was sent: a first frame that it primes its decoder with, a last one. */
const SLACK = 2 * AAC_FRAME_SAMPLES;

const LOOK: Record<Player, (file: string, packaging: Packaging) => Promise<Verdict>> = {
	FFmpeg: (file) => readCounters(file),
	GStreamer: (file, packaging) => gstreamerDecode(file, { demuxer: gstreamerDemuxer(packaging, { track: "video" }) }),
	VLC: (file) => vlcDecode(file),
	mpv: (file) => mpvDecode(file),
};

const LISTEN: Record<Player, (file: string, packaging: Packaging) => Promise<Sound>> = {
	FFmpeg: (file) => ffmpegSound(file),
	GStreamer: (file, packaging) => gstreamerSound(file, gstreamerDemuxer(packaging, { track: "audio" })),
	VLC: (file) => vlcSound(file),
	mpv: (file) => mpvSound(file),
};

const recordings = new Map<Packaging, { recording: Recording; file: string }>();

beforeAll(async () => {
	const penstock = await startTour({ signal: await numberedChannel() });
	const all = await recordTour(
		penstock,
		PACKAGINGS.map((packaging) => `live/signal.${packaging}`),
		SWITCHES,
	);
	for (const recording of all) recordings.set(recording.extension, { recording, file: recording.save() });
}, 120_000);

/**
 * The same `.rtp` body as a viewer is sent it some 18,000 packets later, when the upper byte of a sequence number is
 * 0x47 and looks like a transport stream's sync byte. With other numbers it is luck what a player finds that steps over
 * headers which it does not know.
 */
function withUnluckyNumbers(file: string): string {
	const body = readFileSync(file);
	let number = 0x4700;
	for (let at = 0; at + 2 <= body.length; at += 2 + body.readUInt16BE(at)) {
		if (at + 6 <= body.length) writeNumber(body, at, number++);
	}
	const path = join(makeTempDir("unlucky", 0o755), "received.rtp");
	writeFileSync(path, body, { mode: 0o644 });
	return path;
}

const countOf = ({ accessUnits }: Recording, kind: "video" | "audio"): number =>
	accessUnits.filter(({ track }) => track === kind).length;

describe.each(PACKAGINGS)(".%s", (packaging) => {
	let recording: Recording;
	let file: string;

	beforeAll(() => {
		({ recording, file } = recordings.get(packaging)!);
	});

	test(`our reader finds ${SWITCHES} switches or more, units without a gap, and nothing to leave out`, () => {
		const { units, faults } = recording;
		expect(switchesIn(recording)).toBeGreaterThanOrEqual(SWITCHES);
		expect(faults).toEqual([]);
		expect(units[0]!.rendition).toBe("low");
		expect(units.map(({ number }) => number)).toEqual(units.map((_, index) => units[0]!.number! + index));
		for (const { rendition, size } of units) {
			const { width, height } = TINY_LADDER.find(({ name }) => name === rendition)!;
			expect(size).toBe(`${width}x${height}`);
		}
		expect(stepsBack(recording)).toEqual([]);
	});

	describe.each(PLAYERS)("%s", (player) => {
		const cell = MATRIX[packaging][player];
		if (cell.kind === "cannot") {
			test("cannot read it, and says so", async () => {
				const words = await LOOK[player](withUnluckyNumbers(file), packaging).then(
					({ warnings }) => warnings.join("\n"),
					({ message }: Error) => message,
				);
				expect(words).toMatch(cell.says);
			});
			return;
		}
		test("sees every frame once, in order, over every switch", async () => {
			const { counters, warnings } = await LOOK[player](file, packaging);
			expectEveryFrameOnce(counters);
			expect(counters.length).toBeLessThanOrEqual(countOf(recording, "video"));
			expect(counters.length).toBeGreaterThanOrEqual(countOf(recording, "video") - (cell.keeps ?? 0));
			expect(beyondRemarks(warnings, cell.remarks)).toEqual([]);
		});

		test("hears every sample where it belongs, over every switch", async () => {
			const { pcm, warnings } = await LISTEN[player](file, packaging);
			expectUnbrokenSound(pcm, { frames: countOf(recording, "audio"), slack: SLACK });
			expect(beyondRemarks(warnings, cell.remarks)).toEqual([]);
		});
	});
});

describe.each(["ts", "flv", "mp4"] as const)("the packets of .%s, as ffprobe finds them", (packaging) => {
	test("are as many as were sent; times rise, and no audio frame is missing", async () => {
		const { recording, file } = recordings.get(packaging)!;
		const { packets, warnings } = await ffprobePackets(file);
		expect(beyondRemarks(warnings, remarksOf(packaging, "FFmpeg"))).toEqual([]);
		for (const track of ["video", "audio"] as const) {
			const times = packets.filter((packet) => packet.track === track);
			expect(times).toHaveLength(countOf(recording, track));
			for (const [index, { ptsSeconds, pts, dts }] of times.entries()) {
				if (index === 0) continue;
				expect(dts).toBeGreaterThan(times[index - 1]!.dts!);
				expect(pts).toBeGreaterThan(times[index - 1]!.pts!);
				// FLV has whole milliseconds.
				const stepMs = 1000 * (ptsSeconds! - times[index - 1]!.ptsSeconds!);
				if (track === "audio") expect(Math.abs(stepMs - 1024 / 48)).toBeLessThan(1);
			}
		}
	});
});

test("docs/interop.md prints the table", () => {
	const lines = readFileSync(new URL("../../docs/interop.md", import.meta.url), "utf8").split("\n");
	const cells = (start: string): string[] =>
		lines
			.find((line) => line.startsWith(`| ${start} |`))!
			.split("|")
			.slice(2, 2 + PLAYERS.length)
			.map((cell) => cell.trim());
	expect(cells("packaging")).toEqual([...PLAYERS]);
	for (const packaging of PACKAGINGS) {
		const proven = PLAYERS.map((player) => (MATRIX[packaging][player].kind === "reads" ? "yes" : "no"));
		expect(cells(`\`.${packaging}\``).map((cell) => cell.split(" ")[0])).toEqual(proven);
	}
});

/** It plays live, and takes no file: from a server of its own, with what it counted as its account. */
describe("penstock play", () => {
	let penstock: Penstock;
	const ends = new Map<Packaging, Record<string, unknown>>();

	beforeAll(async () => {
		penstock = await startTour({ signal: await numberedChannel() });
		// Two at a time: each starts a decoder at every switch.
		for (const pair of [PACKAGINGS.slice(0, 2), PACKAGINGS.slice(2)]) {
			await Promise.all(
				pair.map(async (packaging) => {
					const url = `${penstock.http}/live/signal.${packaging}`;
					const playing = startCli(["play", url, "--json", "--count-frames", "--until-switches", String(SWITCHES)]);
					const { code } = await playing.exited;
					const last = playing.stdout.trim().split("\n").at(-1)!;
					ends.set(packaging, { code, stderr: playing.stderr, ...(JSON.parse(last) as object) });
				}),
			);
		}
		await penstock.stop();
	}, 120_000);

	test.each(PACKAGINGS)(".%s: every frame once, in order, every audio frame decoded, no fault", (packaging) => {
		const end = ends.get(packaging)!;
		expect(end).toMatchObject({
			...{ code: 0, event: "end", reason: "switches", faults: 0, decoderWarnings: 0 },
			...{ framesLost: 0, framesMissing: 0, framesRepeated: 0, framesUnreadable: 0, audioFramesLost: 0, restarts: 0 },
		});
		expect(end["switches"]).toBeGreaterThanOrEqual(SWITCHES);
		expect(end["framesRead"]).toBe(end["framesReceived"]);
		expect(end["audioFramesDecoded"]).toBeGreaterThan(SWITCHES);
		expect(end["stderr"]).toBe("");
	});
});

/**
 * A browser renders sound in real time, and on a busy machine it tears anywhere. A fault of the stream tears it in the
 * same place each time: what is whole in one of three screenings is whole.
 */
async function screenUntilWhole(browser: Browser, options: ScreeningOptions, frames: number): Promise<Screening> {
	for (let attempt = 1; ; attempt++) {
		const seen = await screen(browser, options);
		try {
			expectUnbrokenSound(seen.pcm, { frames, slack: SLACK });
			return seen;
		} catch {
			if (attempt === SCREENINGS) return seen;
		}
	}
}

describe("Chromium on .mp4", () => {
	const screenings = new Map<string, Screening>();

	beforeAll(async () => {
		const browser = await startChromium();
		const { recording, file } = recordings.get("mp4")!;
		const body = readFileSync(file);
		const frames = countOf(recording, "audio");
		const type = 'video/mp4; codecs="avc1.4d401f,mp4a.40.2"';
		const ways = ["MSE", "src"] as const;
		const seen = await Promise.all(ways.map((way) => screenUntilWhole(browser, { body, way, type }, frames)));
		for (const [index, way] of ways.entries()) screenings.set(way, seen[index]!);
	}, 120_000);

	test.each(["MSE", "src"])("%s: every frame is decoded, none is lost at a switch", (way) => {
		const { recording } = recordings.get("mp4")!;
		const seen = screenings.get(way)!;
		const frames = countOf(recording, "video");
		expect(seen.complaints).toEqual([]);
		expect(seen).toMatchObject({ totalFrames: frames, corruptedFrames: 0 });
		const numbers = seen.counters.map(({ counter, checksumOk }) => (checksumOk ? counter : Number.NaN));
		for (const [index, number] of numbers.entries()) {
			if (index > 0) expect(number).toBeGreaterThan(numbers[index - 1]!);
		}
		// A busy machine's renderer drops frames, and says how many; a busy page misses some that were shown.
		expect(seen.presentedFrames + seen.droppedFrames).toBeGreaterThanOrEqual(frames);
		expect(new Set(seen.sizes)).toEqual(new Set(recording.units.map(({ size }) => size)));
	});

	test("MSE: what was appended is one range, as long as the recording", () => {
		const { recording } = recordings.get("mp4")!;
		const { buffered } = screenings.get("MSE")!;
		expect(buffered).toHaveLength(1);
		const [[from, to] = [0, 0]] = buffered;
		expect(to - from).toBeCloseTo(countOf(recording, "video") / 30, 1);
	});

	test.each(["MSE", "src"])("%s: hears every sample where it belongs", (way) => {
		const { recording } = recordings.get("mp4")!;
		expectUnbrokenSound(screenings.get(way)!.pcm, { frames: countOf(recording, "audio"), slack: SLACK });
	});
});

function remarksOf(packaging: Packaging, player: Player): Parameters<typeof beyondRemarks>[1] {
	const cell = MATRIX[packaging][player];
	return cell.kind === "reads" ? cell.remarks : [];
}
