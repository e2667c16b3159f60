/** Pulls a stream by RTSP, and keeps the numbers of its packets. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { PenstockError } from "../../src/base/errors.ts";
import type { PacketKind } from "../../src/rtsp/application.ts";
import type { PullApplication, PullClient } from "../../src/rtsp/pull-client.ts";
import { openPull } from "../../src/rtsp/pull-source.ts";
import { parsePullUrl } from "../../src/rtsp/pull-url.ts";
import { nodeClock } from "../../src/server/node-time.ts";
import type { Pair } from "../../src/wire/rtsp-transport.ts";
import type { SdpSession } from "../../src/wire/sdp.ts";
import { onCleanup } from "./cleanup.ts";

export class Puller implements PullApplication {
	description: SdpSession | undefined;
	/** Sequence numbers of RTP as they came, by medium. */
	readonly numbers = new Map<number, number[]>();
	/** How each medium came. */
	readonly by = new Map<number, "udp" | "interleaved">();
	rtcp = 0;
	isPlaying = false;
	readonly ending: Promise<PenstockError | undefined>;
	readonly #end: (error: PenstockError | undefined) => void;
	readonly #sockets: Socket[] = [];
	readonly #client: PullClient;

	constructor(url: string, transport: "udp-first" | "udp" | "interleaved", silenceMs = 5000) {
		const { promise, resolve } = Promise.withResolvers<PenstockError | undefined>();
		this.ending = promise;
		this.#end = resolve;
		const parsed = parsePullUrl(url);
		this.#client = openPull({
			...{ clock: nodeClock(), url: parsed, address: parsed.host, transport, application: this, silenceMs },
		});
		onCleanup(() => this.stop());
	}

	stop(): void {
		this.#client.stop();
	}

	described(description: SdpSession): readonly number[] {
		this.description = description;
		return description.media.map((_, medium) => medium);
	}

	async openPorts(medium: number): Promise<Pair> {
		const [rtp, rtcp] = [await this.#open(medium, "rtp"), await this.#open(medium, "rtcp")];
		return { rtp, rtcp };
	}

	ready(medium: number, by: "udp" | "interleaved"): void {
		this.by.set(medium, by);
	}

	playing(): void {
		this.isPlaying = true;
	}

	packet(medium: number, kind: PacketKind, bytes: Uint8Array): void {
		if (kind === "rtcp") this.rtcp++;
		else {
			const numbers = this.numbers.get(medium) ?? [];
			this.numbers.set(medium, numbers);
			numbers.push((bytes[2]! << 8) | bytes[3]!);
		}
	}

	ended(error: PenstockError | undefined): void {
		for (const socket of this.#sockets) socket.close();
		this.#end(error);
	}

	/** Steps from one number to the next that are none of one. */
	gapsOf(medium: number): number[] {
		const numbers = this.numbers.get(medium) ?? [];
		return numbers.slice(1).filter((number, index) => ((number - numbers[index]!) & 0xffff) !== 1);
	}

	/** Any two ports: this client's own are told one by one. */
	async #open(medium: number, kind: PacketKind): Promise<number> {
		const socket = createSocket("udp4");
		this.#sockets.push(socket);
		socket.bind(0, "127.0.0.1");
		await once(socket, "listening");
		socket.on("message", (bytes) => {
			this.#client.alive();
			this.packet(medium, kind, bytes);
		});
		return socket.address().port;
	}
}
