/** Publishers as the operator sees them: listed with what they bring, counted, ended. */

import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import {
	ANYONE,
	expectFrames,
	PUBLISHED,
	type PublishingServer,
	publishWithFfmpeg,
	startPublishing,
} from "../kit/publishing.ts";
import { selfSigned } from "../kit/self-signed.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const LADDER = { ...PUBLISHED, audio: "none" };

test("who publishes what, by which protocol, since when, at what rate; and metrics of it", async () => {
	const server = await startPublishing({ channels: { cam: LADDER, other: LADDER } });
	expect(await server.publishers()).toEqual([]);
	publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`], { audio: true });
	publishWithFfmpeg(["-f", "mpegts", `${server.penstock.http}/live/other.ts`], { width: 640, height: 360 });
	await eventually(async () => {
		const publishers = await server.publishers();
		expect(publishers.toSorted((a, b) => (a.channel < b.channel ? -1 : 1))).toEqual([
			expect.objectContaining({
				...{ channel: "live/cam", protocol: "rtmp", remoteAddress: "127.0.0.1", principal: "anyone" },
				video: { codec: expect.stringMatching(/^avc1\./), width: 320, height: 180 },
				audio: { codec: "mp4a.40.2", sampleRateHz: 48_000, channels: 1 },
				...{ dropped: 0, faults: 0 },
			}),
			expect.objectContaining({ channel: "live/other", protocol: "http", dropped: 0, faults: 0 }),
		]);
		for (const { bitrateBps, accessUnits, since } of publishers) {
			expect(bitrateBps).toBeGreaterThan(10_000);
			expect(accessUnits).toBeGreaterThan(30);
			expect(Date.now() - Date.parse(since)).toBeGreaterThan(1000);
		}
	}, 20_000);
	const read = (name: string, labels: Record<string, string>) => server.penstock.metric(name, labels);
	expect(await read("penstock_publishers", { protocol: "rtmp" })).toBe(1);
	expect(await read("penstock_published_bytes_total", { channel: "live/other" })).toBeGreaterThan(10_000);
	expect(await read("penstock_access_answers_total", { verb: "publish", outcome: "granted" })).toBe(2);
});

test("a publisher that is ended by the API reads why, and its stream is free again", async () => {
	const server = await startPublishing({ channels: { cam: LADDER } });
	const kick = async (): Promise<void> => {
		const [{ id } = { id: "" }] = await server.publishers();
		expect((await server.penstock.call("DELETE", `/api/v1/publishers/${id}`)).status).toBe(204);
		expect((await server.penstock.call("DELETE", `/api/v1/publishers/${id}`)).status).toBe(404);
		expect(await server.publishers()).toEqual([]);
	};
	const byRtmp = publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`]);
	await server.live();
	await kick();
	expect((await byRtmp.exited).code).not.toBe(0);
	const byHttp = publishWithFfmpeg(["-f", "mpegts", `${server.penstock.http}/live/cam.ts`]);
	await eventually(async () => expect(await server.publishers()).toHaveLength(1), 20_000);
	await kick();
	expect((await byHttp.exited).code).not.toBe(0);
	expect(server.penstock.log.filter(({ code }) => code === "PUBLISHER_KICKED")).not.toEqual([]);
	publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`]);
	await server.live();
});

/** The fingerprint of the certificate with which RTMPS is spoken. */
async function fingerprintAt({ rtmps }: PublishingServer): Promise<string> {
	const { hostname, port } = new URL(rtmps.replace("rtmps:", "https:"));
	const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false });
	await once(socket, "secureConnect");
	const { fingerprint256 } = socket.getPeerCertificate();
	socket.destroy();
	return fingerprint256;
}

test("RTMPS beside RTMP: FFmpeg publishes, and a new certificate is taken on SIGHUP, a broken one not", async () => {
	const folder = makeTempDir("rtmps");
	const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
	const write = ({ cert, key }: ReturnType<typeof selfSigned>): void => {
		writeFileSync(certFile, cert);
		writeFileSync(keyFile, key);
	};
	write(selfSigned());
	const tls = { listen: "127.0.0.1:0", certFile, keyFile };
	const server = await startPublishing({
		...{ channels: { cam: LADDER }, access: ANYONE },
		publish: { rtmp: { listen: "127.0.0.1:0", tls } },
	});
	publishWithFfmpeg(["-f", "flv", "-tls_verify", "0", `${server.rtmps}/live/cam`]);
	await server.live();
	await expectFrames(`${server.penstock.http}/live/cam.flv`);

	const first = await fingerprintAt(server);
	write(selfSigned());
	server.penstock.process.kill("SIGHUP");
	await eventually(async () => expect(await fingerprintAt(server)).not.toBe(first), 20_000);
	const second = await fingerprintAt(server);
	copyFileSync(certFile, keyFile);
	server.penstock.process.kill("SIGHUP");
	await server.penstock.process.waitForLine(/TLS_CERTIFICATE/, 20_000);
	expect(await fingerprintAt(server)).toBe(second);
	expect(await server.publishers()).toHaveLength(1);
});

test("without a certificate that works the server does not start, and says which files", async () => {
	const tls = { certFile: "/nowhere/cert.pem", keyFile: "/nowhere/key.pem" };
	const starting = startPublishing({ publish: { rtmp: { listen: "127.0.0.1:0", tls } } });
	onTestFinished(() => void starting.then(({ penstock }) => penstock.stop()).catch(() => undefined));
	await expect(starting).rejects.toThrow(/TLS_CERTIFICATE: \/nowhere\/cert\.pem with \/nowhere\/key\.pem/);
});
