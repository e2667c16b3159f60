/**
 * What switching costs the server for each viewer: looks at connections, estimators and decisions, of viewers that take
 * a live stream over loopback. Method: docs/benchmarks.md, "switching".
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseName } from "../dist/base/name.js";
import { bitsPerSecond, milliseconds } from "../dist/base/units.js";
import { LaneSet } from "../dist/delivery/lane-set.js";
import { MediaEndpoint } from "../dist/delivery/media-endpoint.js";
import { loadSocketOptions } from "../dist/delivery/socket-options.js";
import { SocketTransport } from "../dist/delivery/transport.js";
import { Viewers } from "../dist/delivery/viewers.js";
import { mpegTs } from "../dist/media/mpegts/mpegts.js";
import { nodeClock } from "../dist/server/node-time.js";
import { adaptivePolicy } from "../dist/switching/adaptive.js";
import { LinkTracker } from "../dist/switching/link-tracker.js";
import { SwitchControl } from "../dist/switching/switch-control.js";
import { openChannel, type RecordedMedia, readLadder } from "./kit/recorded-channel.ts";
import { RENDITIONS, recordLadder } from "./kit/recorded-ladder.ts";
import { median, type Result, report } from "./kit/report.ts";
import { SwitchingLaps } from "./kit/switching-laps.ts";
import { cpuUsEach } from "./kit/thread-cpu.ts";

const VIEWERS = 5000;
/** By whom it is counted how often each call is made: so few that they can have the whole stream. */
const COUNTED_VIEWERS = 100;
const COUNT_MS = 10_000;
/** Channels with a tenth of them each, whose units begin one after another: all at once, loopback would choke on them. */
const CHANNELS = 10;
/** Whose pictures stand for those of every rendition: at several Mbit/s, loopback would be full. */
const SENT = RENDITIONS.length - 1;
const PICTURES_PER_UNIT = 30;
/** That all viewers are sent: two cores could not send more to so many. */
const FEW_PICTURES_PER_UNIT = 1;
/** What is written to measure what a write costs: a picture and its packaging, of a low rendition. */
const WRITE_BYTES = 1200;
const SETTLE_MS = 3000;
/** On a busy machine it takes a while until all have come. */
const STALL_TIMEOUT = milliseconds(600_000);

const counts = { watch: 0, whole: 0, sent: 0, decide: 0 };
/** Over loopback every link is wide, and is measured less often than a narrow one: unless this is set. */
let narrow = false;
const transports = new Set<SocketTransport>();

/** Lets `note` see each call of a method, and change what it is given. */
function spyOn(prototype: object, method: string, note: (self: never, given: unknown[]) => void): void {
	const methods = prototype as Record<string, (...given: unknown[]) => unknown>;
	const original = methods[method]!;
	methods[method] = function (this: unknown, ...given) {
		note(this as never, given);
		return original.apply(this, given);
	};
}

function spyOnAll(): void {
	spyOn(SocketTransport.prototype, "look", (self: SocketTransport) => transports.add(self));
	spyOn(SwitchControl.prototype, "watch", () => counts.watch++);
	spyOn(SwitchControl.prototype, "look", () => counts.whole++);
	spyOn(SwitchControl.prototype, "sent", () => counts.sent++);
	spyOn(SwitchControl.prototype, "decide", () => counts.decide++);
	spyOn(LinkTracker.prototype, "endUnit", (_, given) => {
		if (narrow) given[0] = Number.POSITIVE_INFINITY;
	});
}

type BenchChannel = ReturnType<typeof openChannel>;

interface Served {
	readonly port: number;
	readonly channels: readonly BenchChannel[];
	readonly close: () => void;
}

async function serve(media: RecordedMedia): Promise<Served> {
	const clock = nodeClock();
	const channels = Array.from({ length: CHANNELS }, () => openChannel(media, 4));
	const programmes = new Map(
		channels.map((channel, index) => {
			const stream = parseName(`c${index}`, "bench");
			const programme = {
				...{ app: parseName("live", "bench"), stream, lanes: new LaneSet(channel) },
				bitrateOf: (name: string) => bitsPerSecond(RENDITIONS.find((one) => one.name === name)!.bitrateBps),
				claim: () => () => {},
				ready: () => Promise.resolve(),
			};
			return [stream, programme] as const;
		}),
	);
	const silent = { info: () => {}, warn: () => {} };
	const endpoint = new MediaEndpoint({
		...{ clock, packagings: [mpegTs], log: silent, policy: adaptivePolicy(), cors: { origins: ["*"] } },
		programmes: { find: (_, stream) => programmes.get(stream), listed: () => [] },
		viewers: new Viewers({ clock, maxViewers: VIEWERS + 1, stallTimeout: STALL_TIMEOUT }),
		serverFigures: () => ({ cpuIdle: 0.9, memoryUsed: 0.1, eventLoopDelayMs: milliseconds(1) }),
		...{ maxLag: milliseconds(20_000), stallTimeout: STALL_TIMEOUT, socketOptions: await loadSocketOptions() },
	});
	const server = createServer(
		{ headersTimeout: 0, requestTimeout: 0 },
		(request, response) => void endpoint.handle(request, response),
	);
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	return { port: (server.address() as AddressInfo).port, channels, close: () => server.close() };
}

/**
 * Feeds the recording in real time, over and over, until the answer is called.
 * @param picturesPerUnit fewer than there are: thinned out, and without sound
 */
function feedForEver(channel: BenchChannel, media: RecordedMedia, picturesPerUnit: number): () => void {
	const isWhole = picturesPerUnit === PICTURES_PER_UNIT;
	const entries = media.entries.filter(({ rendition }) => rendition === SENT || (isWhole && rendition === undefined));
	const start = performance.now();
	let loop = 0;
	let index = 0;
	const every = PICTURES_PER_UNIT / picturesPerUnit;
	let count = 0;
	const step = (): void => {
		const now = performance.now() - start;
		for (;;) {
			const { accessUnit, rendition } = entries[index]!;
			const shift = loop * media.seconds * 90_000;
			const { pts, dts, key } = accessUnit;
			if ((dts + shift) / 90 > now) break;
			const shifted = { ...accessUnit, pts: (pts + shift) as typeof pts, dts: (dts + shift) as typeof dts };
			if (rendition === undefined) channel.appendAudio(shifted);
			else {
				count = key ? 0 : count + 1;
				if (count % every === 0) for (const { name } of channel.renditions) channel.appendVideo(name, shifted);
			}
			if (++index === entries.length) {
				index = 0;
				loop++;
			}
		}
	};
	const timer = setInterval(step, 5);
	return () => clearInterval(timer);
}

/** Viewers of all channels, in a process of their own, until the answer is called. */
async function watchedBy(viewers: number, port: number): Promise<() => Promise<void>> {
	const paths = Array.from({ length: CHANNELS }, (_, index) => `/live/c${index}.ts`);
	const load: ChildProcess = fork(new URL("kit/drain-load.ts", import.meta.url), [`${port}`, `${viewers}`, ...paths]);
	const [told] = await once(load, "message");
	if (told !== "watching") throw new Error(`the viewers did not all come: ${told}`);
	return async () => {
		load.disconnect();
		await once(load, "exit");
	};
}

/** While so many viewers watch a stream with so many pictures a unit. */
async function whileWatched<Value>(
	media: RecordedMedia,
	viewers: number,
	picturesPerUnit: number,
	measure: () => Promise<Value>,
): Promise<Value> {
	const { port, channels, close } = await serve(media);
	const stops: (() => void)[] = [];
	for (const channel of channels) {
		stops.push(feedForEver(channel, media, picturesPerUnit));
		await pause(1000 / CHANNELS);
	}
	const leave = await watchedBy(viewers, port);
	try {
		await pause(SETTLE_MS);
		return await measure();
	} finally {
		for (const stop of stops) stop();
		await leave();
		close();
	}
}

/** How often each call is made, for each viewer and second. */
async function countCalls(): Promise<typeof counts> {
	const before = { ...counts };
	const start = performance.now();
	await pause(COUNT_MS);
	const per = (COUNTED_VIEWERS * (performance.now() - start)) / 1000;
	const rate = (name: keyof typeof counts): number => (counts[name] - before[name]) / per;
	return { watch: rate("watch"), whole: rate("whole"), sent: rate("sent"), decide: rate("decide") };
}

/** System calls: of all viewers' connections, one after another, so that each is as cold as it would be. */
async function measureCalls(rounds: number): Promise<Record<"look" | "lookAndGlance" | "write", number>> {
	const all = { look: [] as number[], lookAndGlance: [] as number[], write: [] as number[] };
	const bytes = Buffer.alloc(WRITE_BYTES);
	const now = milliseconds(performance.now());
	for (let round = 0; round < rounds; round++) {
		const list = [...transports].filter(({ idle }) => idle);
		all.look.push(cpuUsEach(list, (transport) => transport.look(now)));
		all.lookAndGlance.push(
			cpuUsEach(list, (transport) => {
				transport.look(now);
				transport.acknowledged();
			}),
		);
		all.write.push(cpuUsEach(list, (transport) => transport.send(bytes)));
		await pause(500);
	}
	return { look: median(all.look), lookAndGlance: median(all.lookAndGlance), write: median(all.write) };
}

async function measureCost(quick: boolean): Promise<Result[]> {
	spyOnAll();
	const rounds = quick ? 5 : 15;
	const directory = mkdtempSync(join(tmpdir(), "penstock-bench-"));
	try {
		recordLadder(join(directory, "recording"), 4);
		const media = readLadder(join(directory, "recording"), 4);
		const perS = await whileWatched(media, COUNTED_VIEWERS, PICTURES_PER_UNIT, countCalls);
		narrow = true;
		const narrowPerS = await whileWatched(media, COUNTED_VIEWERS, PICTURES_PER_UNIT, countCalls);
		transports.clear();
		const calls = await whileWatched(media, VIEWERS, FEW_PICTURES_PER_UNIT, () => measureCalls(rounds));
		return results({ perS, narrowPerS, calls, own: new SwitchingLaps(VIEWERS).run(rounds), samples: rounds });
	} finally {
		rmSync(directory, { recursive: true, force: true });
	}
}

interface Measured {
	readonly perS: typeof counts;
	/** The same where no link is wide. */
	readonly narrowPerS: typeof counts;
	readonly calls: Awaited<ReturnType<typeof measureCalls>>;
	readonly own: ReturnType<SwitchingLaps["run"]>;
	readonly samples: number;
}

function results({ perS, narrowPerS, calls, own, samples }: Measured): Result[] {
	const result = (name: string, value: number, unit: string): Result => ({
		...{ name: `cost.5000viewers.${name}`, value, unit, samples },
	});
	const sharePct = (perSecond: number, usEach: number): number => (perSecond * usEach * VIEWERS) / 1e4;
	const usPerGlance = calls.lookAndGlance - calls.look + own.glance;
	const usPerLook = calls.look + own.look;
	const looksOf = ({ watch, whole }: typeof counts): number =>
		sharePct(watch - whole, usPerGlance) + sharePct(whole, usPerLook);
	const decisions = sharePct(perS.decide, own.decide);
	return [
		result("sharePctOfCore", looksOf(perS) + decisions, "% of a core"),
		result("narrowSharePctOfCore", looksOf(narrowPerS) + decisions, "% of a core"),
		result("looksPctOfCore", looksOf(perS), "% of a core"),
		result("decisionsPctOfCore", decisions, "% of a core"),
		result("glancesPerViewerPerS", perS.watch - perS.whole, "1/s"),
		result("looksPerViewerPerS", perS.whole, "1/s"),
		result("narrowLooksPerViewerPerS", narrowPerS.whole, "1/s"),
		result("decisionsPerViewerPerS", perS.decide, "1/s"),
		result("writesPerViewerPerS", perS.sent, "1/s"),
		result("usPerGlance", usPerGlance, "us"),
		result("usPerLook", usPerLook, "us"),
		result("usPerDecision", own.decide, "us"),
		{ ...result("usPerWriteNoted", own.sent, "us"), vs: "write", ratio: own.sent / calls.write },
	];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, json: { type: "string" } } });
report("switching-cost", await measureCost(values.quick), { jsonFile: values.json });
process.exit(0);
