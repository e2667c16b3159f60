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
import { joinTracks, muxBytes, muxCpu, repeat, udpPort } from "./kit/peer-muxer.ts";
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
const peerLoops = options.quick ? 80 : 200;
const watchedLoops = options.quick ? 6 : 20;
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

interface Watched {
	readonly accessUnits: number;
	readonly packagingUs: number;
	/** CPU time of everything behind the channel's appending, with that, for each access unit. */
	readonly wholeUs: number;
}

/** A live channel with so many viewers in the lowest rendition. @param switched after a visit to the highest */
function watch(packaging: Packaging, viewers: number, switched: boolean): Watched {
	const channel = openChannel(media, 3);
	const lanes = new LaneSet(channel, (error) => {
		throw error;
	});
	feed(channel, media, 0);
	const measured = new MeasuredPackaging(packaging);
	const audience = new Audience(lanes, measured, viewers);
	const lowest = RENDITIONS.length - 1;
	if (switched) audience.switchTo(0);
	feed(channel, media, 1);
	audience.switchTo(lowest);
	feed(channel, media, 2);
	const lane = lanes.lane(channel.renditions[lowest]!, measured);
	const before = lane.packagedAccessUnits;
	measured.tookMs = 0;
	const start = process.cpuUsage();
	for (let loop = 3; loop < 3 + watchedLoops; loop++) feed(channel, media, loop);
	const { user, system } = process.cpuUsage(start);
	const accessUnits = lane.packagedAccessUnits - before;
	lanes.dispose();
	return { accessUnits, packagingUs: (measured.tookMs * 1000) / accessUnits, wholeUs: (user + system) / accessUnits };
}

const sink = await udpPort();
const { port } = sink.address();
const all = options.packagings.map((extension) => ({
	extension,
	packaging: PACKAGINGS[extension],
	packaged: packageAll(PACKAGINGS[extension]),
	ours: [] as number[],
	theirs: [] as number[],
	one: [] as Watched[],
	many: [] as Watched[],
	switchedMany: [] as Watched[],
}));
for (let round = 0; round <= rounds; round++) {
	const read = muxCpu(long, "none", port);
	for (const { extension, packaging, packaged, ours, theirs, one, many, switchedMany } of all) {
		const our = ourCost(packaging);
		const muxed = muxCpu(long, extension, port);
		const watchedByOne = watch(packaging, 1, false);
		const watchedByMany = watch(packaging, VIEWERS, false);
		const watchedBySwitched = packaging.numbering && watch(packaging, VIEWERS, true);
		// The first round is for warming up: the compiler's and the file cache's.
		if (round === 0) continue;
		ours.push(our);
		// What FFmpeg spends in the kernel on RTP is sending, which is no part of the comparison.
		const system = extension === "rtp" ? 0 : muxed.system - read.system;
		theirs.push(((muxed.user - read.user + system) * 1e6) / (packaged.accessUnits * peerLoops));
		one.push(watchedByOne);
		many.push(watchedByMany);
		if (watchedBySwitched) switchedMany.push(watchedBySwitched);
	}
}

const results: Result[] = [];
for (const { extension, packaging, packaged, ours, theirs, one, many, switchedMany } of all) {
	const { accessUnits, units, mediaBytes, payloadBytes } = packaged;
	const overhead = (payloadBytes - mediaBytes) / units;
	const peerBytes = await muxBytes(joined, extension, join(directory, "peer"));
	const peerOverhead = (peerBytes - mediaBytes) / units;
	const us = { unit: "us", samples: accessUnits };
	const cost = { value: median(ours), ratio: median(ours) / median(theirs) };
	results.push({ name: `${extension}.usPerAccessUnit`, ...cost, ...us, vs: "FFmpeg's muxer; below 1 is cheaper" });
	results.push({ name: `${extension}.ffmpeg.usPerAccessUnit`, value: median(theirs), ...us });
	const bytes = { unit: "bytes", samples: units };
	const size = { value: overhead, ratio: overhead / peerOverhead };
	results.push({
		name: `${extension}.overheadBytesPerUnit`,
		...size,
		...bytes,
		vs: "FFmpeg's muxer; below 1 is smaller",
	});
	results.push({ name: `${extension}.ffmpeg.overheadBytesPerUnit`, value: peerOverhead, ...bytes });
	const [single, crowd] = [one, many].map((watched) => median(watched.map(({ packagingUs }) => packagingUs)));
	const counted = { unit: "access units", samples: 1 };
	results.push({ name: `${extension}.packagedAccessUnits.1viewer`, value: one[0]!.accessUnits, ...counted });
	results.push({ name: `${extension}.packagedAccessUnits.${VIEWERS}viewers`, value: many[0]!.accessUnits, ...counted });
	results.push({ name: `${extension}.packagingUsPerAccessUnit.1viewer`, value: single!, ...us });
	results.push({
		...{ name: `${extension}.packagingUsPerAccessUnit.${VIEWERS}viewers`, value: crowd!, ...us },
		...{ vs: "one viewer; 1 is the same", ratio: crowd! / single! },
	});
	const perViewer = (watched: readonly Watched[]): number =>
		((median(watched.map(({ wholeUs }) => wholeUs)) - median(one.map(({ wholeUs }) => wholeUs))) * 1000) /
		(VIEWERS - 1);
	const ns = { unit: "ns", samples: accessUnits * VIEWERS };
	results.push({ name: `${extension}.sendingNsPerViewerAndAccessUnit`, value: perViewer(many), ...ns });
	if (packaging.numbering === undefined) continue;
	results.push({
		...{ name: `${extension}.switched.sendingNsPerViewerAndAccessUnit`, value: perViewer(switchedMany), ...ns },
		...{ vs: "viewers that have not switched", ratio: perViewer(switchedMany) / perViewer(many) },
	});
}
sink.close();
report("packaging", results, options);
