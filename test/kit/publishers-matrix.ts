/**
 * A group of publishers, each with a channel of its own on one server, watched at the same time over HTTP in four
 * packagings, with another rendition in every unit, and over RTSP; then the server is drained, and every witness says
 * what it saw.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import {
	type Destination,
	freeUdpPort,
	HTTP_PUBLISHERS,
	type Publisher,
	type Publishing,
	RTMP_PUBLISHERS,
	RTSP_PUBLISHERS,
	SOURCE_PUBLISHERS,
} from "./foreign-publishers.ts";
import { gstreamerDemuxer } from "./gstreamer-demuxers.ts";
import { makeClip } from "./media-maker.ts";
import { type ConfigFile, type Penstock, startPenstock } from "./penstock.ts";
import { ANYONE, PublishingServer } from "./publishing.ts";
import { type Extension, type Recording, record } from "./recording.ts";
import { ffmpegPlays, gstreamerTakes } from "./rtsp-clients.ts";
import { expectEveryFrameOnce, readCounters, type Verdict } from "./signal-reader.ts";
import { switchesIn } from "./switched-programme.ts";
import { TINY_LADDER, TINY_UNIT_MS } from "./tiny-ladder.ts";
import { gstreamerDecode } from "./witnesses.ts";

/** Longer than anybody watches, on a busy machine, too: as long as vitest waits. */
const CLIP_SECONDS = 120;
const PACKAGINGS: readonly Extension[] = ["ts", "flv", "mp4", "rtp"];
/** In every response. */
const SWITCHES = 10;
/** Of a player by RTSP: 2 s. */
const PICTURES = 60;
const FRAME_RATE = 30;
/** The machine may be busy. */
const LIVE_WITHIN_MS = 60_000;
/** The best and the lowest: each unit is the other's. */
const RENDITIONS = [TINY_LADDER[0], TINY_LADDER[2]];

/** A player by RTSP, and how it has its packets. */
interface RtspWatcher {
	readonly name: string;
	readonly play: (url: string) => Promise<Verdict>;
}

const PLAY_SECONDS = ["-t", `${PICTURES / FRAME_RATE}`];

/** A group needs a route, which the loopback has not: test/distribution has multicast. */
export const RTSP_WATCHERS: readonly RtspWatcher[] = [
	...(["udp", "tcp"] as const).flatMap((lower) => [
		{ name: `FFmpeg, ${lower.toUpperCase()}`, play: (url: string) => ffmpegPlays(url, lower, PLAY_SECONDS) },
		{ name: `GStreamer, ${lower.toUpperCase()}`, play: (url: string) => gstreamerTakes(url, lower, PICTURES) },
	]),
];

/** As many at a time as two cores encode with ease. */
const GROUPS: readonly (readonly Publisher[])[] = [
	[...RTMP_PUBLISHERS, ...RTSP_PUBLISHERS],
	HTTP_PUBLISHERS,
	SOURCE_PUBLISHERS,
];
export const PUBLISHERS: readonly Publisher[] = GROUPS.flat();

/** What became of one publisher's stream. */
interface Watched {
	readonly publisher: Publisher;
	readonly recordings: readonly Recording[];
	/** By the watcher's name. */
	readonly played: ReadonlyMap<string, PromiseSettledResult<Verdict>>;
}

const titleOf = ({ make, by }: Publisher): string => `${make} by ${by}`;

/**
 * Publishes and watches.
 * @param watchersOf who plays by RTSP what this publisher brings
 * @throws Error where a publisher's channel has no picture within a minute
 */
async function watchPublishers(
	publishers: readonly Publisher[],
	watchersOf: (publisher: Publisher) => readonly RtspWatcher[],
): Promise<readonly Watched[]> {
	const clip = await makeClip({ container: "flv", seconds: CLIP_SECONDS, gopFrames: 15 });
	const rows = await Promise.all(
		publishers.map(async (publisher, at) => ({ publisher, name: `row-${at}`, port: await freeUdpPort() })),
	);
	const channels = Object.fromEntries(
		rows.map(({ publisher: { source }, name, port }) => [
			name,
			{ source: source?.(port) ?? "publish", unitMs: TINY_UNIT_MS, renditions: RENDITIONS, audio: "none" },
		]),
	);
	const penstock = await startServer(channels);
	const server = new PublishingServer(penstock);
	const publishing: Publishing[] = [];
	try {
		for (const { publisher, name, port } of rows) {
			const to: Destination = {
				...{ rtmp: `${server.rtmp}/live/${name}`, rtsp: `${server.rtsp}/live/${name}` },
				...{ http: `${penstock.http}/live/${name}`, port, clip },
			};
			publishing.push(await publisher.start(to));
		}
		await Promise.all(rows.map(({ name }, at) => live(penstock, name, publishing[at]!)));
		return await watchAll(server, rows, watchersOf);
	} finally {
		await Promise.all(publishing.map((one) => one.stop()));
		await penstock.stop();
	}
}

const startServer = (channels: ConfigFile): Promise<Penstock> =>
	startPenstock({
		...{ channels, access: ANYONE, switching: { policy: "tour", tour: { stayMs: TINY_UNIT_MS } } },
		publish: { rtmp: {}, rtsp: {} },
	});

async function live(penstock: Penstock, name: string, publishing: Publishing): Promise<void> {
	await eventually(async () => {
		const channel = await penstock.channel(`live/${name}`);
		expect(channel, `${channel.ladder.lastError} ${publishing.lastWords()}`).toMatchObject({ live: true });
	}, LIVE_WITHIN_MS);
}

/** All at once; drains the server when everybody has seen enough. */
async function watchAll(
	{ penstock, rtsp }: PublishingServer,
	rows: readonly { readonly publisher: Publisher; readonly name: string }[],
	watchersOf: (publisher: Publisher) => readonly RtspWatcher[],
): Promise<readonly Watched[]> {
	const watched = rows.map(async ({ publisher, name }) => {
		const recordings = await Promise.all(
			PACKAGINGS.map((extension) => record(`${penstock.http}/live/${name}.${extension}`)),
		);
		// To the end, which is the server's.
		const recorded = recordings.map((recording) => recording.until(() => false));
		const watchers = watchersOf(publisher);
		const played = await Promise.allSettled(watchers.map(({ play }) => play(`${rtsp}/live/${name}`)));
		await eventually(async () => {
			for (const recording of recordings) expect(switchesIn(recording)).toBeGreaterThanOrEqual(SWITCHES);
		}, LIVE_WITHIN_MS);
		return {
			publisher,
			recordings,
			recorded,
			played: new Map(watchers.map(({ name: watcher }, at) => [watcher, played[at]!])),
		};
	});
	const all = await Promise.all(watched);
	await penstock.stop();
	await Promise.all(all.flatMap(({ recorded }) => recorded));
	return all;
}

/** Every frame once, over every switch, in every packaging. */
async function expectRecorded({ recordings }: Watched): Promise<void> {
	await Promise.all(
		recordings.map(async (recording) => {
			expect(await recording.viewer.ended).toEqual({ kind: "complete" });
			expect(recording.faults).toEqual([]);
			expect(switchesIn(recording)).toBeGreaterThanOrEqual(SWITCHES);
			const file = recording.save();
			const { extension } = recording;
			// FFmpeg knows no RTP framed by lengths.
			const demuxer = gstreamerDemuxer(extension, { track: "video", alone: true });
			const { counters } = extension === "rtp" ? await gstreamerDecode(file, { demuxer }) : await readCounters(file);
			expectEveryFrameOnce(counters);
			expect(counters.length).toBe(recording.accessUnits.length);
		}),
	);
}

/** @throws AssertionError unless every picture came once, from the key picture at which the player came in */
function expectPlayed(played: PromiseSettledResult<Verdict>): void {
	if (played.status === "rejected") throw played.reason;
	const { counters } = played.value;
	expectEveryFrameOnce(counters);
	// FFmpeg counts its seconds from the first packet, which may be one of sound or of a GOP that it must leave out.
	expect(counters.length).toBeGreaterThanOrEqual(PICTURES - FRAME_RATE / 2);
}

/** @param watchersOf who plays by RTSP what a publisher brings */
export function testPublishers(watchersOf: (publisher: Publisher) => readonly RtspWatcher[]): void {
	const titles = GROUPS.map((group) => [...new Set(group.map(({ by }) => by))].join(", "));
	describe.each(GROUPS.map((group, at) => [titles[at]!, group] as const))("%s", (_, group) => {
		const watched = new Map<Publisher, Watched>();

		beforeAll(async () => {
			for (const one of await watchPublishers(group, watchersOf)) watched.set(one.publisher, one);
		});

		describe.each(group.map((publisher) => [titleOf(publisher), publisher] as const))("%s", (_title, publisher) => {
			test("over HTTP: every frame once in four packagings, over every switch", async () => {
				await expectRecorded(watched.get(publisher)!);
			});

			test.each(watchersOf(publisher).map(({ name }) => name))("over RTSP, %s: every frame once", (name) => {
				expectPlayed(watched.get(publisher)!.played.get(name)!);
			});
		});
	});
}
