/** What an engine lacks it says in a sentence, and `auto` takes the next one, which works. */
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { chooseEngine, type EngineChoice, type WantedEngine } from "../../src/distribution/engine-choice.ts";
import { NodeEngine } from "../../src/distribution/node-engine.ts";
import { nodeClock } from "../../src/server/node-time.ts";
import { argumentsOf, Distribution, type EngineOrder, engineFor, engineOf } from "../kit/distribution/distribution.ts";
import { expectStream } from "../kit/distribution/expect-stream.ts";
import { createLan, type Lan, PORT_DEVICE } from "../kit/distribution/lan.ts";
import { LiveCapture } from "../kit/distribution/live-capture.ts";
import { publish } from "../kit/distribution/publisher.ts";

/** A user who may nothing. */
const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

let lan: Lan;
beforeAll(() => {
	lan = createLan();
});
afterAll(() => lan?.remove());

const silent = { state: () => undefined, event: () => undefined };
const nodeEngine = (): NodeEngine => new NodeEngine({ clock: nodeClock(), version: "0.0.0" });

/** Among the three, of which the first one is in the way of it. */
async function choose(dpdk: Partial<EngineOrder>, wanted: WantedEngine = "auto"): Promise<EngineChoice> {
	const { through } = dpdk;
	const choice = await chooseEngine(
		wanted,
		[
			{ kind: "dpdk", engine: engineFor({ kind: "dpdk", side: lan.server, ...dpdk }) },
			{
				kind: "sockets",
				engine: engineFor({ kind: "sockets", side: lan.server, ...(through !== undefined && { through }) }),
			},
			{ kind: "node", engine: nodeEngine() },
		],
		silent,
	);
	onTestFinished(() => choice.engine.stop());
	return choice;
}

const options = (...words: string[]): Partial<EngineOrder> => ({ arguments: [...words, "--no-huge-pages"] });
const anyPciDevice = (): string | undefined => {
	try {
		return readdirSync("/sys/bus/pci/devices")[0];
	} catch {
		return undefined;
	}
};

describe("with auto, the sockets engine is taken and the reason told where", () => {
	test("the user has no rights; and it works for him", async () => {
		const choice = await choose({ arguments: argumentsOf("af_xdp"), through: NOBODY });
		expect(choice.kind).toBe("sockets");
		expect(choice.refused).toEqual([{ kind: "dpdk", why: expect.stringContaining("CAP_NET_ADMIN") }]);
		expect(choice.because).toContain("the best that works here");
		await choice.engine.stop();
		const again = engineFor({ kind: "sockets", side: lan.server, through: NOBODY });
		const distribution = await Distribution.start(again);
		onTestFinished(() => distribution.stop());
		const match = { address: lan.server.ipv4, port: 5004 };
		const receivers = [{ address: lan.receivers.ipv4, port: 6000 }];
		await distribution.put({ name: "cam-1", match, media: "rtp", receivers });
		const seen = await LiveCapture.start(lan, lan.receivers);
		onTestFinished(() => seen.stop());
		await publish(lan, { kind: "rtp", to: match, bytes: [200], count: 20, packetsPerSecond: 1000 });
		expectStream(await seen.arrived(6000, 20), { kind: "rtp", bytes: [200], count: 20 });
	});

	test("the port is not there", async () => {
		const choice = await choose(options("--interface", "nowhere0"));
		expect(choice.kind).toBe("sockets");
		expect(choice.refused[0]!.why).toMatch(/PORT_MISSING.*"nowhere0"/);
	});

	test("the port is down", async () => {
		lan.run(lan.server, "ip", "link", "add", "asleep0", "type", "veth", "peer", "name", "asleep1");
		onTestFinished(() => void lan.run(lan.server, "ip", "link", "delete", "asleep0"));
		const choice = await choose(options("--interface", "asleep0"));
		expect(choice.kind).toBe("sockets");
		expect(choice.refused[0]!.why).toMatch(/PORT_DOWN.*ip link set asleep0 up/);
	});

	test("the port cannot have an XDP program", async () => {
		lan.run(lan.server, "ip", "link", "add", "wide0", "mtu", "9000", "type", "veth", "peer", "name", "wide1");
		onTestFinished(() => void lan.run(lan.server, "ip", "link", "delete", "wide0"));
		for (const device of ["wide0", "wide1"]) lan.run(lan.server, "ip", "link", "set", device, "up");
		const choice = await choose(options("--interface", "wide0"));
		expect(choice.kind).toBe("sockets");
		expect(choice.refused[0]!.why).toMatch(/PORT_UNFIT.*MTU.*af_packet/);
	});

	test("the XDP program is not there", async () => {
		const choice = await choose(options("--interface", PORT_DEVICE, "--program", "/nowhere/steer.bpf.o"));
		expect(choice.kind).toBe("sockets");
		expect(choice.refused[0]!.why).toMatch(/PROGRAM_MISSING.*\/nowhere\/steer\.bpf\.o/);
	});

	test("another distributor has the port, and keeps it", async () => {
		const other = engineOf("af_xdp", lan.server);
		await other.start(silent);
		onTestFinished(() => other.stop());
		const choice = await choose({ arguments: argumentsOf("af_xdp") });
		expect(choice.kind).toBe("sockets");
		expect(choice.refused[0]!.why).toMatch(/PORT_BUSY/);
		// The first one does its work as before.
		expect(other.state.kind).toBe("up");
		expect(lan.run(lan.server, "ip", "link", "show", PORT_DEVICE)).toContain("xdp");
	});

	test("the device has another driver than DPDK's, or there is none", async () => {
		const device = anyPciDevice();
		const choice = await choose(options("--backend", "pci", "--interface", device ?? "0000:ff:1f.7"));
		expect(choice.kind).toBe("sockets");
		expect(choice.refused[0]!.why).toMatch(device === undefined ? /PORT_MISSING/ : /DRIVER_WRONG.*vfio-pci/);
	});

	test("hugepages are asked for, and too few", async () => {
		const more = ["--huge-pages", "--memory-mib", "65536"];
		const choice = await choose({ arguments: ["--interface", PORT_DEVICE, ...more] });
		expect(choice.kind).toBe("sockets");
		expect(choice.refused[0]!.why).toMatch(/HUGEPAGES_MISSING.*vm\.nr_hugepages/);
	});

	test("there is no such backend", async () => {
		const choice = await choose(options("--backend", "carrier-pigeon", "--interface", PORT_DEVICE));
		expect(choice.kind).toBe("sockets");
		expect(choice.refused[0]!.why).toMatch(/BACKEND_UNKNOWN.*af_xdp/);
	});
});

test("without hugepages DPDK works all the same, where they were not asked for", async () => {
	const choice = await choose({ arguments: ["--interface", PORT_DEVICE] });
	expect(choice).toMatchObject({ kind: "dpdk", refused: [], because: "engine dpdk, the best that there is" });
});

test("what was asked for by name is not replaced", async () => {
	await expect(choose(options("--interface", "nowhere0"), "dpdk")).rejects.toMatchObject({
		code: "ENGINE_UNAVAILABLE",
		message: expect.stringMatching(/dpdk: .*PORT_MISSING/),
	});
});

test("where nothing has been built, Node's own sockets are left, and it is told how to build", async () => {
	const choice = await chooseEngine(
		"auto",
		[
			{ kind: "dpdk", engine: engineFor({ kind: "dpdk", program: "/nowhere/distributor" }) },
			{ kind: "sockets", engine: engineFor({ kind: "sockets", program: "/nowhere/distributor" }) },
			{ kind: "node", engine: nodeEngine() },
		],
		silent,
	);
	onTestFinished(() => choice.engine.stop());
	expect(choice.kind).toBe("node");
	expect(choice.refused.map(({ why }) => why)).toEqual(Array(2).fill(expect.stringContaining("make distributor")));
});
