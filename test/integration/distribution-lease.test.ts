/**
 * What becomes of rules when their controller dies: `penstock serve` is killed with SIGKILL, and a distributor that is not
 * its child, so that it goes on, has no rule of it left five seconds later but those that are permanent.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { ControlClient } from "../../src/distribution/control-client.ts";
import { nodeClock } from "../../src/server/node-time.ts";
import { eventually } from "../kit/eventually.ts";
import { startPenstock } from "../kit/penstock.ts";
import { startProcess } from "../kit/processes.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { freeUdpPort, LOOPBACK, rtpPacket, udpEnd } from "./rules-rig.ts";

const DISTRIBUTOR = fileURLToPath(new URL("../kit/node-distributor.ts", import.meta.url));
/** What a lease lasts, and the protocol's 100 ms to take the rule away. */
const LEASE_MS = 5100;
/** For looking, on a machine where others work, too. */
const LOOKING_MS = 900;

test("no rule outlives its controller by more than five seconds, unless it is permanent", async () => {
	const socket = join(makeTempDir("lease"), "control.sock");
	const distributor = startProcess(process.execPath, [DISTRIBUTOR, "--engine", "sockets", "--control", socket]);
	onTestFinished(async () => void (await distributor.stop()));
	const look = await eventually(() =>
		ControlClient.connect({
			...{ path: socket, clock: nodeClock(), controller: "the test", onEvent: () => {} },
			onLost: () => {},
		}),
	);
	onTestFinished(() => look.close());
	const [port, lasting, publisher, got] = [await freeUdpPort(), await freeUdpPort(), await udpEnd(), await udpEnd()];
	const receivers = [`${LOOPBACK}:${got.port}`];
	const penstock = await startPenstock({
		distribution: {
			socket,
			rules: [
				{ name: "cam-1", match: `${LOOPBACK}:${port}`, media: "rtp", receivers },
				{ name: "lasting", match: `${LOOPBACK}:${lasting}`, media: "rtp", receivers, permanent: true },
			],
		},
		channels: {},
	});
	const names = async (): Promise<string[]> => [...(await look.generations()).keys()];
	await expect.poll(names).toEqual(["cam-1", "lasting"]);
	await publisher.send(rtpPacket(1), port);
	await expect.poll(() => got.numbers).toEqual([1]);

	penstock.process.kill("SIGKILL");
	const killedAt = performance.now();
	await penstock.process.exited;
	expect(await names()).toEqual(["cam-1", "lasting"]);
	await expect.poll(names, { timeout: LEASE_MS + LOOKING_MS, interval: 20 }).toEqual(["lasting"]);
	const afterMs = performance.now() - killedAt;
	console.info(`the rule was gone ${Math.round(afterMs)} ms after its controller`);
	expect(afterMs).toBeLessThan(LEASE_MS + LOOKING_MS);
	await publisher.send(rtpPacket(2), port).catch(() => undefined);
	await publisher.send(rtpPacket(3), lasting);
	await expect.poll(() => got.numbers).toEqual([1, 3]);
});
