/**
 * What packaging costs: microseconds per access unit and bytes of overhead per unit in each packaging, against
 * FFmpeg's own muxer at the same access units; and what it costs with 500 viewers instead of one. Method:
 * docs/benchmarks.md.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lane } from "../dist/delivery/lane.js";
import { LaneSet } from "../dist/delivery/lane-set.js";
import { flv } from "../dist/media/flv/flv.js";
import { fmp4 } from "../dist/media/fmp4/fmp4.js";
import { mpegTs } from "../dist/media/mpegts/mpegts.js";
import type { Packaging } from "../dist/media/packaging.js";
import { rtp } from "../dist/media/rtp/rtp.js";
import { joinTracks, MUXERS_AT_ONCE, muxBytes, muxCpu, repeat, udpPort } from "./kit/peer-muxer.ts";
import { feed, openChannel, readLadder } from "./kit/recorded-channel.ts";
import { RENDITIONS, recordLadder } from "./kit/recorded-ladder.ts";
import { benchOptions, median, type PackagingName, type Result, report } from "./kit/report.ts";
import { Audience, MeasuredPackaging } from "./kit/watching.ts";

const options = benchOptions();
const rounds = options.quick ? 3 : 7;
const seconds = 10;
/** The middle rendition, 1.2 Mbit/s, and audio. */
const MEASURED = 1;
/** CPU time of one measurement of ours. */
const leastMs = options.quick ? 300 : 1500;
/** How often the peer muxes the recording in one measurement. */
const peerLoops = options.quick ? 50 : 100;
/** How often a live channel is fed the recording, for each kind of audience. */
const watchedLoops = options.quick ? 4 : 10;
const VIEWERS = 500;

const PACKAGINGS: Readonly<Record<PackagingName, Packaging>> = { ts: mpegTs, flv, mp4: fmp4, rtp };

const directory = mkdtempSync(join(tmpdir(), "penstock-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
const recording = join(directory, "recording");
recordLadder(recording, seconds);
const media = readLadder(recording, seconds);
const joined = join(directory, "joined.flv");
joinTracks(join(recording, `${MEASURED}.flv`), join(recording, `${RENDITIONS.length}.flv`), joined);
const long = join(directory, "long.flv");
repeat(joined, peerLoops, seconds * 1000, long);

/** All units of the recording, closed. */
const rendition = ((): Lane["rendition"] => {
	const channel = openChannel(media, 2 * seconds);
	feed(channel, media);
	channel.end();
	return channel.renditions[MEASURED]!;
})();

interface Packaged {
	readonly accessUnits: number;
	readonly units: number;
	readonly mediaBytes: number;
	readonly payloadBytes: number;
}

/** Every unit through a lane, as for its first viewer. */
function packageAll(packaging: Packaging): Packaged {
	const lane = new Lane(rendition, packaging, (error) => {
		throw error;
	});
	let units = 0;
	let mediaBytes = 0;
	let payloadBytes = 0;
	for (let unit = rendition.units.oldest; unit !== undefined; unit = unit.next) {
		units++;
		for (const { payload } of lane.unit(unit).chunks) payloadBytes += payload.length;
		for (const { data } of unit.items) mediaBytes += data.length;
	}
	lane.dispose();
	return { accessUnits: lane.packagedAccessUnits, units, mediaBytes, payloadBytes };
}

/** Microseconds of this process's CPU time, garbage collection and all, for each access unit. */
function ourCost(packaging: Packaging): number {
	let accessUnits = 0;
	const start = process.cpuUsage();
	for (;;) {
		accessUnits += packageAll(packaging).accessUnits;
		const { user, system } = process.cpuUsage(start);
		if (user + system >= leastMs * 1000) return (user + system) / accessUnits;
	}
}

interface Slice {
	readonly packagingUs: number;
	/** CPU time of everything, packaging and the channel in it, for each access unit. */
	readonly wholeUs: number;
}

/** A live channel with so many viewers in the lowest rendition. */
class Watched {
	accessUnits = 0;
	readonly #channel = openChannel(media, 3);
	readonly #lanes = new LaneSet(this.#channel, (error) => {
		throw error;
	});
	readonly #packaging: MeasuredPackaging;
	readonly #lane: Lane;
	#loop = 0;

	constructor(packaging: Packaging, name: AudienceName) {
		const viewers = name === "one" || name === "oneCold" ? 1 : VIEWERS;
		this.#packaging = new MeasuredPackaging(packaging);
		this.#feed();
		const audience = new Audience(this.#lanes, this.#packaging, viewers, name === "oneCold");
		const lowest = RENDITIONS.length - 1;
		if (name === "switched") audience.switchTo(0);
		this.#feed();
		audience.switchTo(lowest);
		this.#feed();
		this.#lane = this.#lanes.lane(this.#channel.renditions[lowest]!, this.#packaging);
	}

	/** The recording once more. */
	slice(): Slice {
		const before = this.#lane.packagedAccessUnits;
		this.#packaging.tookMs = 0;
		const start = process.cpuUsage();
		this.#feed();
		const { user, system } = process.cpuUsage(start);
		const accessUnits = this.#lane.packagedAccessUnits - before;
		this.accessUnits += accessUnits;
		return { packagingUs: (this.#packaging.tookMs * 1000) / accessUnits, wholeUs: (user + system) / accessUnits };
	}

	dispose(): void {
		this.#lanes.dispose();
	}

	#feed(): void {
		feed(this.#channel, media, this.#loop++);
	}
}

/**
 * Who watches, in turns: one viewer, one that leaves the caches as cold as many do, many, and many that have been in
 * the highest rendition and come back.
 */
const AUDIENCES = ["one", "oneCold", "many", "switched"] as const;
type AudienceName = (typeof AUDIENCES)[number];
const forEachAudience = <Value>(make: (name: AudienceName) => Value): Record<AudienceName, Value> => ({
	...{ one: make("one"), oneCold: make("oneCold") },
	...{ many: make("many"), switched: make("switched") },
});
type Slices = Record<AudienceName, Slice[]>;

/** @returns access units packaged for each audience, in the same media time */
function watchInTurns(packaging: Packaging, slices: Slices): Record<AudienceName, number> {
	const watched = forEachAudience((name) => new Watched(packaging, name));
	for (let i = 0; i < watchedLoops; i++) for (const name of AUDIENCES) slices[name].push(watched[name].slice());
	for (const name of AUDIENCES) watched[name].dispose();
	return forEachAudience((name) => watched[name].accessUnits);
}

const sink = await udpPort();
const { port } = sink.address();
const all = options.packagings.map((extension) => {
	const packaging = PACKAGINGS[extension];
	const slices: Slices = forEachAudience(() => []);
	const packagedFor = watchInTurns(packaging, slices);
	// That was for warming up.
	for (const name of AUDIENCES) slices[name].length = 0;
	const measured = { ours: [] as number[], theirs: [] as number[], slices, packagedFor };
	return { extension, packaging, packaged: packageAll(packaging), ...measured };
});
const reading: number[] = [];
/** FFmpeg's user time; system time too, but for RTP, where that is sending, which is no part of the comparison. */
const peerSeconds = (muxer: PackagingName | "none"): number => {
	const { user, system } = muxCpu(long, muxer, port);
	return user + (muxer === "rtp" ? 0 : system);
};
const readingUser: number[] = [];
for (let round = 0; round < rounds; round++) {
	const { user, system } = muxCpu(long, "none", port);
	reading.push(user + system);
	readingUser.push(user);
	for (const { extension, packaging, ours, theirs, slices } of all) {
		ours.push(ourCost(packaging));
		theirs.push(peerSeconds(extension));
		watchInTurns(packaging, slices);
	}
}
sink.close();

const results: Result[] = [];
for (const { extension, packaging, packaged, ours, theirs, slices, packagedFor } of all) {
	const { accessUnits, units, mediaBytes, payloadBytes } = packaged;
	const us = { unit: "us", samples: accessUnits };
	const muxing = median(theirs) - median(extension === "rtp" ? readingUser : reading);
	const peerUs = (muxing * 1e6) / (accessUnits * peerLoops * MUXERS_AT_ONCE);
	results.push(
		{
			...{ name: `${extension}.usPerAccessUnit`, value: median(ours), ...us },
			...{ vs: "FFmpeg's muxer; below 1 is cheaper", ratio: median(ours) / peerUs },
		},
		{ name: `${extension}.ffmpeg.usPerAccessUnit`, value: peerUs, ...us },
	);
	const bytes = { unit: "bytes", samples: units };
	const overhead = (payloadBytes - mediaBytes) / units;
	const peerOverhead = ((await muxBytes(joined, extension, join(directory, "peer"))) - mediaBytes) / units;
	results.push(
		{
			...{ name: `${extension}.overheadBytesPerUnit`, value: overhead, ...bytes },
			...{ vs: "FFmpeg's muxer; below 1 is smaller", ratio: overhead / peerOverhead },
		},
		{ name: `${extension}.ffmpeg.overheadBytesPerUnit`, value: peerOverhead, ...bytes },
	);
	const counted = { unit: "access units", samples: 1 };
	const packagingUs = (name: AudienceName): number => median(slices[name].map((slice) => slice.packagingUs));
	results.push(
		{ name: `${extension}.packagedAccessUnits.1viewer`, value: packagedFor.one, ...counted },
		{ name: `${extension}.packagedAccessUnits.${VIEWERS}viewers`, value: packagedFor.many, ...counted },
		{ name: `${extension}.packagingUsPerAccessUnit.1viewer`, value: packagingUs("one"), ...us },
		{ name: `${extension}.packagingUsPerAccessUnit.1viewerColdCaches`, value: packagingUs("oneCold"), ...us },
		{
			...{ name: `${extension}.packagingUsPerAccessUnit.${VIEWERS}viewers`, value: packagingUs("many"), ...us },
			...{ vs: "one viewer, caches as cold; 1 is the same", ratio: packagingUs("many") / packagingUs("oneCold") },
		},
	);
	const wholeUs = (name: AudienceName): number => median(slices[name].map((slice) => slice.wholeUs));
	const perViewer = (name: AudienceName): number => ((wholeUs(name) - wholeUs("one")) * 1000) / (VIEWERS - 1);
	const ns = { unit: "ns", samples: accessUnits * VIEWERS };
	results.push({ name: `${extension}.sendingNsPerViewerAndAccessUnit`, value: perViewer("many"), ...ns });
	if (packaging.numbering === undefined) continue;
	results.push({
		...{ name: `${extension}.switched.sendingNsPerViewerAndAccessUnit`, value: perViewer("switched"), ...ns },
		...{ vs: "viewers that have not switched", ratio: perViewer("switched") / perViewer("many") },
	});
}
report("packaging", results, options);
