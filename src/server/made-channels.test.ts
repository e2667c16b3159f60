/** Real channels on a clock that is moved by hand; their one rendition is a copy, so that no process runs. */
import { beforeEach, describe, expect, it } from "vitest";
import { name } from "../../test/kit/access-units.ts";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { PenstockError } from "../base/errors.ts";
import { milliseconds } from "../base/units.ts";
import type { PublicationSink } from "../ingest/publications.ts";
import { ChannelSet } from "./channel-set.ts";
import { parseConfig } from "./config.ts";
import { openChannel } from "./hosted-channel.ts";
import { createLog } from "./log.ts";
import { LogLimiter } from "./log-limiter.ts";
import { MadeChannels } from "./made-channels.ts";

const CHANNELS = `
  cam: { source: publish, renditions: [{ name: source, copy: true }] }
  signal: { source: test }
  "*": { source: publish, audio: none, renditions: [{ name: source, copy: true }] }
`;
const config = parseConfig(`publish: {}\nchannels:${CHANNELS}`, { file: "/penstock.yaml", environment: {} });

let clock: ManualClock;
let said: string[];
let gone: string[];
let expelled: string[];
let channels: ChannelSet;

beforeEach(() => {
	clock = new ManualClock();
	[said, gone, expelled] = [[], [], []];
	const log = createLog({ level: "info", format: "json" }, { write: (line) => void said.push(JSON.parse(line).msg) });
	const limiter = new LogLimiter(clock, () => undefined);
	const seconds = (count: number) => milliseconds(1000 * count);
	const surroundings = {
		clock,
		limiter,
		log,
		distribution: undefined,
		startTimeout: seconds(10),
		returnWithin: seconds(5),
	};
	const open = (channel: (typeof config.channels)[number]) => openChannel(channel, surroundings);
	const made = new MadeChannels({
		...{ templates: config.templates, most: 2, returnWithin: seconds(5), drain: seconds(3), open, clock, log },
		onGone: (label) => gone.push(label),
		expel: ({ stream }) => expelled.push(stream),
	});
	channels = new ChannelSet({ channels: config.channels, open, made });
});

const streamName = (stream: string, app = "live") => ({ app: name(app), stream: name(stream) });
const publish = (stream: string, app?: string): PublicationSink => channels.publish(streamName(stream, app))!;
const labels = (): string[] => channels.all().map(({ config: { label } }) => label);
/** Ladders end in promises. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function codeOf(attempt: () => unknown): string {
	try {
		attempt();
	} catch (thrown) {
		return thrown instanceof PenstockError ? thrown.code : String(thrown);
	}
	return "none";
}

describe("channels that a pattern makes", () => {
	it("are there from their publisher's coming until it has been away for as long as it is waited for", async () => {
		expect(channels.takes(streamName("one"))).toBe(true);
		expect(labels()).toEqual(["live/cam", "live/signal"]);
		const sink = publish("one");
		expect(labels()).toEqual(["live/cam", "live/signal", "live/one"]);
		expect(channels.find("live/one")?.config).toMatchObject({ pattern: "live/*", ladder: { channel: "live/one" } });
		clock.advance(60_000);
		sink.end(undefined);
		clock.advance(4999);
		expect(labels()).toContain("live/one");
		clock.advance(1);
		expect(labels()).toEqual(["live/cam", "live/signal"]);
		expect(gone).toEqual(["live/one"]);
		await settled();
		expect(said).toEqual(["channel made", "channel gone: nobody publishes it any more"]);
		expect(clock.time.pending).toBe(0);
	});

	it("stay the same for a publisher that returns in time", () => {
		publish("one").end(undefined);
		const { host } = channels.find("live/one")!;
		clock.advance(4000);
		const again = publish("one");
		clock.advance(60_000);
		expect(channels.find("live/one")?.host).toBe(host);
		again.end(undefined);
		clock.advance(5000);
		publish("one");
		expect(channels.find("live/one")?.host).not.toBe(host);
	});

	it("are at most so many, those that somebody still watches among them, for whom there is a deadline", async () => {
		publish("one").end(undefined);
		publish("two");
		expect(codeOf(() => publish("three"))).toBe("STREAMS_LIMIT");
		expect(labels()).not.toContain("live/three");
		const leave = channels.find("live/one")!.host.claim();
		clock.advance(5000);
		await settled();
		expect(labels()).not.toContain("live/one");
		expect(codeOf(() => publish("three"))).toBe("STREAMS_LIMIT");
		clock.advance(2999);
		expect(expelled).toEqual([]);
		clock.advance(1);
		expect(expelled).toEqual(["one"]);
		leave();
		await settled();
		publish("three");
		expect(labels()).toContain("live/three");
	});

	it("let go who waits for a picture, and say why", async () => {
		publish("one").end(undefined);
		const { host } = channels.find("live/one")!;
		const leave = host.claim();
		const waiting = host.ready().catch((thrown: unknown) => thrown);
		clock.advance(5000);
		expect(await waiting).toMatchObject({
			code: "CHANNEL_NOT_READY",
			message: "CHANNEL_NOT_READY: live/one: nobody publishes it any more.",
		});
		leave();
		await settled();
		expect(clock.time.pending).toBe(0);
	});

	it("never take the name of a channel of the configuration, or another app's", () => {
		publish("cam");
		expect(channels.find("live/cam")?.config.pattern).toBeUndefined();
		expect([channels.takes(streamName("signal")), publish("signal")]).toEqual([false, undefined]);
		expect([channels.takes(streamName("one", "other")), publish("one", "other")]).toEqual([false, undefined]);
		expect(said).toEqual([]);
	});

	it("are not made while the server shuts down, and end with it at once", async () => {
		const sink = publish("one");
		channels.turnAway();
		expect(codeOf(() => publish("two"))).toBe("CHANNEL_NOT_READY");
		sink.end(undefined);
		clock.advance(60_000);
		expect(labels()).toContain("live/one");
		await channels.stop();
		expect(labels()).toEqual(["live/cam", "live/signal"]);
		expect(clock.time.pending).toBe(0);
	});
});
