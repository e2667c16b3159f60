import { beforeEach, describe, expect, it } from "vitest";
import { name, picture, sound } from "../../test/kit/access-units.ts";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import type { PenstockError } from "../base/errors.ts";
import type { PublicationSink } from "../ingest/publications.ts";
import type { PublishedFeed } from "../ladder/published-input.ts";
import type { AccessUnit, AudioConfig, DecodeInformation, VideoConfig } from "../media/access-unit.ts";
import { PublishedStream } from "./published-stream.ts";

const VIDEO = { codec: "h264", width: 320, height: 180 } as unknown as VideoConfig;
const LARGER = { codec: "h264", width: 640, height: 360 } as unknown as VideoConfig;
const AUDIO = { codec: "aac", sampleRateHz: 48_000, channelCount: 2 } as unknown as AudioConfig;

let clock: ManualClock;
let stream: PublishedStream;
let waits: string[];
const going = new AbortController().signal;

const next = (unwanted?: number): Promise<PublishedFeed> =>
	stream.next(unwanted, going, ({ code }) => waits.push(code));

/** Starts a feed and keeps what comes. */
function take(feed: PublishedFeed): { readonly units: AccessUnit[]; readonly ends: PenstockError[] } {
	const taken = { units: [] as AccessUnit[], ends: [] as PenstockError[] };
	feed.start({ accessUnit: (unit) => taken.units.push(unit), end: (because) => taken.ends.push(because) });
	return taken;
}

const timesOf = (units: readonly AccessUnit[]): number[] => units.map(({ pts }) => pts / 90);

function publish(decode: DecodeInformation = { video: VIDEO }): PublicationSink {
	const sink = stream.open();
	sink.decodeInformation?.(decode);
	return sink;
}

beforeEach(() => {
	clock = new ManualClock();
	waits = [];
	const tracks = ["video"] as const;
	stream = new PublishedStream({ channel: name("cam"), lead: "video", tracks, clock, onFault: () => undefined });
});

describe("a published stream", () => {
	it("says that nobody publishes, and gives what the next publisher sends from a key picture on", async () => {
		const coming = next();
		expect(waits).toEqual(["SOURCE_UNREACHABLE"]);
		const sink = publish();
		for (const unit of [picture(0), sound(10), picture(40, { key: true }), sound(50), picture(80)])
			sink.accessUnit(unit);
		const { units } = take(await coming);
		sink.accessUnit(picture(120));
		expect(timesOf(units)).toEqual([40, 80, 120]);
	});

	it("holds no more than two seconds for a start, and then the next key picture on", async () => {
		const sink = publish();
		sink.accessUnit(picture(0, { key: true }));
		clock.advance(2500);
		sink.accessUnit(picture(2500));
		sink.accessUnit(picture(2540));
		sink.accessUnit(picture(2580, { key: true }));
		sink.accessUnit(picture(2620));
		expect(timesOf(take(await next()).units)).toEqual([2580, 2620]);
	});

	it("ends a feed when the publisher leaves, once, and the next one's has another serial", async () => {
		const sink = publish();
		sink.accessUnit(picture(0, { key: true }));
		const first = await next();
		const taken = take(first);
		sink.end(undefined);
		expect(taken.ends.map(({ message }) => message)).toEqual([
			"SOURCE_UNREACHABLE: channel cam: its publisher has left; it is waited for.",
		]);
		const coming = next();
		publish().accessUnit(picture(0, { key: true }));
		expect((await coming).serial).not.toBe(first.serial);
	});

	it("ends a feed when other decode information comes, and goes on with the next key picture", async () => {
		const sink = publish();
		sink.accessUnit(picture(0, { key: true }));
		const taken = take(await next());
		sink.decodeInformation?.({ video: { ...VIDEO } });
		sink.decodeInformation?.({ video: VIDEO, audio: AUDIO });
		expect(taken.ends).toEqual([]);
		sink.decodeInformation?.({ video: LARGER });
		expect(taken.ends).toHaveLength(1);
		const coming = next();
		sink.accessUnit(picture(40));
		sink.accessUnit(picture(80, { key: true }));
		const feed = await coming;
		expect(feed.decode).toEqual({ video: LARGER });
		expect(timesOf(take(feed).units)).toEqual([80]);
	});

	it("gives the same feed again after a stop, from the next key picture on, but not where it is unwanted", async () => {
		const sink = publish();
		sink.accessUnit(picture(0, { key: true }));
		const first = await next();
		take(first);
		first.stop();
		sink.accessUnit(picture(40));
		const coming = next();
		sink.accessUnit(picture(80, { key: true }));
		const second = await coming;
		expect(second.serial).toBe(first.serial);
		second.stop();
		let settled = false;
		void next(second.serial).then(() => (settled = true));
		sink.accessUnit(picture(120, { key: true }));
		await Promise.resolve();
		expect(settled).toBe(false);
	});

	it("ends at once a feed that is started when its publisher has left", async () => {
		const sink = publish();
		sink.accessUnit(picture(0, { key: true }));
		const feed = await next();
		sink.end(undefined);
		const { units, ends } = take(feed);
		expect([units, ends.length]).toEqual([[], 1]);
	});

	it("waits half a second for the other track where the channel has a use for it", async () => {
		const tracks = ["video", "audio"] as const;
		stream = new PublishedStream({ channel: "live/cam", lead: "video", tracks, clock, onFault: () => undefined });
		const sink = publish();
		let settled = false;
		const coming = next().then((feed) => {
			settled = true;
			return feed;
		});
		sink.accessUnit(picture(0, { key: true }));
		clock.advance(400);
		sink.accessUnit(picture(400));
		await Promise.resolve();
		expect(settled).toBe(false);
		clock.advance(200);
		sink.accessUnit(picture(600));
		expect(timesOf(take(await coming).units)).toEqual([0, 400, 600]);
	});
});
