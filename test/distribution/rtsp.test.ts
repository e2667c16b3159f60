/**
 * RTSP over the distribution plane, each side in a network of its own: FFmpeg publishes by UDP, FFmpeg and GStreamer play
 * by UDP and by multicast. Signalling goes by the same port, past the engine; the media never come to the server's
 * process, which the counters of its kernel show.
 */
import { expect, onTestFinished, test, vi } from "vitest";
import { createLan, type Lan, PORT_DEVICE } from "../kit/distribution/lan.ts";
import { eventually } from "../kit/eventually.ts";
import { CLI, writeConfig } from "../kit/penstock.ts";
import type { RunningProcess } from "../kit/processes.ts";
import { ANYONE } from "../kit/publishing.ts";
import { ffmpegPlays, ffmpegPublishes, gstreamerPlays, type Launch } from "../kit/rtsp-clients.ts";
import { expectEveryFrameOnce, type Verdict } from "../kit/signal-reader.ts";

/** Each is as long as its clip, and what players need to begin. */
vi.setConfig({ testTimeout: 150_000 });

const PORT = 8554;
/** Of what is published: ten players on a busy machine need some to come. */
const SECONDS = 20;
const FRAMES = SECONDS * 30;
const GROUPS = "239.255.80.0/24";
const ENGINES = {
	sockets: { engine: "sockets" },
	af_xdp: { engine: "dpdk", device: PORT_DEVICE, backend: "af_xdp", arguments: ["--no-huge-pages"] },
} as const;
type Engine = keyof typeof ENGINES;
const NAMES = Object.keys(ENGINES) as Engine[];

/** What came by the rule and went out. */
interface RuleAnswer {
	readonly name: string;
	readonly received: { readonly packets: number };
	readonly sent: { readonly packets: number };
	readonly drops: Readonly<Record<string, number>>;
	readonly receivers: readonly {
		readonly address: string;
		readonly port: number;
		readonly packets: number;
		readonly owner?: string;
	}[];
}

class Rig {
	readonly lan: Lan;
	readonly url: string;
	readonly server: RunningProcess;
	readonly #api: string;

	static async start(engine: Engine): Promise<Rig> {
		const lan = createLan();
		const rtsp = { listen: `${lan.server.ipv4}:${PORT}`, multicast: { groups: GROUPS } };
		const config = { channels: {}, access: ANYONE, publish: { rtsp }, distribution: ENGINES[engine] };
		const server = lan.start(lan.server, process.execPath, [CLI, "serve", "-c", writeConfig(config)]);
		onTestFinished(async () => {
			await server.stop(15_000);
			lan.remove();
		});
		const [, api] = await server.waitForLine(/"api":"(http:[^"]+)".*"msg":"listening"/, 60_000);
		return new Rig(lan, server, api!);
	}

	private constructor(lan: Lan, server: RunningProcess, api: string) {
		this.lan = lan;
		this.server = server;
		this.#api = api;
		this.url = `rtsp://${lan.server.ipv4}:${PORT}/live/clip`;
	}

	readonly atPublisher: Launch = (...words) => this.lan.start(this.lan.publisher, ...words);
	readonly atReceivers: Launch = (...words) => this.lan.start(this.lan.receivers, ...words);

	async publish(): Promise<RunningProcess> {
		const publisher = await ffmpegPublishes(this.url, "udp", this.atPublisher, SECONDS);
		// Besides those of our reports to it.
		const brought = () => this.rules().filter(({ name }) => !name.endsWith("-reports"));
		await eventually(async () => expect(brought().length).toBe(4), 20_000);
		return publisher;
	}

	/** Resolves when a receiver report (RFC 3550, 6.4.2) of the server's has come to the publisher. */
	async reportToPublisher(): Promise<void> {
		const report = `udp and src host ${this.lan.server.ipv4} and udp[9] = 201`;
		const capture = this.lan.start(this.lan.publisher, "tcpdump", ["-i", "any", "-n", "-c", "1", report]);
		onTestFinished(async () => void (await capture.stop()));
		expect((await capture.exited).code, capture.lastWords()).toBe(0);
	}

	/** Ports above those whose packets the rig throws away. */
	ffmpegPlays(): Promise<Verdict> {
		return ffmpegPlays(this.url, "udp", ["-min_port", "10000"], this.atReceivers);
	}

	gstreamerPlays(protocols: "udp" | "udp-mcast", until: Promise<unknown>): Promise<Verdict> {
		return gstreamerPlays(this.url, protocols, until, [`multicast-iface=${PORT_DEVICE}`], this.atReceivers);
	}

	rules(): readonly RuleAnswer[] {
		const { rules } = this.#get<{ rules: readonly RuleAnswer[] }>("/api/v1/rules");
		return rules.map(({ name }) => this.#get<RuleAnswer>(`/api/v1/rules/${name}`));
	}

	/** Of RTP. */
	mediaRules(): readonly RuleAnswer[] {
		return this.rules().filter(({ name }) => name.endsWith("-rtp"));
	}

	/** UDP datagrams that the server's kernel has handed to sockets. */
	kernelDatagrams(): number {
		const lines = this.lan.run(this.lan.server, "cat", "/proc/net/snmp").split("\n");
		return Number(lines.filter((line) => line.startsWith("Udp:"))[1]!.split(" ")[1]);
	}

	#get<Answer>(path: string): Answer {
		return JSON.parse(this.lan.run(this.lan.server, "curl", "-s", `${this.#api}${path}`)) as Answer;
	}
}

/** From the key picture at which it came in to one at the end. */
function expectPlayed({ counters }: Verdict): void {
	expect(counters.length).toBeGreaterThan(30);
	expectEveryFrameOnce(counters);
	expect(counters.at(-1)!.counter).toBeGreaterThan(FRAMES - 10);
}

test.each(NAMES)(
	"%s: ten players by UDP get every frame, and no media come to the server's process",
	async (engine) => {
		const rig = await Rig.start(engine);
		const reported = rig.reportToPublisher();
		const publisher = await rig.publish();
		const ended = publisher.exited;
		const verdicts = Promise.all([
			...Array.from({ length: 8 }, () => rig.ffmpegPlays()),
			...Array.from({ length: 2 }, () => rig.gstreamerPlays("udp", ended)),
		]);
		await eventually(async () => {
			for (const { receivers } of rig.mediaRules()) expect(receivers.length).toBe(10);
		}, 20_000);
		await eventually(async () => expect(rig.mediaRules()[0]!.received.packets).toBeGreaterThan(100), 20_000);
		const [video, audio] = rig.mediaRules();
		for (const { receivers } of [video!, audio!]) {
			expect(new Set(receivers.map(({ address }) => address))).toEqual(new Set([rig.lan.receivers.ipv4]));
			// Nobody of this process is among them.
			expect(receivers.filter(({ owner }) => owner !== undefined)).toEqual([]);
		}
		// Of DPDK's port, the kernel sees RTCP alone, which a session listens to: a packet in seconds.
		if (engine === "af_xdp") {
			const before = rig.kernelDatagrams();
			const wanted = video!.received.packets + 150;
			await eventually(async () => expect(rig.mediaRules()[0]!.received.packets).toBeGreaterThan(wanted), 20_000);
			expect(rig.kernelDatagrams() - before).toBeLessThan(15);
		}
		for (const verdict of await verdicts) expectPlayed(verdict);
		await reported;
		expect((await ended).code).toBe(0);
		await eventually(async () => expect(rig.rules()).toEqual([]));
	},
);

test.each(NAMES)("%s: a group is one receiver, however many watch by it", async (engine) => {
	const rig = await Rig.start(engine);
	const publisher = await rig.publish();
	const ended = publisher.exited;
	const verdicts = Promise.all([
		rig.gstreamerPlays("udp-mcast", ended),
		rig.gstreamerPlays("udp-mcast", ended),
		ffmpegPlays(rig.url, "udp_multicast", [], rig.atReceivers),
	]);
	await eventually(async () => {
		const groups = rig.mediaRules().map(({ receivers }) => receivers.map(({ address }) => address));
		expect(groups).toEqual([[expect.stringMatching(/^239\.255\.80\./)], [expect.stringMatching(/^239\.255\.80\./)]]);
	}, 20_000);
	for (const verdict of await verdicts) expectPlayed(verdict);
});

test("af_xdp: what is published on a connection reaches players by UDP, and what is published by UDP those on theirs", async () => {
	const rig = await Rig.start("af_xdp");
	const publisher = await ffmpegPublishes(rig.url, "tcp", rig.atPublisher, SECONDS);
	await rig.server.waitForLine(/"publisher joined"/);
	const play = (lower: "udp" | "tcp"): Promise<Verdict> =>
		ffmpegPlays(rig.url, lower, lower === "udp" ? ["-min_port", "10000"] : [], rig.atReceivers);
	for (const verdict of await Promise.all([play("udp"), play("tcp")])) expectPlayed(verdict);
	expect((await publisher.exited).code).toBe(0);
	await rig.publish();
	const { counters } = await ffmpegPlays(rig.url, "tcp", ["-t", "4"], rig.atReceivers);
	expect(counters.length).toBeGreaterThan(60);
	expectEveryFrameOnce(counters);
});

test.each(NAMES)("%s: a player that is killed gets nothing more", async (engine) => {
	const rig = await Rig.start(engine);
	await rig.publish();
	const player = rig.atReceivers("ffmpeg", [
		...["-v", "error", "-nostdin", "-rtsp_transport", "udp", "-min_port", "10000", "-i", rig.url],
		...["-c", "copy", "-f", "null", "-"],
	]);
	await eventually(async () => expect(rig.mediaRules()[0]?.receivers[0]?.packets).toBeGreaterThan(10), 20_000);
	player.kill("SIGKILL");
	await eventually(async () => expect(rig.mediaRules().map(({ receivers }) => receivers)).toEqual([[], []]));
	const [before] = rig.mediaRules();
	await eventually(async () =>
		expect(rig.mediaRules()[0]!.received.packets).toBeGreaterThan(before!.received.packets + 20),
	);
	expect(rig.mediaRules()[0]!.sent).toEqual(before!.sent);
});
