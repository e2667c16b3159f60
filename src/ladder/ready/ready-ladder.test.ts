import { beforeEach, describe, expect, it } from "vitest";
import { name } from "../../../test/kit/access-units.ts";
import { ManualClock } from "../../../test/kit/manual-clock.ts";
import type { PenstockError } from "../../base/errors.ts";
import { bitsPerSecond, milliseconds, ticks90k } from "../../base/units.ts";
import type { PublicationSink } from "../../ingest/publications.ts";
import type { AccessUnit, AudioConfig, DecodeInformation, VideoConfig } from "../../media/access-unit.ts";
import { PublishedStream } from "../../server/published-stream.ts";
import { type AudioSpec, DEFAULT_TIMEOUTS } from "../ladder-config.ts";
import { ReadyLadder } from "./ready-ladder.ts";

const VIDEO = { codec: "h264", width: 320, height: 180 } as unknown as VideoConfig;
const AUDIO = { codec: "aac", sampleRateHz: 48_000, channelCount: 2 } as unknown as AudioConfig;
const OTHER_AUDIO = { codec: "aac", sampleRateHz: 44_100, channelCount: 1 } as unknown as AudioConfig;
const PICTURE_MS = 40;
const GOP = 5;
const UNIT_MS = PICTURE_MS * GOP;
const NAMES = [name("high"), name("low")];

let clock: ManualClock;
let ladder: ReadyLadder;
let streams: readonly PublishedStream[];
let told: string[];
let sound: AccessUnit[];
const video = new Map<string, AccessUnit[]>();

function open(audio: Partial<AudioSpec> | undefined): void {
	const lead = { lead: "video", tracks: ["video", "audio"], clock, onFault: () => undefined } as const;
	streams = NAMES.map((channel) => new PublishedStream({ channel, ...lead }));
	ladder = new ReadyLadder(
		{
			...{ channel: "live/cam", source: { kind: "ready" }, unitDuration: milliseconds(UNIT_MS) },
			renditions: NAMES.map((one) => ({ name: one, kind: "ready", input: { kind: "published", stream: one } })),
			...(audio && { audio: { bitsPerSecond: bitsPerSecond(0), ...audio } }),
			...{ tools: { ffmpeg: "ffmpeg", ffprobe: "ffprobe" }, timeouts: DEFAULT_TIMEOUTS },
		},
		{
			clock,
			inputs: streams.map((feeds) => ({ feeds })),
			sink: {
				videoConfig: (rendition) => told.push(`video of ${rendition}`),
				audioConfig: ({ sampleRateHz }) => told.push(`audio ${sampleRateHz}`),
				videoUnit: (rendition, unit) => video.set(rendition, [...(video.get(rendition) ?? []), unit]),
				audioUnit: (unit) => sound.push(unit),
				renditionRefused: (rendition, { code }) => told.push(`refused ${rendition} ${code}`),
				interrupted: ({ code }) => told.push(`interrupted ${code}`),
			},
		},
	);
	ladder.start();
}

const publish = (input: number, decode: DecodeInformation): PublicationSink => {
	const sink = streams[input]!.open();
	sink.decodeInformation?.(decode);
	return sink;
};

const unit = (track: "video" | "audio", ms: number, key: boolean): AccessUnit => ({
	...{ track, pts: ticks90k(ms * 90), dts: ticks90k(ms * 90), key, data: Uint8Array.of(0x21, 0x10) },
});

/** All of them send so many pictures, each with a frame of sound behind it. */
async function send(sinks: readonly PublicationSink[], from: number, to: number): Promise<void> {
	for (let number = from; number < to; number++) {
		for (const sink of sinks) {
			sink.accessUnit(unit("video", number * PICTURE_MS, number % GOP === 0));
			sink.accessUnit(unit("audio", number * PICTURE_MS + 10, true));
		}
		clock.advance(PICTURE_MS);
		// A feed is given by a promise.
		for (let turns = 0; turns < 10; turns++) await Promise.resolve();
	}
}

const left = { message: "left", code: "SOURCE_UNREACHABLE" } as PenstockError;

beforeEach(() => {
	clock = new ManualClock();
	told = [];
	sound = [];
	video.clear();
});

const keysOf = (rendition: string): number[] =>
	(video.get(rendition) ?? []).filter(({ key }) => key).map(({ pts }) => pts / 90);

describe("a ready-made ladder", () => {
	it("gives all renditions the same lines, and the sound of the first that has joined", async () => {
		open({});
		await send([publish(0, { video: VIDEO, audio: AUDIO }), publish(1, { video: VIDEO, audio: OTHER_AUDIO })], 0, 40);
		expect(told).toEqual(["video of high", "audio 48000", "video of low"]);
		expect(keysOf("high")).toEqual(keysOf("low"));
		expect(keysOf("high")).toHaveLength(8);
		expect(sound).toHaveLength(40);
		expect(ladder.status).toMatchObject({ state: "running", refused: [] });
		expect([ladder.stateOf(0), ladder.stateOf(1)]).toMatchObject([
			{ phase: "joined", offset: 0 },
			{ phase: "joined", offset: 0 },
		]);
	});

	it("takes the sound of the input that is named, and of no other", async () => {
		open({ from: name("low") });
		const high = publish(0, { video: VIDEO, audio: AUDIO });
		await send([high], 0, 20);
		expect([told, sound]).toEqual([["video of high"], []]);
		await send([high, publish(1, { video: VIDEO, audio: OTHER_AUDIO })], 20, 60);
		expect(told).toContain("audio 44100");
		expect(sound.length).toBeGreaterThan(20);
		expect(sound.every(({ pts }, index) => index === 0 || pts > sound[index - 1]!.pts)).toBe(true);
	});

	it("goes on with another's sound from the next unit on where that input is away for too long", async () => {
		open({});
		const [high, low] = [publish(0, { video: VIDEO, audio: AUDIO }), publish(1, { video: VIDEO, audio: OTHER_AUDIO })];
		await send([high, low], 0, 20);
		high.end(left);
		const before = sound.length;
		await send([low], 20, 100);
		expect(told.slice(3)).toEqual(["audio 44100", "refused high SOURCE_UNREACHABLE"]);
		expect(sound.length).toBeGreaterThan(before);
		expect(keysOf("low")).toHaveLength(20);
	});

	it("refuses another codec than the channel's, and no sound where none is wanted", async () => {
		open(undefined);
		const hevc = { ...VIDEO, codec: "hevc" } as unknown as VideoConfig;
		await send([publish(0, { video: VIDEO, audio: AUDIO }), publish(1, { video: hevc })], 0, 20);
		expect(told).toEqual(["video of high", "refused low LADDER_INPUT_UNFIT"]);
		expect(ladder.status.lastError).toMatch(/rendition "low": it is hevc while the channel's codec is h264; send h264/);
		expect(sound).toEqual([]);
	});

	it("tells once that all are away, and its time goes on when they come back with another clock", async () => {
		open({});
		await send(
			[publish(0, { video: VIDEO, audio: AUDIO }), publish(1, { video: VIDEO, audio: AUDIO })].slice(0, 1),
			0,
			20,
		);
		streams[0]!.open().end(undefined);
		await ladder.stop();
		expect(ladder.status.state).toBe("stopped");
		clock.advance(5000);
		ladder.start();
		await send([publish(0, { video: VIDEO, audio: AUDIO })], 0, 20);
		const keys = keysOf("high");
		expect(keys.every((time, index) => index === 0 || time > keys[index - 1]!)).toBe(true);
		expect(keys).toHaveLength(8);
		const steps = keys.slice(1).map((time, index) => time - keys[index]!);
		expect(Math.max(...steps)).toBeGreaterThan(5000);
	});

	it("lets a silent input go, and has it back when it goes on", async () => {
		open(undefined);
		const [high, low] = [publish(0, { video: VIDEO }), publish(1, { video: VIDEO })];
		await send([high, low], 0, 20);
		await send([high], 20, 200);
		expect(told.slice(2)).toEqual(["refused low SOURCE_UNREACHABLE"]);
		await send([high, low], 200, 240);
		expect(told.at(-1)).toBe("video of low");
		// Without sound, the first half second is waited for it.
		expect(keysOf("high")).toHaveLength(46);
		expect(keysOf("low").at(-1)).toBe(keysOf("high").at(-1));
	});
});
