/** A program with a plain UDP socket on one side of the network: what its kernel gives it. */
import type { RunningProcess } from "../processes.ts";
import type { Lan, LanSide } from "./lan.ts";

const PROGRAM = `
const [address, port] = process.argv.slice(1);
const socket = require("node:dgram").createSocket(address.includes(":") ? "udp6" : "udp4");
socket.on("message", (message) => console.log("got " + message.toString("hex")));
socket.bind(Number(port), address, () => console.log("bound"));`;

export interface UdpSink {
	/** In the order of their coming. */
	payloads(): Buffer[];
	stop(): Promise<void>;
}

/** @param address with `port`, where it listens */
export async function startUdpSink(lan: Lan, side: LanSide, address: string, port: number): Promise<UdpSink> {
	const sink: RunningProcess = lan.start(side, process.execPath, ["-e", PROGRAM, address, `${port}`]);
	await sink.waitForLine(/bound/);
	return {
		payloads: () => [...sink.stdout.matchAll(/^got (\w+)$/gm)].map(([, hex]) => Buffer.from(hex!, "hex")),
		async stop() {
			await sink.stop();
		},
	};
}
