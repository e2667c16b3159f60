/**
 * What is no media reaches the kernel by the same port (D5), while media flows past it: ping, TCP, HTTP, other UDP. And
 * the kernel gets none of the media.
 */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Distribution, engineOf } from "../kit/distribution/distribution.ts";
import { expectStream } from "../kit/distribution/expect-stream.ts";
import { createLan, type Lan } from "../kit/distribution/lan.ts";
import { LiveCapture } from "../kit/distribution/live-capture.ts";
import { mediaPacket } from "../kit/distribution/media-packets.ts";
import { publish, startPublisher } from "../kit/distribution/publisher.ts";
import { startUdpSink } from "../kit/distribution/udp-sink.ts";

const BODY_BYTES = 5_000_000;
const PACKETS_PER_SECOND = 2000;

/** Serves a body of pseudo-random bytes, and tells its hash. */
const HTTP_SERVER = `
const { createHash } = require("node:crypto");
const body = Buffer.alloc(${BODY_BYTES}, createHash("sha512").update("body").digest());
const hash = createHash("sha256").update(body).digest("hex");
require("node:http").createServer((_, response) => response.end(body))
	.listen(8080, process.argv[1], () => console.log("serving " + hash));`;

describe.each(["af_xdp", "af_packet"] as const)("%s under load", (contender) => {
	let lan: Lan;
	let distribution: Distribution;
	beforeAll(async () => {
		lan = createLan();
		// As kernels do: what they leave to the device must come through whole, too.
		for (const side of [lan.publisher, lan.server, lan.receivers]) lan.offloadChecksums(side, "device");
		distribution = await Distribution.start(engineOf(contender, lan.server));
	});
	afterAll(async () => {
		await distribution?.stop();
		lan?.remove();
	});

	/** Counters of the server's kernel. */
	function kernelUdp(): Record<string, number> {
		const lines = lan.run(lan.server, "cat", "/proc/net/snmp").split("\n");
		const [names, values] = lines.filter((line) => line.startsWith("Udp:")).map((line) => line.split(" ").slice(1));
		return Object.fromEntries(names!.map((name, index) => [name, Number(values![index])]));
	}

	test("ping loses nothing, HTTP and a large transfer work, and the kernel sees no media", async () => {
		const match = { address: lan.server.ipv4, port: 5004 };
		const receivers = [6000, 6001, 6002].map((port) => ({ address: lan.receivers.ipv4, port }));
		await distribution.put({ name: "cam-1", match, media: "rtp", receivers });
		onTestFinished(() => distribution.drop("cam-1"));
		const http = lan.start(lan.server, process.execPath, ["-e", HTTP_SERVER, lan.server.ipv4]);
		onTestFinished(async () => void (await http.stop()));
		const [, wanted] = await http.waitForLine(/serving (\w+)/);
		const atServer = await LiveCapture.start(lan, lan.server, "udp port 5004");
		onTestFinished(() => atServer.stop());
		const seen = await LiveCapture.start(lan, lan.receivers, "udp dst port 6001");
		onTestFinished(() => seen.stop());
		const before = kernelUdp();
		const job = { kind: "rtp", to: match, bytes: [1200], packetsPerSecond: PACKETS_PER_SECOND } as const;
		const publisher = startPublisher(lan, job);
		await seen.arrived(6001, 100);

		const hash = createHash("sha256");
		const get = ["--silent", "--show-error", "--max-time", "20", `http://${lan.server.ipv4}:8080/`];
		const curl = lan.start(lan.publisher, "curl", get, { onStdout: (bytes) => void hash.update(bytes) });
		const ping = lan.start(lan.publisher, "ping", ["-q", "-i", "0.01", "-c", "150", lan.server.ipv4]);
		const pingBack = lan.start(lan.receivers, "ping", ["-q", "-i", "0.01", "-c", "150", lan.server.ipv6]);
		expect(await curl.exited).toEqual({ code: 0, signal: null });
		expect(hash.digest("hex")).toBe(wanted);
		for (const one of [ping, pingBack]) {
			await one.exited;
			expect(one.stdout).toMatch(/150 packets transmitted, 150 received, 0% packet loss/);
		}
		const sent = await publisher.stop();
		expectStream(await seen.arrived(6001, sent), { kind: "rtp", bytes: [1200], count: sent });
		const after = kernelUdp();
		for (const counter of ["InDatagrams", "NoPorts", "InErrors"]) expect(after[counter]).toBe(before[counter]);
		// Behind AF_PACKET a tap such as tcpdump's sees what the kernel does not get.
		if (contender === "af_xdp") expect(atServer.frames).toEqual([]);
	});

	test("what is no media of the rule's comes to the kernel's socket on the same port, fragments put together", async () => {
		const match = { address: lan.server.ipv4, port: 5004 };
		const receivers = [{ address: lan.receivers.ipv4, port: 6000 }];
		await distribution.put({ name: "cam-1", match, media: "rtp", receivers });
		onTestFinished(() => distribution.drop("cam-1"));
		const socket = await startUdpSink(lan, lan.server, match.address, match.port);
		onTestFinished(() => socket.stop());
		const job = { to: match, count: 5, packetsPerSecond: 100 } as const;
		await publish(lan, { ...job, kind: "rtp", bytes: [200] });
		await publish(lan, { ...job, kind: "text", bytes: [52] });
		await publish(lan, { ...job, kind: "rtcp", bytes: [28] });
		await publish(lan, { ...job, kind: "rtp", bytes: [3000] });
		await expect.poll(() => socket.payloads().length, { timeout: 5000 }).toBeGreaterThanOrEqual(15);
		const kinds = (["text", "rtcp", "rtp"] as const).map((kind, index) => ({ kind, bytes: [52, 28, 3000][index]! }));
		const wanted = kinds.flatMap(({ kind, bytes }) =>
			[0, 1, 2, 3, 4].map((number) => mediaPacket({ kind, stream: 1, bytes }, number)),
		);
		expect(Buffer.concat(socket.payloads()).equals(Buffer.concat(wanted))).toBe(true);
	});

	test("a rule that ends gives its packets back to the kernel", async () => {
		const match = { address: lan.server.ipv4, port: 5004 };
		const receivers = [{ address: lan.receivers.ipv4, port: 6000 }];
		await distribution.put({ name: "cam-1", match, media: "rtp", receivers });
		const socket = await startUdpSink(lan, lan.server, match.address, match.port);
		onTestFinished(() => socket.stop());
		await distribution.drop("cam-1");
		await publish(lan, { kind: "rtp", to: match, bytes: [200], count: 5, packetsPerSecond: 100 });
		await expect.poll(() => socket.payloads().length, { timeout: 5000 }).toBe(5);
	});
});
