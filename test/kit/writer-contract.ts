/**
 * What every packaging's writer keeps before independent witnesses: real encodes of one programme in three sizes,
 * another one in every unit, are played as if they were one; a viewer that is moved over a hole meets no corruption;
 * and our own reader finds what was written. No server in between: what fails here is the writer. `describeWriter`
 * declares one test for each of these sentences and each witness; `WriterContract` says how the packaging differs.
 */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { runToEnd } from "./processes.ts";
import { expectReadBack, type ReadingBack, readAll } from "./reader-contract.ts";
import { expectEveryFrameOnce, type Verdict } from "./signal-reader.ts";
import {
	accessUnitsOf,
	FRAMES,
	GOP,
	makeRenditions,
	type SentUnit,
	switching,
	type WrittenUnit,
	writeResponse,
} from "./switching-units.ts";
import { makeTempDir } from "./temp-dir.ts";
import { ffprobePackets } from "./witnesses.ts";

/** What a witness says, line by line, to a response in which nothing is wrong. */
export interface Words {
	/** Exactly these, in this order; none where this is left out. */
	readonly says?: readonly RegExp[];
	/** Others that it may say, as often as it likes. */
	readonly maySay?: RegExp;
}

export interface Witness extends Words {
	readonly decode: (path: string) => Promise<Verdict>;
	/** Lines that it may say besides where there is a hole. */
	readonly maySayOfHoles?: RegExp;
	/** It gives out every picture that a viewer got before a hole and behind it; if not, it gives out none broken. */
	readonly playsOverHoles: boolean;
}

export interface WriterContract extends ReadingBack {
	readonly witnesses: Readonly<Record<string, Witness>>;
	/** What FFmpeg's demuxer says, and with it the programs made of it; absent where it has none for the packaging. */
	readonly ffmpeg?: { readonly decoder: Words; readonly probe: Words };
}

/** What the tests of a packaging are shown. */
export interface Programme {
	/** Aligned; another of them in each of `units`. */
	readonly renditions: readonly WrittenUnit[][];
	readonly units: readonly WrittenUnit[];
	/** `units` as one viewer gets them. */
	readonly file: string;
	readonly bFrames: number;
}

/** A file for witnesses to read. */
export function save(name: string, ...parts: readonly Uint8Array[]): string {
	const path = join(makeTempDir("writer"), name);
	writeFileSync(path, Buffer.concat(parts));
	return path;
}

/** Five units, nine access units of the next, and five units behind a hole. */
export function overHole(units: readonly WrittenUnit[]): { readonly before: SentUnit[]; readonly after: SentUnit[] } {
	const half = { ...units[5]!, accessUnits: units[5]!.accessUnits.slice(0, 9), brokeOff: true };
	const [next, ...rest] = units.slice(11, 16);
	return { before: [...units.slice(0, 5), half], after: [{ ...next!, overHole: true }, ...rest] };
}

/** Throws unless a witness said what it has to say and, besides, only what it may. */
export function expectWords(lines: readonly string[], { says = [], maySay }: Words): void {
	expect(unlisted(lines, [maySay])).toEqual(says.map((pattern) => expect.stringMatching(pattern)));
}

const unlisted = (lines: readonly string[], listed: readonly (RegExp | undefined)[]): string[] =>
	lines.filter((line) => !listed.some((pattern) => pattern?.test(line)));

/** What FFmpeg decodes of one kind of track: a digest of everything that it gives out, and what it says. */
export async function ffmpegDecode(
	path: string,
	track: "video" | "audio",
): Promise<{ digest: string; bytes: number; words: string[] }> {
	const digest = createHash("sha256");
	let bytes = 0;
	const pcm = ["-map", "0:a", "-c:a", "pcm_s16le", "-f", "s16le"];
	const format = track === "audio" ? pcm : ["-map", "0:v", "-fps_mode", "passthrough", "-f", "rawvideo"];
	const ended = await runToEnd("ffmpeg", ["-nostdin", "-v", "warning", "-i", path, ...format, "-"], {
		onStdout: (data) => {
			digest.update(data);
			bytes += data.length;
		},
	});
	expect(ended.code).toBe(0);
	const words = ended.stderr.split("\n").map((line) => line.trim());
	return { digest: digest.digest("hex"), bytes, words: words.filter((line) => line !== "") };
}

/**
 * Declares the tests, for a programme without B-frames and one with them.
 * @param special declares what only this packaging has; the programme is there when its tests run
 */
export function describeWriter(contract: WriterContract, special: (made: () => Programme) => void): void {
	describe.each([
		["without B-frames", 0],
		["with B-frames, PTS apart from DTS", 2],
	])("three renditions %s, another one in every unit", (_, bFrames) => {
		const { extension } = contract.packaging;
		let programme: Programme | undefined;
		const made = (): Programme => programme ?? expect.unreachable("nothing was made");

		beforeAll(async () => {
			const renditions = await makeRenditions({ bFrames });
			const units = switching(renditions);
			const file = save(`switching.${extension}`, writeResponse(contract.packaging, units));
			programme = { renditions, units, file, bFrames };
		});

		for (const [name, witness] of Object.entries(contract.witnesses)) testWitness(contract, name, witness, made);
		if (contract.ffmpeg !== undefined) testTimesAndSound(contract, contract.ffmpeg, made);
		test("our own reader finds every access unit, each switch with its name, and the decode information of each", () => {
			const { units } = made();
			const seen = readAll(contract.open, writeResponse(contract.packaging, units));
			expectReadBack(contract, seen, units);
			expect(seen.reader.heldBytes).toBeLessThanOrEqual(1024);
		});
		special(made);
	});
}

function testWitness(contract: WriterContract, name: string, witness: Witness, made: () => Programme): void {
	test(`${name} decodes every frame once, in order, and says nothing but what is listed`, async () => {
		const seen = await witness.decode(made().file);
		expectWords(seen.warnings, witness);
		expectEveryFrameOnce(seen.counters, { from: 0, to: FRAMES - 1 });
	});

	test(`${name} meets no corruption where a viewer was moved over a hole`, async () => {
		const { before, after } = overHole(made().units);
		const response = writeResponse(contract.packaging, [...before, ...after]);
		const { counters, warnings } = await witness.decode(save(`hole.${contract.packaging.extension}`, response));
		expect(counters.length).toBeGreaterThan(0);
		expect(counters.every(({ checksumOk }) => checksumOk)).toBe(true);
		if (witness.playsOverHoles) {
			const seen = counters.map(({ counter }) => counter);
			const five = (from: number): number[] => Array.from({ length: 5 * GOP }, (_, index) => from + index);
			expect([seen.slice(0, 5 * GOP), seen.slice(-5 * GOP)]).toEqual([five(0), five(11 * GOP)]);
			expect(seen.length).toBe(accessUnitsOf([...before, ...after], "video").length);
		}
		expect(unlisted(warnings, [...(witness.says ?? []), witness.maySay, witness.maySayOfHoles])).toEqual([]);
	});
}

function testTimesAndSound(
	contract: WriterContract,
	{ decoder, probe }: NonNullable<WriterContract["ffmpeg"]>,
	made: () => Programme,
): void {
	const { packaging, tick } = contract;
	const rounded = (ticks: number): number => Math.round(ticks / tick);

	test("ffprobe reads the PTS and DTS that were written, of every access unit", async () => {
		const { packets, warnings } = await ffprobePackets(made().file);
		expectWords(warnings, probe);
		for (const track of ["video", "audio"] as const) {
			const written = accessUnitsOf(made().units, track);
			const read = packets.filter((packet) => packet.track === track);
			expect(read.map(({ pts }) => pts)).toEqual(written.map(({ pts }) => rounded(pts)));
			expect(read.map(({ dts }) => dts)).toEqual(written.map(({ dts }) => rounded(dts)));
			expect(read.map(({ key }) => key)).toEqual(written.map(({ key }) => key));
		}
	});

	test("FFmpeg decodes the sound of 23 switches to the very samples of a stream that has one unit", async () => {
		const { units, file } = made();
		const accessUnits = accessUnitsOf(units, "audio");
		const head = { ...units[0]!.head, decode: { audio: units[0]!.head.decode.audio! } };
		const once = save(`once.${packaging.extension}`, writeResponse(packaging, [{ head, accessUnits }]));
		const plain = await ffmpegDecode(once, "audio");
		const switched = await ffmpegDecode(file, "audio");
		expectWords(switched.words, decoder);
		expect({ ...switched, words: [] }).toEqual(plain);
		expect(plain.bytes).toBe(accessUnits.length * 1024 * 2);
	});
}
