import { describe, expect, it } from "vitest";
import { parseName } from "../base/name.ts";
import { ticks90k } from "../base/units.ts";
import { parseAudioSpecificConfig } from "../media/aac.ts";
import { parseAvcC } from "../media/h264.ts";
import { type Arrival, GATE_MOST_HELD, StartGate } from "./start-gate.ts";

const HIGH = parseName("high", "rendition");
const LOW = parseName("low", "rendition");
const RECORD = "014d400dffe10016674d400dda05067e7c04400000fa40003a9823c50aa801000468ef3c80";
const config = (rendition: typeof HIGH): Arrival => ({
	kind: "video-config",
	rendition,
	config: parseAvcC(Uint8Array.from(RECORD.match(/../g)!.map((pair) => Number.parseInt(pair, 16)))),
});
const AUDIO_CONFIG: Arrival = { kind: "audio-config", config: parseAudioSpecificConfig(Uint8Array.of(0x11, 0x90)) };
const unit = (track: "video" | "audio", time: number, key: boolean) => ({
	track,
	pts: ticks90k(time),
	dts: ticks90k(time),
	key,
	data: new Uint8Array(1),
});
const video = (rendition: typeof HIGH, time: number, key = false): Arrival => ({
	kind: "video",
	rendition,
	accessUnit: unit("video", time, key),
});
const audio = (time: number): Arrival => ({ kind: "audio", accessUnit: unit("audio", time, true) });

const say = (arrivals: readonly Arrival[]): string[] =>
	arrivals.map((arrival) => {
		if (arrival.kind === "video") return `${arrival.rendition} ${arrival.accessUnit.pts}`;
		if (arrival.kind === "audio") return `audio ${arrival.accessUnit.pts}`;
		return arrival.kind === "video-config" ? `config ${arrival.rendition}` : "config audio";
	});

function pass(gate: StartGate, arrivals: readonly Arrival[]): string[][] {
	return arrivals.map((arrival) => say(gate.offer(arrival)));
}

describe("the start of a run", () => {
	it("is held until every rendition has a key picture and audio its configuration, then told in order", () => {
		const gate = new StartGate([HIGH, LOW], true);
		const steps = pass(gate, [config(HIGH), video(HIGH, 0, true), config(LOW), audio(10), video(LOW, 0, true)]);
		expect(steps.flat()).toEqual([]);
		expect(say(gate.offer(AUDIO_CONFIG))).toEqual([
			...["config high", "config low", "config audio"],
			...["high 0", "audio 10", "low 0"],
		]);
		expect(gate.start).toBe(0);
		expect(pass(gate, [video(HIGH, 40), audio(30)])).toEqual([["high 40"], ["audio 30"]]);
	});

	it("is the latest first key picture, and everything before it is dropped, late arrivals too", () => {
		const gate = new StartGate([HIGH, LOW], false);
		pass(gate, [config(LOW), config(HIGH), video(LOW, 0, true), video(LOW, 40), video(LOW, 80), audio(70), audio(90)]);
		expect(say(gate.offer(video(HIGH, 80, true)))).toEqual(["config low", "config high", "audio 90", "high 80"]);
		expect(pass(gate, [audio(79), video(LOW, 120), video(LOW, 160, true), video(LOW, 200)])).toEqual([
			[],
			[],
			["low 160"],
			["low 200"],
		]);
	});

	it("goes on without audio when told to, and lets audio join later", () => {
		const gate = new StartGate([HIGH], true);
		pass(gate, [config(HIGH), video(HIGH, 0, true)]);
		expect(say(gate.openWithoutAudio())).toEqual(["config high", "high 0"]);
		expect(pass(gate, [AUDIO_CONFIG, audio(20)])).toEqual([["config audio"], ["audio 20"]]);
	});

	it("cannot be forced without a picture of every rendition, and says which are lacking", () => {
		const gate = new StartGate([HIGH, LOW], true);
		pass(gate, [config(HIGH), video(HIGH, 0, true), config(LOW)]);
		expect(gate.openWithoutAudio()).toEqual([]);
		expect(gate.lacking).toEqual([LOW]);
	});

	it("without renditions is the first audio frame, once the configuration is there", () => {
		const gate = new StartGate([], true);
		expect(pass(gate, [audio(70), audio(90)])).toEqual([[], []]);
		expect(gate.openWithoutAudio()).toEqual([]);
		const other = new StartGate([], true);
		expect(other.openWithoutAudio()).toEqual([]);
		expect(other.lacking).toEqual(["audio"]);
		expect(pass(other, [AUDIO_CONFIG, audio(70), audio(90)])).toEqual([[], ["config audio", "audio 70"], ["audio 90"]]);
		expect(other.start).toBe(70);
	});

	it("holds no more than its bound", () => {
		const gate = new StartGate([HIGH, LOW], true);
		for (let i = 0; i < GATE_MOST_HELD - 1; i++) gate.offer(video(HIGH, i, true));
		expect(gate.full).toBe(false);
		gate.offer(video(HIGH, 5000));
		expect(gate.full).toBe(true);
	});
});
