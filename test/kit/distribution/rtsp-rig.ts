/**
 * RTSP over the distribution plane, each side in a network of its own: signalling goes by the same port as the media, past
 * the engine.
 */
import { expect, onTestFinished } from "vitest";
import { eventually } from "../eventually.ts";
import { CLI, writeConfig } from "../penstock.ts";
import type { RunningProcess } from "../processes.ts";
import { ANYONE } from "../publishing.ts";
import { ffmpegPlays, ffmpegPublishes, gstreamerPlays, type Launch } from "../rtsp-clients.ts";
import { expectEveryFrameOnce, type Verdict } from "../signal-reader.ts";
import { createLan, type Lan, PORT_DEVICE } from "./lan.ts";

const PORT = 8554;
const GROUPS = "239.255.80.0/24";
const ENGINES = {
	sockets: { engine: "sockets" },
	af_xdp: { engine: "dpdk", device: PORT_DEVICE, backend: "af_xdp", arguments: ["--no-huge-pages"] },
} as const;
export type Engine = keyof typeof ENGINES;
export const ENGINE_NAMES = Object.keys(ENGINES) as Engine[];

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

export class RtspRig {
	readonly lan: Lan;
	readonly url: string;
	readonly server: RunningProcess;
	readonly #api: string;

	static async start(engine: Engine): Promise<RtspRig> {
		const lan = createLan();
		const rtsp = { listen: `${lan.server.ipv4}:${PORT}`, multicast: { groups: GROUPS } };
		const config = { channels: {}, access: ANYONE, publish: { rtsp }, distribution: ENGINES[engine] };
		const server = lan.start(lan.server, process.execPath, [CLI, "serve", "-c", writeConfig(config)]);
		onTestFinished(async () => {
			await server.stop(15_000);
			lan.remove();
		});
		const [, api] = await server.waitForLine(/"api":"(http:[^"]+)".*"msg":"listening"/, 60_000);
		return new RtspRig(lan, server, api!);
	}

	private constructor(lan: Lan, server: RunningProcess, api: string) {
		this.lan = lan;
		this.server = server;
		this.#api = api;
		this.url = `rtsp://${lan.server.ipv4}:${PORT}/live/clip`;
	}

	readonly atPublisher: Launch = (...words) => this.lan.start(this.lan.publisher, ...words);
	readonly atReceivers: Launch = (...words) => this.lan.start(this.lan.receivers, ...words);

	/** By UDP, for so long. */
	async publish(seconds: number): Promise<RunningProcess> {
		const publisher = await ffmpegPublishes(this.url, "udp", this.atPublisher, seconds);
		// Besides those of our reports to it.
		const brought = (): readonly RuleAnswer[] => this.rules().filter(({ name }) => !name.endsWith("-reports"));
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

/** From the key picture at which it came in to one at the end of so many seconds. */
export function expectPlayed({ counters }: Verdict, seconds: number): void {
	expect(counters.length).toBeGreaterThan(30);
	expectEveryFrameOnce(counters);
	expect(counters.at(-1)!.counter).toBeGreaterThan(seconds * 30 - 10);
}
