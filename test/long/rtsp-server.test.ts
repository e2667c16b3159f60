/**
 * RTSP end to end: what FFmpeg and GStreamer publish by UDP and on their connections, players get by RTSP in every way
 * and viewers by HTTP in four packagings, every frame once.
 */
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { makeClip } from "../kit/media-maker.ts";
import { runToEnd, startProcess } from "../kit/processes.ts";
import { COPIED_UNIT_MS, expectFrames, PUBLISHED, publishWithFfmpeg, startPublishing } from "../kit/publishing.ts";
import { record } from "../kit/recording.ts";
import { ffmpegPlays, ffmpegPublishes, gstreamerPlays, gstreamerPublishes } from "../kit/rtsp-clients.ts";
import { expectEveryFrameOnce, type Verdict } from "../kit/signal-reader.ts";
import { TINY_CHANNEL } from "../kit/tiny-ladder.ts";

const PACKAGINGS = ["ts", "flv", "mp4", "rtp"];
const LADDER = { ...PUBLISHED, audio: "none" };
const NONE = { channels: {} };
/** Of a clip that is relayed: players on a busy machine need some to come. */
const SECONDS = 12;
const FRAMES = SECONDS * 30;
const TRANSPORTS = ["udp", "tcp"] as const;
const ENGINES = ["node", "sockets"] as const;

/** From the key picture at which it came in to one at the end. */
function expectPlayed({ counters }: Verdict): void {
	expect(counters.length).toBeGreaterThan(60);
	expectEveryFrameOnce(counters);
	expect(counters.at(-1)!.counter).toBeGreaterThan(FRAMES - 10);
}

test.for(TRANSPORTS)("FFmpeg publishes by %s: every frame once, in four packagings", async (transport) => {
	const server = await startPublishing({ channels: { cam: LADDER } });
	publishWithFfmpeg(["-f", "rtsp", "-rtsp_transport", transport, `${server.rtsp}/live/cam`]);
	await server.live();
	await Promise.all(PACKAGINGS.map((extension) => expectFrames(`${server.penstock.http}/live/cam.${extension}`)));
	expect(await server.penstock.metric("penstock_published_access_units_dropped_total")).toBe(0);
});

test.for(TRANSPORTS)("GStreamer publishes by %s: every frame once, by HTTP and by RTSP", async (transport) => {
	const server = await startPublishing({ channels: { cam: LADDER } });
	const url = `${server.rtsp}/live/cam`;
	const clip = await makeClip({ container: "mp4", seconds: 60, gopFrames: 15 });
	const publisher = gstreamerPublishes(clip, url, transport);
	onTestFinished(async () => void (await publisher.stop()));
	await server.live();
	const playing = TRANSPORTS.map((lower) => ffmpegPlays(url, lower, ["-t", "4"]));
	await Promise.all(PACKAGINGS.map((extension) => expectFrames(`${server.penstock.http}/live/cam.${extension}`)));
	for (const { counters } of await Promise.all(playing)) {
		expect(counters.length).toBeGreaterThan(60);
		expectEveryFrameOnce(counters);
	}
});

test.for(ENGINES.flatMap((engine) => TRANSPORTS.map((transport) => [engine, transport] as const)))(
	"engine %s: FFmpeg publishes by %s, FFmpeg and GStreamer play by UDP and on their connections",
	async ([engine, transport]) => {
		const server = await startPublishing({ ...NONE, distribution: { engine } });
		const url = `${server.rtsp}/live/clip`;
		const publisher = await ffmpegPublishes(url, transport, startProcess, SECONDS);
		await recording(server.penstock, "live/clip");
		const verdicts = await Promise.all([
			...TRANSPORTS.map((lower) => ffmpegPlays(url, lower)),
			...TRANSPORTS.map((lower) => gstreamerPlays(url, lower, publisher.exited)),
		]);
		for (const verdict of verdicts) expectPlayed(verdict);
		expect(await publisher.exited).toMatchObject({ code: 0 });
		expect(publisher.stderr).toBe("");
		await eventually(async () =>
			expect((await server.penstock.call("GET", "/api/v1/rules")).body).toEqual({ rules: [] }),
		);
	},
);

/** Resolves when somebody publishes. */
async function recording(
	penstock: { readonly log: readonly Record<string, unknown>[] },
	channel: string,
): Promise<void> {
	await eventually(async () => {
		expect(penstock.log).toContainEqual(expect.objectContaining({ msg: "publisher joined", channel }));
	}, 10_000);
}

test.for(TRANSPORTS)(
	"a channel that nobody publishes by RTSP is played by %s: its best rendition, every frame once",
	async (lower) => {
		const server = await startPublishing({ channels: { demo: TINY_CHANNEL } });
		await server.live("live/demo");
		const verdicts = await Promise.all([0, 1].map(() => ffmpegPlays(`${server.rtsp}/live/demo`, lower, ["-t", "4"])));
		for (const { counters } of verdicts) {
			expect(counters.length).toBeGreaterThan(60);
			expectEveryFrameOnce(counters);
		}
	},
);

test("what RTMP publishes RTSP's players get as it came, picture and sound", async () => {
	const cam = { source: "publish", unitMs: COPIED_UNIT_MS, renditions: [{ name: "source", copy: true }] };
	const server = await startPublishing({ channels: { cam } });
	publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`], { audio: true });
	await server.live();
	const { stdout } = await runToEnd("ffprobe", [
		...["-v", "error", "-rtsp_transport", "tcp", "-show_entries", "stream=codec_name,width", "-of", "csv=p=0"],
		`${server.rtsp}/live/cam`,
	]);
	expect(stdout.trim().split("\n")).toEqual(["h264,320", "aac"]);
	await eventually(async () => expect(await server.penstock.metric("penstock_rtsp_players")).toBe(0));
	const { counters } = await gstreamerPlays(
		`${server.rtsp}/live/cam`,
		"udp",
		new Promise((resolve) => setTimeout(resolve, 5000)),
	);
	expect(counters.length).toBeGreaterThan(60);
	expectEveryFrameOnce(counters);
});

test("a publisher drops and returns: viewers' responses survive it, RTSP's players are told and come anew", async () => {
	const server = await startPublishing({ channels: { cam: LADDER } });
	const url = `${server.rtsp}/live/cam`;
	const first = publishWithFfmpeg(["-f", "rtsp", "-rtsp_transport", "udp", url]);
	await server.live();
	const viewing = await record(`${server.penstock.http}/live/cam.ts`);
	await viewing.until(({ units }) => units.length > 3);
	const playing = ffmpegPlays(url, "udp");
	await eventually(async () => {
		expect(server.penstock.log).toContainEqual(expect.objectContaining({ msg: "player joined", channel: "live/cam" }));
	});
	await viewing.until(({ units }) => units.length > 10);
	first.kill("SIGKILL");
	expectEveryFrameOnce((await playing).counters);
	const before = viewing.units.length;
	publishWithFfmpeg(["-f", "rtsp", "-rtsp_transport", "tcp", url], { firstCounter: 5000 });
	await viewing.until(({ units }) => units.length > before + 8);
	const numbers = viewing.units.map(({ number }) => number!);
	expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));
	expect(viewing.faults).toEqual([]);
	expectEveryFrameOnce((await ffmpegPlays(url, "tcp", ["-t", "2"])).counters);
	viewing.viewer.close();
});

test("one name has one publisher, whatever the protocols", async () => {
	const server = await startPublishing({ channels: { cam: LADDER } });
	publishWithFfmpeg(["-f", "rtsp", "-rtsp_transport", "udp", `${server.rtsp}/live/cam`]);
	await server.live();
	const again = publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`]);
	expect((await again.exited).code).not.toBe(0);
	expect(again.stderr).toContain("PUBLISHER_EXISTS");
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
});

test("a second publisher takes over where that is wanted", async () => {
	const server = await startPublishing({ channels: { cam: LADDER }, publish: { second: "replace" } });
	const first = publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`]);
	await server.live();
	const second = publishWithFfmpeg(["-f", "rtsp", "-rtsp_transport", "udp", `${server.rtsp}/live/cam`], {
		firstCounter: 5000,
	});
	expect((await first.exited).code).not.toBe(0);
	await server.live();
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
	publishWithFfmpeg(["-f", "rtsp", "-rtsp_transport", "tcp", `${server.rtsp}/live/cam`], { firstCounter: 9000 });
	expect((await second.exited).code).not.toBe(0);
	await server.live();
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
});

test("where streams are not to be relayed, and where a channel has another source, nobody publishes", async () => {
	const server = await startPublishing({
		channels: { demo: { ...TINY_CHANNEL, onDemand: true } },
		publish: { rtsp: { relay: false } },
	});
	for (const name of ["demo", "stranger"]) {
		const publisher = await ffmpegPublishes(`${server.rtsp}/live/${name}`, "udp");
		expect((await publisher.exited).code).not.toBe(0);
		expect(publisher.stderr).toContain("404");
	}
});

test("a channel on demand takes packets into this process only while somebody watches it", async () => {
	const cam = { ...LADDER, onDemand: true, idleMs: 500 };
	const server = await startPublishing({ channels: { cam }, distribution: { engine: "node" } });
	publishWithFfmpeg(["-f", "rtsp", "-rtsp_transport", "udp", `${server.rtsp}/live/cam`]);
	const owners = async (): Promise<(string | undefined)[]> => {
		const { rules } = (await server.penstock.call("GET", "/api/v1/rules")).body as { rules: { name: string }[] };
		const name = rules.find((rule) => rule.name.endsWith("-rtp"))?.name;
		const { body } = await server.penstock.call("GET", `/api/v1/rules/${name}`);
		const { received, receivers } = body as { received: { packets: number }; receivers: { owner?: string }[] };
		expect(received.packets).toBeGreaterThan(20);
		return receivers.map(({ owner }) => owner);
	};
	await eventually(async () => expect(await owners()).toEqual([]), 20_000);
	for (const packaging of ["ts", "mp4"]) {
		const watching = expectFrames(`${server.penstock.http}/live/cam.${packaging}`);
		await eventually(async () => expect(await owners()).toEqual(["RTSP"]), 20_000);
		await watching;
		await eventually(async () => expect(await owners()).toEqual([]), 20_000);
	}
});
