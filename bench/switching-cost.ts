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
import { bitsPerSecond, type Milliseconds, milliseconds } from "../dist/base/units.js";
import { LaneSet } from "../dist/delivery/lane-set.js";
import { MediaEndpoint } from "../dist/delivery/media-endpoint.js";
import { loadSocketOptions } from "../dist/delivery/socket-options.js";
import { SocketTransport } from "../dist/delivery/transport.js";
import { Viewers } from "../dist/delivery/viewers.js";
import { mpegTs } from "../dist/media/mpegts/mpegts.js";
import { nodeClock } from "../dist/server/node-time.js";
import { adaptivePolicy } from "../dist/switching/adaptive.js";
import type { LinkReading } from "../dist/switching/link-reading.js";
import { type Situation, SwitchControl } from "../dist/switching/switch-control.js";
import { openChannel, type RecordedMedia, readLadder } from "./kit/recorded-channel.ts";
import { RENDITIONS, recordLadder } from "./kit/recorded-ladder.ts";
import { median, type Result, report } from "./kit/report.ts";

const VIEWERS = 5000;
/** Channels with a tenth of them each, whose units begin one after another: all at once, loopback would choke on them. */
const CHANNELS = 10;
/** Whose pictures stand for those of every rendition: at several Mbit/s, loopback would be full. */
const SENT = RENDITIONS.length - 1;
/** Pictures a second that are sent: fewer than a channel has, or two cores could not send them to so many. */
const PICTURES_PER_UNIT = 3;

/** How often each was called, and on what: so that the same calls can be made again with a clock around them all. */
const seen = {
	looks: 0,
	sends: 0,
	decisions: 0,
	transports: new Map<SocketTransport, Parameters<SocketTransport["look"]>[0]>(),
	readings: new Map<SwitchControl, Parameters<SwitchControl["look"]>[0]>(),
	situations: new Map<SwitchControl, Situation>(),
};

/** Lets `note` see each call of a method. */
function watch(prototype: object, method: string, note: (self: never, given: never) => void): void {
	const methods = prototype as Record<string, (...given: unknown[]) => unknown>;
	const original = methods[method]!;
	methods[method] = function (this: unknown, ...given) {
		note(this as never, given[0] as never);
		return original.apply(this, given);
	};
}

function watchAll(): void {
	watch(SocketTransport.prototype, "look", (self: SocketTransport, now: Milliseconds) => {
		seen.looks++;
		seen.transports.set(self, now);
	});
	watch(SwitchControl.prototype, "sent", () => seen.sends++);
	watch(SwitchControl.prototype, "look", (self: SwitchControl, reading: LinkReading) => {
		seen.readings.set(self, reading);
	});
	watch(SwitchControl.prototype, "decide", (self: SwitchControl, situation: Situation) => {
		seen.decisions++;
		seen.situations.set(self, situation);
	});
}

type BenchChannel = ReturnType<typeof openChannel>;

async function serve(media: RecordedMedia): Promise<{ port: number; channels: readonly BenchChannel[] }> {
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
		viewers: new Viewers({ clock, maxViewers: VIEWERS + 1, stallTimeout: milliseconds(60_000) }),
		serverFigures: () => ({ cpuIdle: 0.9, memoryUsed: 0.1, eventLoopDelayMs: milliseconds(1) }),
		...{ maxLag: milliseconds(20_000), stallTimeout: milliseconds(60_000), socketOptions: await loadSocketOptions() },
	});
	const server = createServer((request, response) => void endpoint.handle(request, response));
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	return { port: (server.address() as AddressInfo).port, channels };
}

/** Feeds the recording in real time, thinned out, over and over. */
function feedForEver(channel: BenchChannel, media: RecordedMedia): void {
	const pictures = media.entries.filter(({ rendition }) => rendition === SENT);
	const start = performance.now();
	let loop = 0;
	let index = 0;
	const every = 30 / PICTURES_PER_UNIT;
	let count = 0;
	const step = (): void => {
		const now = performance.now() - start;
		for (;;) {
			const { accessUnit } = pictures[index]!;
			const shift = loop * media.seconds * 90_000;
			if ((accessUnit.dts + shift) / 90 > now) break;
			count = accessUnit.key ? 0 : count + 1;
			if (count % every === 0) {
				const { pts, dts } = accessUnit;
				const shifted = { ...accessUnit, pts: (pts + shift) as typeof pts, dts: (dts + shift) as typeof dts };
				for (const { name } of channel.renditions) channel.appendVideo(name, shifted);
			}
			if (++index === pictures.length) {
				index = 0;
				loop++;
			}
		}
		setTimeout(step, 5);
	};
	step();
}

async function measureCost(quick: boolean): Promise<Result[]> {
	watchAll();
	const directory = mkdtempSync(join(tmpdir(), "penstock-bench-"));
	const seconds = 4;
	let load: ChildProcess | undefined;
	try {
		recordLadder(join(directory, "recording"), seconds);
		const media = readLadder(join(directory, "recording"), seconds);
		const { port, channels } = await serve(media);
		for (const channel of channels) {
			feedForEver(channel, media);
			await pause(1000 / CHANNELS);
		}
		const paths = channels.map((_, index) => `/live/c${index}.ts`);
		load = fork(new URL("kit/drain-load.ts", import.meta.url), [`${port}`, `${VIEWERS}`, ...paths]);
		const [told] = await once(load, "message");
		if (told !== "watching") throw new Error(`the viewers did not all come: ${told}`);
		return await measure(quick ? 3 : 7);
	} finally {
		load?.disconnect();
		rmSync(directory, { recursive: true, force: true });
	}
}

async function measure(rounds: number): Promise<Result[]> {
	await pause(3000);
	const before = { ...seen };
	const start = performance.now();
	await pause(3000 * rounds);
	const seconds = (performance.now() - start) / 1000;
	const perS = (count: "looks" | "sends" | "decisions"): number => (seen[count] - before[count]) / seconds;
	// What follows makes the same calls, and would count them.
	const rates = { looks: perS("looks"), sends: perS("sends"), decisions: perS("decisions") };

	const all: Record<"look" | "estimate" | "send" | "decide", number[]> = {
		look: [],
		estimate: [],
		send: [],
		decide: [],
	};
	for (let round = 0; round < rounds; round++) {
		const { transports, readings, situations } = seen;
		all.look.push(cpuUsEach(transports, (transport, now) => transport.look(now)));
		all.estimate.push(cpuUsEach(readings, (control, reading) => control.look(reading)));
		all.decide.push(cpuUsEach(situations, (control, situation) => control.decide(situation)));
		all.send.push(cpuUsEach(readings, (control, { at }) => control.sent(at, 1, milliseconds(0))));
		await pause(500);
	}
	const us = {
		look: median(all.look),
		estimate: median(all.estimate),
		send: median(all.send),
		decide: median(all.decide),
	};
	const result = (name: string, value: number, unit: string, samples = rounds): Result => ({
		...{ name: `cost.5000viewers.${name}`, value, unit, samples },
	});
	const sharePct = (perSecond: number, usEach: number): number => (perSecond * usEach) / 1e4;
	const looks = sharePct(rates.looks, us.look + us.estimate);
	const decisions = sharePct(rates.decisions, us.decide);
	const sends = sharePct(rates.sends, us.send);
	return [
		result("sharePctOfCore", looks + decisions + sends, "% of a core"),
		result("looksPctOfCore", looks, "% of a core"),
		result("decisionsPctOfCore", decisions, "% of a core"),
		result("sendsPctOfCore", sends, "% of a core"),
		result("looksPerViewerPerS", rates.looks / VIEWERS, "1/s"),
		result("sendsPerViewerPerS", rates.sends / VIEWERS, "1/s"),
		result("usPerLook", us.look, "us"),
		result("usPerEstimate", us.estimate, "us"),
		result("usPerDecision", us.decide, "us"),
		result("usPerSend", us.send, "us"),
	];
}

/** CPU time of this thread, in microseconds, for each of many calls in a row: each on another connection. */
function cpuUsEach<Key, Value>(calls: ReadonlyMap<Key, Value>, call: (key: Key, value: Value) => unknown): number {
	const list = [...calls].slice(0, VIEWERS);
	const before = process.threadCpuUsage();
	for (let again = 0; again < 10; again++) for (const [key, value] of list) call(key, value);
	const { user, system } = process.threadCpuUsage(before);
	return (user + system) / list.length / 10;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, json: { type: "string" } } });
report("switching-cost", await measureCost(values.quick), { jsonFile: values.json });
process.exit(0);
