/** RTSPS beside RTSP, with clients of other makes, and a certificate that is renewed while it is spoken. */
import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { startProcess } from "../kit/processes.ts";
import { type PublishingServer, startPublishing } from "../kit/publishing.ts";
import { CLIP_FRAMES, ffmpegPlays, ffmpegPublishes, gstreamerPlays } from "../kit/rtsp-clients.ts";
import { selfSigned } from "../kit/self-signed.ts";
import { expectEveryFrameOnce, type Verdict } from "../kit/signal-reader.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

interface Certified {
	readonly server: PublishingServer;
	readonly certFile: string;
	readonly keyFile: string;
	readonly renew: () => void;
}

async function startCertified(more: object = {}): Promise<Certified> {
	const folder = makeTempDir("rtsps");
	const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
	const renew = (): void => {
		const { cert, key } = selfSigned();
		writeFileSync(certFile, cert);
		writeFileSync(keyFile, key);
	};
	renew();
	const rtsp = { listen: "127.0.0.1:0", tls: { listen: "127.0.0.1:0", certFile, keyFile }, ...more };
	return { server: await startPublishing({ channels: {}, publish: { rtsp } }), certFile, keyFile, renew };
}

const placeOf = ({ rtsps }: PublishingServer): { readonly host: string; readonly port: number } => {
	const { hostname, port } = new URL(rtsps.replace("rtsps:", "https:"));
	return { host: hostname, port: Number(port) };
};

async function fingerprintAt(server: PublishingServer): Promise<string> {
	const socket = connectTls({ ...placeOf(server), rejectUnauthorized: false });
	await once(socket, "secureConnect");
	const { fingerprint256 } = socket.getPeerCertificate();
	socket.destroy();
	return fingerprint256;
}

/** From the key picture at which it came in to one at the end. */
function expectPlayed({ counters }: Verdict, frames: number): void {
	expect(counters.length).toBeGreaterThan(60);
	expectEveryFrameOnce(counters);
	expect(counters.at(-1)!.counter).toBeGreaterThan(frames - 10);
}

test("what FFmpeg publishes by RTSPS, FFmpeg and GStreamer play by it, and by RTSP", async () => {
	const { server } = await startCertified();
	const url = `${server.rtsps}/live/clip`;
	const publisher = await ffmpegPublishes(url, "tcp", startProcess, (2 * CLIP_FRAMES) / 30);
	await eventually(async () => expect(await server.penstock.metric("penstock_rtsp_streams")).toBe(1), 10_000);
	const untrusted = "tls-validation-flags=0";
	const verdicts = await Promise.all([
		ffmpegPlays(url, "tcp"),
		ffmpegPlays(`${server.rtsp}/live/clip`, "udp"),
		// It asks for UDP first, and takes the connection when that is answered 461.
		gstreamerPlays(url, "tcp", publisher.exited, ["protocols=udp+tcp", untrusted]),
	]);
	for (const verdict of verdicts) expectPlayed(verdict, 2 * CLIP_FRAMES);
	expect((await publisher.exited).code, publisher.stderr).toBe(0);
	expect(server.penstock.log).toContainEqual(expect.objectContaining({ code: "RTSP_TRANSPORT" }));
});

test("a new certificate is taken on SIGHUP, a broken one not", async () => {
	const { server, certFile, keyFile, renew } = await startCertified();
	const first = await fingerprintAt(server);
	renew();
	server.penstock.process.kill("SIGHUP");
	await eventually(async () => expect(await fingerprintAt(server)).not.toBe(first), 20_000);
	const second = await fingerprintAt(server);
	copyFileSync(certFile, keyFile);
	server.penstock.process.kill("SIGHUP");
	await server.penstock.process.waitForLine(/TLS_CERTIFICATE.*publish\.rtsp\.tls/, 20_000);
	expect(await fingerprintAt(server)).toBe(second);
});

test("without a certificate that works the server does not start, and says which files", async () => {
	const tls = { certFile: "/nowhere/cert.pem", keyFile: "/nowhere/key.pem" };
	const starting = startPublishing({ publish: { rtsp: { tls } } });
	onTestFinished(() => void starting.then(({ penstock }) => penstock.stop()).catch(() => undefined));
	await expect(starting).rejects.toThrow(/TLS_CERTIFICATE: \/nowhere\/cert\.pem with \/nowhere\/key\.pem/);
});

test("who only shakes hands counts among an address's connections", async () => {
	const { server } = await startCertified({ enabled: false, maxConnectionsPerAddress: 2 });
	expect(server.rtsp).toBe("undefined");
	const silent = [connect(placeOf(server)), connect(placeOf(server))];
	onTestFinished(() => void silent.map((socket) => socket.destroy()));
	await Promise.all(silent.map((socket) => once(socket, "connect")));
	const third = connectTls({ ...placeOf(server), rejectUnauthorized: false });
	const [thrown] = await once(third, "error");
	expect(thrown).toBeInstanceOf(Error);
	await server.penstock.process.waitForLine(/RTSP_CONNECTIONS/);
});
