/**
 * A recorded response played in a browser, as a page would: by Media Source Extensions, or as the source of a `<video>`
 * element. The page shows every frame to a canvas and listens to the sound in an AudioWorklet; what it saw and heard is
 * judged here, by the same readers as everybody's.
 *
 * The response comes from another origin than the page, by chunks, and without a length.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { onCleanup } from "./cleanup.ts";
import { BAR_HEIGHT, BAR_WIDTH, type FrameReading, readBar } from "./signal-reader.ts";
import { BAR_SHARE } from "./test-signal.ts";

export interface Screening {
	/** What stood on the page at each callback, each number once: a busy page misses some that were presented. */
	readonly counters: readonly FrameReading[];
	/** Callbacks; and how many frames were given to the compositor in the meantime, by its own count. */
	readonly callbacks: number;
	readonly presentedFrames: number;
	/** In seconds, of each of them. */
	readonly mediaTimes: readonly number[];
	/** "320x180", each time it changed. */
	readonly sizes: readonly string[];
	readonly totalFrames: number;
	readonly droppedFrames: number;
	readonly corruptedFrames: number;
	/** Of MSE, when all had been appended: from, to, in seconds. */
	readonly buffered: readonly (readonly [number, number])[];
	/** Two channels, interleaved, 48 kHz; silence before and behind is left out. */
	readonly pcm: Float32Array;
	/** What the element, the page or the console complained of. */
	readonly complaints: readonly string[];
}

export interface ScreeningOptions {
	readonly body: Uint8Array;
	readonly way: "MSE" | "src";
	/** `video/mp4; codecs="…"`, for MSE. */
	readonly type: string;
	readonly timeoutMs?: number;
}

/** What the page gives back; bytes as Base64. */
interface PageReport {
	readonly bars: string;
	readonly mediaTimes: number[];
	readonly presented: number;
	readonly sizes: string[];
	readonly total: number;
	readonly dropped: number;
	readonly corrupted: number;
	readonly buffered: [number, number][];
	readonly pcm: string;
	readonly complaints: string[];
}

/** Plays it to its end, in real time. */
export async function screen(browser: Browser, options: ScreeningOptions): Promise<Screening> {
	const { body, way, type, timeoutMs = 60_000 } = options;
	const pages = await serve((url) => (url === "/hear.js" ? ["text/javascript", WORKLET] : ["text/html", PAGE]));
	const streams = await serve(() => ["video/mp4", body]);
	const page = await browser.newPage();
	const complaints: string[] = [];
	page.on("pageerror", (error) => complaints.push(`page: ${error.message}`));
	page.on("console", (message) => {
		if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()}`);
	});
	try {
		page.setDefaultTimeout(timeoutMs);
		await page.goto(pages);
		const asked = { url: `${streams}live.mp4`, way, type, width: BAR_WIDTH, height: BAR_HEIGHT, share: BAR_SHARE };
		const call = `play(${JSON.stringify({ ...asked, timeoutMs })})`;
		const report = await page.evaluate<PageReport>(call);
		return {
			counters: readingsOf(Buffer.from(report.bars, "base64")),
			callbacks: report.mediaTimes.length,
			presentedFrames: report.presented,
			mediaTimes: report.mediaTimes,
			sizes: report.sizes,
			totalFrames: report.total,
			droppedFrames: report.dropped,
			corruptedFrames: report.corrupted,
			buffered: report.buffered,
			pcm: withoutSilence(new Float32Array(new Uint8Array(Buffer.from(report.pcm, "base64")).buffer)),
			complaints: [...report.complaints, ...complaints],
		};
	} finally {
		await page.close();
	}
}

/** Red of RGBA: the bar is gray. */
function readingsOf(bars: Buffer): FrameReading[] {
	const bytes = BAR_WIDTH * BAR_HEIGHT;
	const readings = Array.from({ length: bars.length / bytes }, (_, index) =>
		readBar(bars.subarray(index * bytes, (index + 1) * bytes), BAR_WIDTH, BAR_HEIGHT),
	);
	// A page that is late draws what is there by then, and the same once more at the next callback.
	return readings.filter(({ counter }, index) => index === 0 || counter !== readings[index - 1]!.counter);
}

function withoutSilence(pcm: Float32Array): Float32Array {
	const first = pcm.findIndex((sample) => sample !== 0);
	const last = pcm.findLastIndex((sample) => sample !== 0);
	return first < 0 ? pcm.subarray(0, 0) : pcm.slice(first - (first % 2), last + 1 + ((last + 1) % 2));
}

/** Serves until the test file ends; pieces of a response go out one by one. Gives its address. */
async function serve(answer: (url: string) => readonly [string, string | Uint8Array]): Promise<string> {
	const server: Server = createServer((request, response) => {
		const [type, content] = answer(request.url ?? "");
		response.writeHead(200, { "Content-Type": type, "Access-Control-Allow-Origin": "*", "Cache-Control": "no-store" });
		const bytes = Buffer.from(content);
		for (let at = 0; at < bytes.length; at += 30_000) response.write(bytes.subarray(at, at + 30_000));
		response.end();
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	onCleanup(() => {
		server.close();
		server.closeAllConnections();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const WORKLET = `
registerProcessor("hear", class extends AudioWorkletProcessor {
	process([[left, right]]) {
		if (left) {
			const both = new Float32Array(left.length * 2);
			left.forEach((sample, i) => { both[2 * i] = sample; both[2 * i + 1] = (right ?? left)[i]; });
			this.port.postMessage(both, [both.buffer]);
		}
		return true;
	}
});`;

const PAGE = `<!doctype html><meta charset="utf-8"><title>player</title><video playsinline crossorigin></video><script>
const video = document.querySelector("video");
const complaints = [];
const event = (target, name) => new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));
const base64 = async (parts) => {
	const url = await new Promise((resolve) => {
		const reader = new FileReader();
		reader.onload = () => resolve(reader.result);
		reader.readAsDataURL(new Blob(parts));
	});
	return url.slice(url.indexOf(",") + 1);
};

async function append({ url, type }) {
	const source = new MediaSource();
	video.src = URL.createObjectURL(source);
	await event(source, "sourceopen");
	const buffer = source.addSourceBuffer(type);
	buffer.addEventListener("error", () => complaints.push("SourceBuffer: error"));
	const reader = (await fetch(url)).body.getReader();
	for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
		const appended = event(buffer, "updateend");
		buffer.appendBuffer(piece.value);
		await appended;
	}
	source.endOfStream();
	return Array.from({ length: buffer.buffered.length }, (_, i) => [buffer.buffered.start(i), buffer.buffered.end(i)]);
}

function watch({ width, height, share }) {
	// The whole picture, whatever its size: while a size changes, the element's own and the frame's differ.
	const canvas = new OffscreenCanvas(width, height * share);
	const context = canvas.getContext("2d", { willReadFrequently: true });
	const seen = { bars: [], mediaTimes: [], sizes: [], presented: 0 };
	const onFrame = (_, { mediaTime, presentedFrames, width: w, height: h }) => {
		seen.presented = presentedFrames;
		video.requestVideoFrameCallback(onFrame);
		if (mediaTime === seen.mediaTimes.at(-1)) return; // painted again
		context.drawImage(video, 0, 0, width, height * share);
		const { data } = context.getImageData(0, 0, width, height);
		seen.bars.push(Uint8Array.from({ length: width * height }, (_, i) => data[4 * i]));
		seen.mediaTimes.push(mediaTime);
		if (seen.sizes.at(-1) !== w + "x" + h) seen.sizes.push(w + "x" + h);
	};
	video.requestVideoFrameCallback(onFrame);
	return seen;
}

async function listen() {
	const context = new AudioContext({ sampleRate: 48000 });
	await context.audioWorklet.addModule("hear.js");
	const hear = new AudioWorkletNode(context, "hear", { numberOfOutputs: 1 });
	const blocks = [];
	hear.port.onmessage = ({ data }) => blocks.push(data);
	context.createMediaElementSource(video).connect(hear).connect(context.destination);
	await context.resume();
	return blocks;
}

async function play(asked) {
	video.addEventListener("error", () => complaints.push("video: " + (video.error?.message ?? "error")));
	const over = Promise.race([event(video, "ended"), event(video, "error"),
		new Promise((resolve) => setTimeout(resolve, asked.timeoutMs - 5000)).then(() => complaints.push("did not end"))]);
	const blocks = await listen();
	const seen = watch(asked);
	let buffered = [];
	if (asked.way === "MSE") buffered = await append(asked);
	else video.src = asked.url;
	if (buffered[0]) video.currentTime = buffered[0][0];
	if (video.readyState < HTMLMediaElement.HAVE_ENOUGH_DATA) await Promise.race([event(video, "canplaythrough"), over]);
	await video.play().catch((error) => complaints.push("play: " + error.message));
	await over;
	const quality = video.getVideoPlaybackQuality();
	return {
		bars: await base64(seen.bars), mediaTimes: seen.mediaTimes, presented: seen.presented, sizes: seen.sizes,
		buffered, complaints,
		total: quality.totalVideoFrames, dropped: quality.droppedVideoFrames, corrupted: quality.corruptedVideoFrames,
		pcm: await base64(blocks),
	};
}
</script>`;
