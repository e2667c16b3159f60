/**
 * Server-added delay in each packaging: from the write of a whole access unit to the ladder's pipe until its chunk has
 * been read by a viewer on loopback, with 100 viewers and with five; the part of it that lies inside the server; and
 * from a viewer's GET to the first byte of an IDR.
 *
 * Beside it, in the same run and in turns: a bare `net` server that passes the same pipe's bytes on to as many
 * connections. Server, receivers and the replay of the recorded ladder are three processes. Method: docs/benchmarks.md.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoadOrder, LoadResult } from "./kit/delay-load.ts";
import type { ServerDelays } from "./kit/penstock-server.ts";
import { FRAME_RATE, RENDITIONS, recordLadder } from "./kit/recorded-ladder.ts";
import { benchOptions, median, type PackagingName, quantile, type Result, report } from "./kit/report.ts";
import { findStamp } from "./kit/stamp.ts";

/** How many viewers, and what the results are called: those of 100 have no further name. */
const CROWDS = [
	{ viewers: 100, infix: "" },
	{ viewers: 5, infix: ".few" },
] as const;
const options = benchOptions();
const rounds = options.quick ? 3 : 5;
const warmUpMs = options.quick ? 300 : 1000;
const measureMs = options.quick ? 700 : 5000;
const starts = options.quick ? 10 : 40;

const directory = mkdtempSync(join(tmpdir(), "penstock-bench-"));
const recording = join(directory, "recording");
const children = new Set<ChildProcess>();
process.on("exit", () => {
	for (const child of children) child.kill();
	rmSync(directory, { recursive: true, force: true });
});

/** A program that passes for FFmpeg: it is FFmpeg, but for the ladder itself, which it replays. */
function writeStandIn(): string {
	const path = join(directory, "ffmpeg");
	const replay = new URL("kit/replay.ts", import.meta.url).pathname;
	writeFileSync(
		path,
		`#!/bin/sh\ncase " $* " in *" -i "*) exec "${process.execPath}" "${replay}" "${recording}";; esac\nexec ffmpeg "$@"\n`,
	);
	chmodSync(path, 0o755);
	return path;
}

function writeConfig(ffmpeg: string): string {
	const path = join(directory, "penstock.yaml");
	const renditions = RENDITIONS.map(({ name, size, bitrateBps }) => {
		const [width, height] = size.split("x");
		return `      - { name: ${name}, width: ${width}, height: ${height}, bitrateBps: ${bitrateBps} }\n`;
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

/** @param begun called when the viewers are there and the measurement begins */
async function measureDelay(
	order: Pick<LoadOrder, "port" | "path" | "count">,
	begun: () => Promise<unknown> = () => Promise.resolve(),
): Promise<number[]> {
	const whole: LoadOrder = { ...order, warmUpMs, measureMs };
	const { child } = await startChild("delay-load.ts", [JSON.stringify(whole)]);
	const exited = once(child, "exit");
	const result = once(child, "message") as Promise<[LoadResult]>;
	await begun();
	const [{ delaysMs }] = await result;
	await exited;
	children.delete(child);
	const expected = order.count * FRAME_RATE * (measureMs / 1000);
	if (delaysMs.length < 0.3 * expected) {
		throw new Error(`${order.path ?? "bare"}: ${delaysMs.length} stamps were found, but about ${expected} went by.`);
	}
	return [...delaysMs];
}

/** What the server process has measured inside itself since it was asked last. */
async function takeDelays(server: ChildProcess): Promise<ServerDelays> {
	server.send("delays");
	const [delays] = (await once(server, "message")) as [ServerDelays];
	return delays;
}

/** Milliseconds from a GET (the connection stands) to the first byte of the first slice, which follows the stamp. */
async function timeToIdr(port: number, path: string): Promise<number> {
	const socket = connect({ port, host: "127.0.0.1", noDelay: true });
	await once(socket, "connect");
	const start = performance.now();
	socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
	let body = Buffer.alloc(0);
	for await (const bytes of socket) {
		body = Buffer.concat([body, bytes as Buffer]);
		if (findStamp(body) !== undefined) break;
	}
	const elapsed = performance.now() - start;
	socket.destroy();
	return elapsed;
}

/** Quantiles of the rounds, by the name of what was measured. */
interface Measured {
	readonly p50: number[];
	readonly p99: number[];
	samples: number;
}
const measured = new Map<string, Measured>();

function note(name: string, delaysMs: number[]): void {
	const entry = measured.get(name) ?? { p50: [], p99: [], samples: 0 };
	measured.set(name, entry);
	entry.p50.push(quantile(delaysMs, 0.5));
	entry.p99.push(quantile(delaysMs, 0.99));
	entry.samples += delaysMs.length;
}

async function measurePackaging(server: ChildProcess, port: number, packaging: PackagingName): Promise<void> {
	const path = `/live/bench.${packaging}`;
	const firstIdr: number[] = [];
	for (let i = 0; i < starts; i++) firstIdr.push(await timeToIdr(port, path));
	note(`${packaging}.start.firstIdr`, firstIdr);
	for (const { viewers, infix } of CROWDS) {
		const begun = (): Promise<unknown> => takeDelays(server);
		note(`${packaging}${infix}`, await measureDelay({ port, path, count: viewers }, begun));
		const { pipe, inside } = await takeDelays(server);
		note(`${packaging}${infix}.pipe`, pipe);
		note(`${packaging}${infix}.inside`, inside);
	}
}

recordLadder(recording, options.quick ? 4 : 10);
const standIn = writeStandIn();
const config = writeConfig(standIn);
for (let round = 0; round < rounds; round++) {
	const penstock = await startChild<number>("penstock-server.ts", [config]);
	// Each is the first now and then: then the server is still warming up.
	for (const packaging of options.packagings.map((_, i, all) => all[(i + round) % all.length]!)) {
		await measurePackaging(penstock.child, penstock.message, packaging);
	}
	await stopChild(penstock.child);
	for (const { viewers, infix } of CROWDS) {
		const bareServer = await startChild<number>("bare-server.ts", [standIn, String(RENDITIONS.length + 1)]);
		note(`bare${infix}`, await measureDelay({ port: bareServer.message, count: viewers }));
		await stopChild(bareServer.child);
	}
}

function resultsOf(name: string, peer?: string): Result[] {
	const { p50, p99, samples } = measured.get(name)!;
	const theirs = peer === undefined ? undefined : measured.get(peer)!;
	const vs = "bare net server, same pipe, same run; below 1 is faster";
	const ratio = theirs && { vs, ratio: median(p50) / median(theirs.p50) };
	return [
		{ name: `${name}.p50Ms`, value: median(p50), unit: "ms", samples, ...ratio },
		{ name: `${name}.p99Ms`, value: median(p99), unit: "ms", samples },
	];
}

const firstIdr = measured.get(`${options.packagings[0]}.start.firstIdr`)!;
report(
	"delay",
	[
		...options.packagings.flatMap((packaging) => [
			...CROWDS.flatMap(({ infix }) => [
				...resultsOf(`${packaging}${infix}`, `bare${infix}`),
				...resultsOf(`${packaging}${infix}.pipe`),
				...resultsOf(`${packaging}${infix}.inside`),
			]),
			...resultsOf(`${packaging}.start.firstIdr`),
		]),
		...CROWDS.flatMap(({ infix }) => resultsOf(`bare${infix}`)),
		{ name: "start.firstIdr.p50Ms", value: median(firstIdr.p50), unit: "ms", samples: firstIdr.samples },
		{ name: "start.firstIdr.p99Ms", value: median(firstIdr.p99), unit: "ms", samples: firstIdr.samples },
	],
	options,
);
process.exit(0);
