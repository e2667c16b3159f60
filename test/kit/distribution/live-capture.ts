/** What comes in by the port of one side, as tcpdump sees it, read while it comes. */
import type { RunningProcess } from "../processes.ts";
import { readUdpFrame, type UdpFrame } from "./frames.ts";
import { type Lan, type LanSide, PORT_DEVICE } from "./lan.ts";
import { PcapReader } from "./pcap-reader.ts";

/** The largest frame here; tcpdump's buffer is so many places of that size. */
const FRAME_BYTES = 4000;
const BUFFER_KIB = 65_536;

export class LiveCapture {
	/** UDP that is no fragment, in the order of its coming. */
	readonly frames: UdpFrame[] = [];
	readonly #byPort = new Map<number, UdpFrame[]>();
	readonly #reader = new PcapReader();
	#waiting = new Set<() => void>();
	#process: RunningProcess | undefined;

	/** @param filter as of tcpdump; everything where it is left out */
	static async start(lan: Lan, side: LanSide, filter = "", device = PORT_DEVICE): Promise<LiveCapture> {
		const capture = new LiveCapture();
		// -U with --immediate-mode: each packet is told as it comes. -Z: the port is root's, and so is what reads it.
		const how = ["-i", device, "-Q", "in", "-n", "-U", "--immediate-mode", "-Z", "root", "-B", `${BUFFER_KIB}`];
		const format = ["-s", `${FRAME_BYTES}`, "--time-stamp-precision=nano", "-w", "-"];
		const words = filter === "" ? [] : [filter];
		const onStdout = (bytes: Uint8Array): void => capture.#push(bytes);
		capture.#process = lan.start(side, "tcpdump", [...how, ...format, ...words], { onStdout });
		await capture.#process.waitForLine(/listening on/);
		return capture;
	}

	/** To one port, since the capture began. */
	to(port: number): readonly UdpFrame[] {
		return this.#byPort.get(port) ?? [];
	}

	/** Resolves when the condition holds; looks at every packet. @throws Error when `timeoutMs` pass without it */
	async until(condition: () => boolean, what: string, timeoutMs = 5000): Promise<void> {
		if (condition()) return;
		const held = Promise.withResolvers<void>();
		const look = (): void => {
			if (condition()) held.resolve();
		};
		const late = (): void => held.reject(new Error(`not within ${timeoutMs} ms: ${what}; so far: ${this.summary}`));
		const timer = setTimeout(late, timeoutMs);
		this.#waiting.add(look);
		try {
			await held.promise;
		} finally {
			clearTimeout(timer);
			this.#waiting.delete(look);
		}
	}

	/** Resolves when so many have come to a port. */
	async arrived(port: number, count: number, timeoutMs?: number): Promise<readonly UdpFrame[]> {
		await this.until(() => this.to(port).length >= count, `${count} packets to port ${port}`, timeoutMs);
		return this.to(port);
	}

	/** How many have come to each port. */
	get summary(): string {
		return [...this.#byPort].map(([port, { length }]) => `${length} to ${port}`).join(", ") || "nothing";
	}

	/** @throws Error where tcpdump did not see everything */
	async stop(): Promise<void> {
		const tcpdump = this.#process!;
		tcpdump.kill("SIGINT");
		await tcpdump.exited;
		const [, dropped] = tcpdump.stderr.match(/(\d+) packets? dropped by kernel/) ?? [];
		if (dropped !== "0") throw new Error(`tcpdump missed ${dropped} packets:\n${tcpdump.lastWords()}`);
	}

	#push(bytes: Uint8Array): void {
		for (const packet of this.#reader.push(bytes)) {
			const frame = readUdpFrame(packet.bytes, packet.atMs);
			if (frame !== undefined) this.#add(frame);
		}
		for (const look of this.#waiting) look();
	}

	#add(frame: UdpFrame): void {
		this.frames.push(frame);
		const ofPort = this.#byPort.get(frame.destinationPort);
		if (ofPort === undefined) this.#byPort.set(frame.destinationPort, [frame]);
		else ofPort.push(frame);
	}
}
