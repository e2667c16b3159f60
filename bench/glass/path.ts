/**
 * Where the time goes: made → out of FFmpeg and in the server's hands → read by a viewer on the loopback → shown by a
 * browser. A server of its own with a probe in it, a viewer that only reads, and Penstock's players one after the other.
 */
import { get } from "node:http";
import { fileURLToPath } from "node:url";
import { FlvReader } from "../../src/media/flv/reader.ts";
import { ageMs } from "../../src/media/test-signal.ts";
import { readCounters } from "../../test/kit/signal-reader.ts";
import { quantile, type Result } from "../kit/report.ts";
import { CONTENDERS, RENDITION } from "./contenders.ts";
import { type Stage, startStage } from "./stage.ts";
import { playTurn, type TurnTimes } from "./turn.ts";

const PROBE = fileURLToPath(new URL("./server-probe.ts", import.meta.url));
/** Both in the same packaging: what differs between packagings is the matter of the main part. */
const PLAYERS = ["webcodecs.mp4", "mse.mp4"] as const;

const wallNow = (): number => performance.timeOrigin + performance.now();

/** A picture's way; times by the wall clock. */
interface Way {
	readonly counter: number;
	readonly handedInAtMs: number;
	readonly readAtMs: number;
	/** From its making. */
	readonly readAgeMs: number;
}

export async function measurePath(times: TurnTimes): Promise<Result[]> {
	const stage = await startStage({ withPeers: false, env: { NODE_OPTIONS: `--import=${PROBE}` } });
	const results: Result[] = [];
	const all: Way[] = [];
	for (const name of PLAYERS) {
		const reading = readPictures(`${stage.addresses.penstock("flv")}?rendition=${RENDITION}`);
		const contender = CONTENDERS.find((one) => one.name === name)!;
		const { sightings } = await playTurn(stage, contender, times);
		const ways = await waysOf(stage, await reading.stop());
		const readAt = new Map(ways.map(({ counter, readAtMs }) => [counter, readAtMs]));
		const shown = sightings.flatMap(({ counter, atMs }) => (readAt.has(counter) ? [atMs - readAt.get(counter)!] : []));
		all.push(...ways);
		results.push(...quantiles(`path.${contender.group}`, shown));
	}
	await stage.stop();
	const encoded = all.map(({ readAtMs, handedInAtMs, readAgeMs }) => readAgeMs - (readAtMs - handedInAtMs));
	const server = all.map(({ readAtMs, handedInAtMs }) => readAtMs - handedInAtMs);
	return [...quantiles("path.ffmpeg", encoded), ...quantiles("path.server", server), ...results];
}

function quantiles(name: string, valuesMs: number[]): Result[] {
	const result = { unit: "ms", samples: valuesMs.length };
	return [
		{ name: `${name}.p50Ms`, value: quantile(valuesMs, 0.5), ...result },
		{ name: `${name}.p95Ms`, value: quantile(valuesMs, 0.95), ...result },
	];
}

interface ReadPictures {
	readonly body: Buffer;
	/** In the stream's order. */
	readonly pictures: readonly { readonly pts: number; readonly atMs: number }[];
}

/** A viewer that notes when the last byte of each picture was there. */
function readPictures(url: string): { stop(): Promise<ReadPictures> } {
	const pictures: { pts: number; atMs: number }[] = [];
	const parts: Buffer[] = [];
	let atMs = 0;
	const reader = new FlvReader({
		accessUnit: ({ track, pts }) => {
			if (track === "video") pictures.push({ pts, atMs });
		},
	});
	const { promise, resolve, reject } = Promise.withResolvers<ReadPictures>();
	const request = get(url, (response) => {
		if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
		response.on("data", (bytes: Buffer) => {
			atMs = wallNow();
			parts.push(bytes);
			reader.push(bytes);
		});
		response.on("close", () => resolve({ body: Buffer.concat(parts), pictures }));
	});
	// Ending it is what `stop` does, and then an error of the request's.
	request.on("error", reject);
	promise.catch(() => undefined);
	return {
		stop: () => {
			request.destroy();
			return promise;
		},
	};
}

/** Puts together what the reader noted, what the server's probe said and what is in the pictures. */
async function waysOf({ penstock }: Stage, { body, pictures }: ReadPictures): Promise<Way[]> {
	const handedIn = new Map<number, number>();
	for (const [, rendition, pts, at] of penstock.process.stderr.matchAll(/^handed-in (\S+) (\d+) (\S+)$/gm)) {
		if (rendition === RENDITION) handedIn.set(Number(pts), Number(at));
	}
	const { counters } = await readCounters(body, { inputOptions: ["-f", "flv"] });
	if (Math.abs(counters.length - pictures.length) > 1) {
		throw new Error(`${pictures.length} pictures were read, but ${counters.length} decoded.`);
	}
	return counters.flatMap((reading, index) => {
		const { pts, atMs } = pictures[index] ?? {};
		const handedInAtMs = pts === undefined ? undefined : handedIn.get(pts);
		if (handedInAtMs === undefined || atMs === undefined || !reading.checksumOk) return [];
		// What the response began with had been waiting in the ring.
		if (index < FIRST_LIVE_PICTURE) return [];
		const { counter } = reading;
		return [{ counter, handedInAtMs, readAtMs: atMs, readAgeMs: ageMs(reading, atMs) }];
	});
}

/** A unit is a second: of the one that a response begins with, up to thirty pictures were there before. */
const FIRST_LIVE_PICTURE = 31;
