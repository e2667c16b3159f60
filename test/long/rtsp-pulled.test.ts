/**
 * Channels that are pulled by RTSP with this server's own client, by UDP and on the connection: viewers by HTTP and
 * players by RTSP get every frame once; a camera that goes is sought until it is back.
 */
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { startProcess } from "../kit/processes.ts";
import {
	expectFrames,
	PUBLISHED,
	type PublishingServer,
	publishWithFfmpeg,
	startPublishing,
} from "../kit/publishing.ts";
import { ffmpegPlays } from "../kit/rtsp-clients.ts";
import { expectEveryFrameOnce } from "../kit/signal-reader.ts";

const CHANNEL = { ...PUBLISHED, audio: "none" };
const PASSWORD = "s cret-and-long";
const CAMERA_ACCESS = {
	rights: [
		{ match: "*/*", verbs: ["publish"], by: ["anyone"] },
		{ match: "*/*", verbs: ["play"], by: [{ user: "camera" }] },
	],
	users: { camera: { value: PASSWORD } },
};

/** Another server, which has a stream, for who knows the password. */
async function camera(config: object = {}): Promise<PublishingServer> {
	const server = await startPublishing({ channels: {}, access: CAMERA_ACCESS, ...config });
	publishWithFfmpeg(["-f", "rtsp", "-rtsp_transport", "tcp", `${server.rtsp}/live/eye`]);
	return server;
}

const sourceAt = ({ rtsp }: PublishingServer, transport: string): object => ({
	pull: `${rtsp.replace("://", `://camera:${encodeURIComponent(PASSWORD)}@`)}/live/eye`,
	transport,
});

/** A camera is told what came of its packets: receiver reports of one block each (RFC 3550, 6.4.2), by either way. */
async function expectReports({ rtsp }: PublishingServer, transport: string): Promise<void> {
	// $, an odd channel and two bytes of length stand in front on a connection.
	const data = "((tcp[12] & 0xf0) >> 2)";
	const toCamera = `tcp dst port ${new URL(rtsp.replace("rtsp:", "http:")).port}`;
	const onConnection = `${toCamera} and tcp[${data}] = 0x24 and tcp[${data} + 4] = 0x81 and tcp[${data} + 5] = 201`;
	const filter = transport === "udp" ? "udp[8] = 0x81 and udp[9] = 201" : onConnection;
	const capture = startProcess("tcpdump", ["-i", "lo", "-n", "-c", "1", filter]);
	onTestFinished(async () => void (await capture.stop()));
	expect((await capture.exited).code, capture.lastWords()).toBe(0);
}

test.for(["udp", "tcp"])("by %s: viewers and players get every frame", async (transport) => {
	const eye = await camera();
	const channels = { cam: { ...CHANNEL, source: sourceAt(eye, transport) } };
	const server = await startPublishing({ channels, distribution: { engine: "node" } });
	await server.live();
	const rules = async (): Promise<number> =>
		((await server.penstock.call("GET", "/api/v1/rules")).body as { rules: readonly object[] }).rules.length;
	// Its RTP, its RTCP, and our reports to it.
	await eventually(async () => expect(await rules()).toBe(transport === "udp" ? 3 : 0));
	await expectReports(eye, transport);
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
	for (const lower of ["udp", "tcp"] as const) {
		const { counters } = await ffmpegPlays(`${server.rtsp}/live/cam`, lower, ["-t", "3"]);
		expect(counters.length).toBeGreaterThan(45);
		expectEveryFrameOnce(counters);
	}
	expect(JSON.stringify(server.penstock.log)).not.toMatch(/s%20cret|s cret/);
});

test("a camera without UDP is taken on the connection; one that goes is sought until it is back", async () => {
	const eye = await camera({ publish: { rtsp: { udp: false } } });
	const server = await startPublishing({ channels: { cam: { ...CHANNEL, source: sourceAt(eye, "auto") } } });
	await server.live();
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
	await eye.penstock.stop();
	await eventually(async () => expect(await server.penstock.channel("live/cam")).toMatchObject({ live: false }));
	// After five failures in a minute it is tried every 30 s.
	await camera({ publish: { rtsp: { udp: false, listen: eye.rtsp.replace("rtsp://", "") } } });
	await eventually(async () => expect(await server.penstock.channel("live/cam")).toMatchObject({ live: true }), 90_000);
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
});

test.for(["2130706433", "0x7f.0.0.1", "127.1"])(
	"SEC3: %s, which resolvers take for this machine, is not dialled",
	async (host) => {
		const { rtsp } = await startPublishing({ channels: {} });
		const pull = `${rtsp.replace("127.0.0.1", host)}/live/eye`;
		const server = await startPublishing({ channels: { cam: { ...CHANNEL, source: { pull } } } });
		await eventually(async () => {
			const said = server.penstock.log.map(({ msg }) => String(msg));
			expect(said.find((msg) => msg.startsWith("the stream is not pulled"))).toContain("URL_FORBIDDEN");
		});
	},
);
