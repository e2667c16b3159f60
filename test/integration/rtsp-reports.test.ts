/**
 * What we report to those who bring a stream (RFC 3550, clause 6.4.2), through the real server and its engines: FFmpeg
 * and GStreamer read it, tshark dissects it, and nobody loses a packet by it.
 */
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseRtcp, type RtcpPacket, type SenderReport } from "../../src/media/rtp/rtcp.ts";
import { senderCompound } from "../../src/media/rtp/rtcp-writer.ts";
import { eventually } from "../kit/eventually.ts";
import { makeClip } from "../kit/media-maker.ts";
import { runToEnd, startProcess } from "../kit/processes.ts";
import { type PublishingServer, startPublishing } from "../kit/publishing.ts";
import { ffmpegPublishes } from "../kit/rtsp-clients.ts";
import { PLAIN_SDP, RtspDialogue, rtpPacket, udpPair } from "../kit/rtsp-dialogue.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const LOOPBACK = "127.0.0.1";
/** Of `rtpPacket`. */
const SSRC = 0x01020304;
const REPORT: Omit<SenderReport, "kind"> = {
	...{ ssrc: SSRC, ntp: { seconds: 0x8000_1234, fraction: 0x5678_0000 } },
	...{ rtpTimestamp: 3, packetCount: 4, octetCount: 5, blocks: [] },
};

/** Behind the channel's number and two bytes of length: from its version to the zeros behind the name. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is sent
const REPORT_ON_CHANNEL_5 = /\$\x05\0.(.*penstock\0\0)/s;

const urlOf = ({ rtsp }: PublishingServer): string => `${rtsp}/live/plain`;

/** A player on its connection has the packets come into the server's process. */
async function playsOnConnection(server: PublishingServer): Promise<void> {
	const player = new RtspDialogue(urlOf(server));
	await player.ask("SETUP", "/trackID=0", ["Transport: RTP/AVP/TCP;interleaved=0-1"]);
	expect((await player.ask("PLAY")).status).toBe(200);
}

test.for(["node", "sockets"])("engine %s: a publisher by UDP is told what came of its packets", async (engine) => {
	const server = await startPublishing({ channels: {}, distribution: { engine } });
	const [publisher, player] = [await udpPair(), await udpPair()];
	const dialogue = new RtspDialogue(urlOf(server));
	const port = await dialogue.publish(publisher.rtp);
	const heard: RtcpPacket[] = [];
	const ports = new Set<number>();
	publisher.rtcp.on("message", (bytes: Buffer, from) => {
		heard.push(...(parseRtcp(bytes) as RtcpPacket[]));
		ports.add(from.port);
	});
	const reports = () => heard.filter((packet) => packet.kind === "receiverReport");
	// Nobody has the packets come here: that we are there is all that is said.
	await eventually(async () => expect(reports()).toMatchObject([{ blocks: [] }]), 10_000);
	expect(heard).toContainEqual(expect.objectContaining({ names: [expect.objectContaining({ cname: "penstock" })] }));

	await playsOnConnection(server);
	await new RtspDialogue(urlOf(server)).play(player.rtp);
	const arrived: RtcpPacket[] = [];
	player.rtcp.on("message", (bytes: Buffer) => void arrived.push(...(parseRtcp(bytes) as RtcpPacket[])));
	publisher.rtcp.send(senderCompound(REPORT, "cam"), port + 1, LOOPBACK);
	for (const number of [10, 11, 13]) {
		publisher.rtp.send(rtpPacket(number), port, LOOPBACK);
		await once(player.rtp, "message");
	}
	await eventually(async () => {
		const [block] = reports().flatMap(({ blocks }) => blocks);
		expect(block).toMatchObject({ ssrc: SSRC, cumulativeLost: 1, fractionLost: 64, extendedHighest: 13 });
		expect(block).toMatchObject({ lastSenderReport: 0x1234_5678 });
		expect(block!.delaySinceSenderReport).toBeGreaterThan(0);
	}, 20_000);
	expect([...ports]).toEqual([port + 1]);

	// What sends from the port takes nothing that comes to it.
	await eventually(async () => expect(arrived).toContainEqual({ kind: "senderReport", ...REPORT }));
	const before = arrived.length;
	publisher.rtcp.send(senderCompound(REPORT, "cam"), port + 1, LOOPBACK);
	await eventually(async () => expect(arrived.length).toBe(before + 2));
	dialogue.connection.destroy();
	await eventually(async () =>
		expect((await server.penstock.call("GET", "/api/v1/rules")).body).toEqual({ rules: [] }),
	);
});

test("a publisher on its connection is told there, and one by UDP without RTCP's port goes without", async () => {
	const server = await startPublishing({ channels: {}, distribution: { engine: "node" } });
	const publisher = new RtspDialogue(urlOf(server));
	await publisher.ask("ANNOUNCE", "", ["Content-Type: application/sdp"], PLAIN_SDP);
	await publisher.ask("SETUP", "/streamid=0", ["Transport: RTP/AVP/TCP;interleaved=4-5;mode=record"]);
	await publisher.ask("RECORD");
	for (const number of [65_535, 0, 1]) {
		publisher.connection.write(Buffer.from([0x24, 4, 0, 14, ...rtpPacket(number)]).toString("latin1"));
	}
	const [, compound] = await publisher.connection.until(REPORT_ON_CHANNEL_5);
	expect(parseRtcp(Buffer.from(compound!, "latin1"))).toMatchObject([
		{ kind: "receiverReport", blocks: [{ ssrc: SSRC, cumulativeLost: 0, fractionLost: 0, extendedHighest: 0x1_0001 }] },
		{ kind: "sourceDescription", names: [{ cname: "penstock" }] },
	]);

	const single = new RtspDialogue(`${server.rtsp}/live/single`);
	const { rtp } = await udpPair();
	await single.ask("ANNOUNCE", "", ["Content-Type: application/sdp"], PLAIN_SDP);
	const { port } = rtp.address();
	const setUp = await single.ask("SETUP", "/streamid=0", [
		`Transport: RTP/AVP;unicast;client_port=${port};mode=record`,
	]);
	expect(setUp.status).toBe(200);
	expect((await single.ask("RECORD")).status).toBe(200);
	const { rules } = (await server.penstock.call("GET", "/api/v1/rules")).body as { rules: { name: string }[] };
	expect(rules.map(({ name }) => name.split("-").at(-1))).toEqual(["rtp"]);
});

/** What tshark makes of the receiver reports on the loopback: of each, packets lost, and whose it is. */
async function dissected(server: PublishingServer, act: () => Promise<void>): Promise<readonly string[]> {
	const file = join(makeTempDir("rtcp"), "lo.pcap");
	// At once, for what the kernel still gathers at the end is not written.
	const capture = startProcess("tcpdump", ["-i", "lo", "--immediate-mode", "-U", "-w", file, "udp or tcp"]);
	onTestFinished(async () => void (await capture.stop()));
	await capture.waitForLine(/listening on/);
	await act();
	await capture.stop();
	const signalling = `tcp.port==${new URL(server.rtsp.replace("rtsp", "http")).port},rtsp`;
	const fields = ["rtcp.ssrc.cum_nr", "rtcp.sdes.text", "_ws.malformed"].flatMap((field) => ["-e", field]);
	const seen = await runToEnd("tshark", [
		"-r",
		file,
		"-d",
		signalling,
		"-Y",
		"rtcp.pt==201",
		"-T",
		"fields",
		...fields,
	]);
	expect(seen.code, seen.stderr).toBe(0);
	return seen.stdout.split("\n").filter((line) => line !== "");
}

/** From RECORD on there is something to play. */
const untilPlayed = (server: PublishingServer): Promise<void> => eventually(() => playsOnConnection(server), 10_000);

test("GStreamer publishes by UDP and reads our reports, and tshark finds no fault in them", async () => {
	const server = await startPublishing({ channels: {}, distribution: { engine: "node" } });
	const clip = await makeClip({ container: "mp4", seconds: 60, gopFrames: 15 });
	const reports = await dissected(server, async () => {
		const pictures = `filesrc location=${clip} ! qtdemux ! h264parse ! identity sync=true`;
		const sink = `rtspclientsink location=${urlOf(server)} protocols=udp`;
		const publisher = startProcess("gst-launch-1.0", ["-q", ...`${pictures} ! ${sink}`.split(" ")], {
			env: { GST_DEBUG: "rtpsource:5", GST_DEBUG_NO_COLOR: "1" },
		});
		onTestFinished(async () => void (await publisher.stop()));
		await untilPlayed(server);
		// With the time of its own report in it, from which it knows the way's.
		await publisher.waitForLine(/got RB packet.* FL +0, PL 0, HS \d+, jitter \d+, LSR (?!0000:0000)/, 30_000);
		await publisher.waitForLine(/round trip [0-9a-f]{4}:[0-9a-f]{4}/);
		await publisher.stop();
	});
	expect(reports).toContain("0\tpenstock\t");
	expect(reports.join("\n")).not.toMatch(/malformed/i);
});

test("FFmpeg publishes on its connection to the end, and tshark finds no fault in what it is told there", async () => {
	const server = await startPublishing({ channels: {}, distribution: { engine: "node" } });
	const reports = await dissected(server, async () => {
		const publisher = await ffmpegPublishes(urlOf(server), "tcp", startProcess, 8);
		expect((await publisher.exited).code, publisher.stderr).toBe(0);
	});
	expect(reports.length).toBeGreaterThan(0);
	expect(reports).toContain("0\tpenstock\t");
	expect(reports.join("\n")).not.toMatch(/malformed/i);
});
