/** `penstock distribute` and `penstock rules` as people type them: what they say, and their exit codes. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Penstock, startCli } from "../kit/penstock.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { distributing, freeUdpPort, LOOPBACK, NODE, rtpPacket, startDistribute, udpEnd } from "./rules-rig.ts";

const folder = makeTempDir("rules-command");

function file(name: string, text: string): string {
	const path = join(folder, name);
	writeFileSync(path, text);
	return path;
}

interface Said {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

async function say(...args: readonly string[]): Promise<Said> {
	const running = startCli(args, { PENSTOCK_DEBUG: undefined, PENSTOCK_DISTRIBUTOR_PATH: undefined });
	const { code } = await running.exited;
	return { code, stdout: running.stdout, stderr: running.stderr };
}

describe("penstock rules", () => {
	let penstock: Penstock;
	beforeAll(async () => {
		penstock = await distributing(NODE);
	});
	afterAll(() => penstock.stop());
	const rules = (...args: readonly string[]) => say("rules", ...args, "--api", penstock.api);

	test("add makes a rule or adds to it, show and ls tell it, rm takes out and deletes", async () => {
		const [port, publisher, one] = [await freeUdpPort(), await udpEnd(), await udpEnd()];
		const to = `${LOOPBACK}:${one.port}`;
		const match = `${LOOPBACK}:${port}`;
		const made = await rules("add", "cam-1", "--match", match, "--media", "rtp", "--to", to, "--ttl", "4");
		expect([made.code, made.stderr]).toEqual([0, ""]);
		expect(made.stdout).toMatch(new RegExp(`^cam-1: rtp to ${match}, made at run time, generation \\d+\n`));
		expect(made.stdout).toMatch(new RegExp(`${to} +ready +ttl 4 +0 +0 +0\n$`));
		const added = await rules("add", "cam-1", "--to", `${LOOPBACK}:6000`, `${LOOPBACK}:6002`, "--json");
		expect((JSON.parse(added.stdout) as { receivers: object[] }).receivers).toHaveLength(3);
		await publisher.send(rtpPacket(1), port);
		await expect.poll(() => one.numbers).toEqual([1]);
		const listed = await rules("ls");
		expect(listed.stdout).toMatch(new RegExp(`^rule .*\ncam-1 +${match} +rtp +3 +1 `));
		const fewer = await rules("rm", "cam-1", "--to", `${LOOPBACK}:6000`, `${LOOPBACK}:6002`);
		expect(fewer.stdout).not.toContain(":6000");
		expect((await rules("show", "cam-1")).stdout).toContain("received 1 packets, sent ");
		expect(await rules("rm", "cam-1")).toEqual({ code: 0, stdout: "", stderr: "" });
		const gone = await rules("show", "cam-1");
		expect([gone.code, gone.stderr]).toEqual([
			1,
			'penstock: RULE_NOT_FOUND: there is no rule "cam-1"; /api/v1/rules lists those that there are.\n',
		]);
	});

	test("watch tells rates once a second, as JSON if it is asked to", async () => {
		const [port, publisher, one] = [await freeUdpPort(), await udpEnd(), await udpEnd()];
		const [match, to] = [`${LOOPBACK}:${port}`, `${LOOPBACK}:${one.port}`];
		await penstock.call("PUT", "/api/v1/rules/cam-2", { match, media: "rtp", receivers: [to] });
		const watching = startCli(["rules", "watch", "--api", penstock.api, "--json"]);
		let number = 0;
		const line = watching.waitForLine(/^\{.*"sentPacketsPerSecond":[1-9].*\}$/, 20_000);
		const sending = setInterval(() => void publisher.send(rtpPacket(++number), port), 10);
		const [told] = await line.finally(() => clearInterval(sending));
		expect(JSON.parse(told!)).toMatchObject({ engine: "node", state: "up", rules: [{ name: "cam-2", receivers: 1 }] });
		expect(await watching.stop()).toEqual({ code: 0, signal: null });
		const plain = await rules("watch", "--for", "1.5");
		expect([plain.code, plain.stderr]).toEqual([0, ""]);
		expect(plain.stdout).toMatch(/^engine node is up\nrule +takes +receivers .*\ncam-2 /);
		await penstock.call("DELETE", "/api/v1/rules/cam-2");
	});

	test("tells what the engine does not carry out, with exit code 1", async () => {
		const match = `${LOOPBACK}:${await freeUdpPort()}`;
		const { code, stdout } = await rules(
			...["add", "cam-3", "--match", match, "--media", "ts", "--to", `${LOOPBACK}:6000`, "--dscp", "46"],
		);
		expect(code).toBe(1);
		expect(stdout).toContain("cam-3 is not carried out: UNSUPPORTED: this engine has no dscp");
	});

	test.each([
		[
			["add", "cam-9", "--to", "127.0.0.1:6000"],
			2,
			"COMMAND_LINE: there is no rule cam-9 yet; --match and --media say",
		],
		[
			["add", "cam-9", "--match", "127.0.0.1:1", "--media", "rtp", "--to", "192.0.2.1:1"],
			1,
			"RULE_NETWORK: rule cam-9",
		],
		[["add", "cam-9", "--to", "127.0.0.1"], 2, "it is an address and a port, such as 10.0.0.2:6000"],
		[["add", "cam 9"], 2, "a name has 1 to 128 of the characters"],
		[["rm", "cam-9"], 1, 'RULE_NOT_FOUND: there is no rule "cam-9"'],
		[["watch", "--for", "no"], 2, "it is a number of seconds above 0"],
	])("%j is refused in one line", async (args, code, part) => {
		const said = await rules(...args);
		expect([said.code, said.stdout]).toEqual([code, ""]);
		expect(said.stderr).toMatch(/^penstock: [A-Z_]+: [^\n]*\n$/);
		expect(said.stderr).toContain(part);
	});

	test("says what is the matter where there is no server", async () => {
		const said = await say("rules", "ls", "--api", `http://127.0.0.1:${await freeUdpPort()}`);
		expect([said.code, said.stdout]).toEqual([1, ""]);
		expect(said.stderr).toMatch(
			/^penstock: API_UNREACHABLE: the API at http:\/\/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\); start penstock serve or distribute, or name another with --api\.\n$/,
		);
		const wrong = await say("rules", "ls", "--api", "127.0.0.1:9998");
		expect([wrong.code, wrong.stderr.includes("it begins with http:// or https://")]).toEqual([2, true]);
	});
});

describe("penstock distribute", () => {
	test("says which engine it has and why, and ends with 0", async () => {
		const penstock = await startDistribute([], { PENSTOCK_DISTRIBUTOR_PATH: "/nowhere/penstock-distributor" });
		const [line] = await penstock.process.waitForLine(/^\{.*packets are distributed by.*\}$/);
		expect((JSON.parse(line) as { msg: string }).msg).toBe(
			"packets are distributed by engine node, the best that works here (dpdk: it is not set up; sockets: " +
				'/nowhere/penstock-distributor cannot be run (ENOENT); build it with "make distributor")',
		);
		const { body } = await penstock.call("GET", "/api/v1/server");
		expect(body).toMatchObject({ distribution: true, mediaOrigins: [], viewers: 0 });
		expect((await penstock.call("GET", "/api/v1/channels")).body).toEqual({ channels: [] });
		expect(await penstock.process.stop()).toEqual({ code: 0, signal: null });
	});

	const rule = (name: string, more = "receivers: []"): string =>
		`  - { name: ${name}, match: "127.0.0.1:5004", media: rtp, ${more} }\n`;

	test.each([
		[
			"a file that is not there",
			["-c", join(folder, "none.yaml")],
			2,
			/RULES_FILE: .*none\.yaml cannot be read: ENOENT/,
		],
		["no YAML", ["-c", file("broken.yaml", "rules: [")], 2, /RULES_FILE: .*broken\.yaml:1:\d+: /],
		[
			"two rules for the same packets",
			["-c", file("twice.yaml", `rules:\n${rule("a")}${rule("b")}`)],
			2,
			/RULES_FILE: .*twice\.yaml: rule b takes the packets to 127\.0\.0\.1:5004, as rule a does already\./,
		],
		[
			"a receiver in no allowed network",
			["--allow", "10.0.0.0/8", "-c", file("net.yaml", `rules:\n${rule("a", 'receivers: ["127.0.0.1:1"]')}`)],
			2,
			/RULES_FILE: .*net\.yaml: rule a: receiver 127\.0\.0\.1:1 lies in none of the allowed networks \(10\.0\.0\.0\/8\)/,
		],
		["an unknown engine", ["--engine", "fpga"], 2, /COMMAND_LINE: .*Allowed choices are auto, dpdk, sockets, node/],
		[
			"a network that is none",
			["--allow", "10.0.0.1/8"],
			2,
			/CONFIG_VALUE: .*must be a network such as "10\.0\.0\.0\/8"/,
		],
		["DPDK without a port", ["--engine", "dpdk"], 2, /CONFIG_VALUE: .*distribution\.device is missing/],
		[
			"a distributor that is not there",
			["--engine", "sockets", "--distributor", "/nowhere/distributor"],
			1,
			/ENGINE_UNAVAILABLE: no engine works here: sockets: \/nowhere\/distributor cannot be run \(ENOENT\); build it/,
		],
		[
			"somebody else's distributor that is not there",
			["--socket", join(folder, "none.sock")],
			1,
			/DISTRIBUTOR_UNREACHABLE: the control socket .*none\.sock cannot be opened/,
		],
		["a socket and a device", ["--socket", "/x", "--port-device", "eth0"], 2, /distribution\.device does not go with/],
	])("refuses %s in one line", async (_, args, code, text) => {
		const said = await say("distribute", "--api-listen", "127.0.0.1:0", ...(args as readonly string[]));
		expect([said.code, said.stderr]).toEqual([code, expect.stringMatching(text as RegExp)]);
		expect(said.stderr).toMatch(/^penstock: [^\n]*\n$/);
	});
});
