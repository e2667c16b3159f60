/**
 * Server-added delay: from the write of a whole access unit to the ladder's pipe until its chunk has been read by a
 * viewer on loopback, with 100 viewers; and from a viewer's GET to the first byte of an IDR.
 *
 * Beside it, in the same run and in turns: a bare `net` server that passes the same pipe's bytes on to as many
 * connections. Server, receivers and the replay of the recorded ladder are three processes. Method: docs/benchmarks.md.
 */
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoadOrder, LoadResult } from "./kit/delay-load.ts";
import { benchOptions, median, quantile, type Result, report } from "./kit/report.ts";

const VIEWERS = 100;
const RENDITIONS = [
	{ name: "high", size: "1280x720", bitrate: 3_000_000 },
	{ name: "mid", size: "848x480", bitrate: 1_200_000 },
	{ name: "low", size: "480x270", bitrate: 500_000 },
] as const;
const options = benchOptions();
const rounds = options.quick ? 3 : 5;
const measureMs = options.quick ? 3000 : 10_000;
const starts = options.quick ? 50 : 200;

const directory = mkdtempSync(join(tmpdir(), "penstock-bench-"));
const children = new Set<ChildProcess>();
process.on("exit", () => {
	for (const child of children) child.kill();
	rmSync(directory, { recursive: true, force: true });
});

/** Records ten seconds of a ladder as FFmpeg would write it. */
function recordLadder(): void {
	const recording = join(directory, "recording");
	mkdirSync(recording);
	const encoder = [
		"-c:v",
		"libx264",
		"-preset",
		"veryfast",
		"-tune",
		"zerolatency",
		"-bf",
		"0",
		"-g",
		"30",
		"-sc_threshold",
		"0",
	];
	const outputs = RENDITIONS.flatMap(({ size, bitrate }, index) => [
		...["-map", "0:v", ...encoder, "-s", size, "-pix_fmt", "yuv420p"],
		...[
			"-b:v",
			`${bitrate}`,
			"-maxrate",
			`${bitrate}`,
			"-bufsize",
			`${bitrate / 2}`,
			"-f",
			"flv",
			join(recording, `${index}.flv`),
		],
	]);
	const audio = [
		"-map",
		"1:a",
		"-c:a",
		"aac",
		"-b:a",
		"128k",
		"-f",
		"flv",
		join(recording, `${RENDITIONS.length}.flv`),
	];
	const sources = ["-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d=10", "-f", "lavfi", "-i", "sine=r=48000:d=10"];
	execFileSync("ffmpeg", ["-v", "error", "-nostdin", ...sources, ...outputs, ...audio]);
}

/** A program that passes for FFmpeg: it is FFmpeg, but for the ladder itself, which it replays. */
function writeStandIn(): string {
	const path = join(directory, "ffmpeg");
	const replay = new URL("kit/replay.ts", import.meta.url).pathname;
	writeFileSync(
		path,
		`#!/bin/sh\ncase " $* " in *" -i "*) exec "${process.execPath}" "${replay}" "${join(directory, "recording")}";; esac\nexec ffmpeg "$@"\n`,
	);
	chmodSync(path, 0o755);
	return path;
}

function writeConfig(ffmpeg: string): string {
	const path = join(directory, "penstock.yaml");
	const renditions = RENDITIONS.map(({ name, size, bitrate }) => {
		const [width, height] = size.split("x");
		return `      - { name: ${name}, width: ${width}, height: ${height}, bitrateBps: ${bitrate} }\n`;
	});
	writeFileSync(
		path,
		`http: { listen: "127.0.0.1:0" }\napi: { listen: "127.0.0.1:0" }\nlog: { level: warn }\n` +
			`ffmpeg: { path: "${ffmpeg}" }\nswitching: { policy: fixed, fixed: { rendition: low } }\n` +
			`channels:\n  bench:\n    source: test\n    renditions:\n${renditions.join("")}`,
	);
	return path;
}

async function startChild<Message>(script: string, args: string[]): Promise<{ child: ChildProcess; message: Message }> {
	const child = fork(new URL(`kit/${script}`, import.meta.url).pathname, args, {
		stdio: ["ignore", "inherit", "inherit", "ipc"],
	});
	children.add(child);
	const [message] = await Promise.race([
		once(child, "message"),
		once(child, "exit").then(([code]) => {
			throw new Error(`${script} ended with ${code}`);
		}),
	]);
	return { child, message: message as Message };
}

async function stopChild(child: ChildProcess): Promise<void> {
	const exited = once(child, "exit");
	if (child.connected) child.disconnect();
	await exited;
	children.delete(child);
}

async function measureDelay(order: Omit<LoadOrder, "count" | "warmUpMs" | "measureMs">): Promise<number[]> {
	const whole: LoadOrder = { ...order, count: VIEWERS, warmUpMs: 1000, measureMs };
	const { child, message } = await startChild<LoadResult>("delay-load.ts", [JSON.stringify(whole)]);
	if (child.exitCode === null) await once(child, "exit");
	children.delete(child);
	return [...message.delaysMs];
}

/** Milliseconds from a GET (the connection stands) to the first IDR byte: start code and NAL header of type 5. */
async function timeToIdr(port: number): Promise<number> {
	const socket = connect({ port, host: "127.0.0.1", noDelay: true });
	await once(socket, "connect");
	const start = performance.now();
	socket.write("GET /live/bench.ts HTTP/1.1\r\nHost: bench\r\n\r\n");
	let body = Buffer.alloc(0);
	for await (const bytes of socket) {
		body = Buffer.concat([body, bytes as Buffer]);
		if (body.includes(Buffer.from([0, 0, 1, 0x65]))) break;
	}
	const elapsed = performance.now() - start;
	socket.destroy();
	return elapsed;
}

recordLadder();
const standIn = writeStandIn();
const config = writeConfig(standIn);
const p50: { ts: number[]; bare: number[] } = { ts: [], bare: [] };
const p99: { ts: number[]; bare: number[] } = { ts: [], bare: [] };
const firstIdr: number[] = [];
let samples = 0;
for (let round = 0; round < rounds; round++) {
	const penstock = await startChild<number>("penstock-server.ts", [config]);
	for (let i = 0; i < starts / rounds; i++) firstIdr.push(await timeToIdr(penstock.message));
	const ts = await measureDelay({ port: penstock.message, path: "/live/bench.ts" });
	await stopChild(penstock.child);
	const bareServer = await startChild<number>("bare-server.ts", [standIn, String(RENDITIONS.length + 1)]);
	const bare = await measureDelay({ port: bareServer.message });
	await stopChild(bareServer.child);
	for (const [name, delays] of [
		["ts", ts],
		["bare", bare],
	] as const) {
		p50[name].push(quantile(delays, 0.5));
		p99[name].push(quantile(delays, 0.99));
	}
	samples += ts.length;
}

const versus = { vs: "bare net server, same pipe, same run; below 1 is faster" };
const delayOf = (name: "ts" | "bare", share: "p50Ms" | "p99Ms", ofBoth: typeof p50): Result => ({
	name: `${name}.${share}`,
	value: median(ofBoth[name]),
	unit: "ms",
	samples: Math.round(samples),
	...(name === "ts" ? { ...versus, ratio: median(ofBoth.ts) / median(ofBoth.bare) } : {}),
});
report(
	"delay",
	[
		delayOf("ts", "p50Ms", p50),
		delayOf("ts", "p99Ms", p99),
		delayOf("bare", "p50Ms", p50),
		delayOf("bare", "p99Ms", p99),
		{ name: "start.firstIdr.p50Ms", value: quantile(firstIdr, 0.5), unit: "ms", samples: firstIdr.length },
		{ name: "start.firstIdr.p99Ms", value: quantile(firstIdr, 0.99), unit: "ms", samples: firstIdr.length },
	],
	options,
);
process.exit(0);
