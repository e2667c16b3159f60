/**
 * The distribution plane as its API has it (D4, D7): rules made, changed and deleted while packets flow, and what is
 * refused.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import {
	type DistributionSnapshot,
	distributionSnapshot,
	type RuleDetail,
	ruleDetail,
	ruleList,
} from "../../src/server/api-distribution-model.ts";
import { eventually } from "../kit/eventually.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { freeUdpPort, LOOPBACK, NODE, rtpPacket, startDistribute, udpEnd } from "./rules-rig.ts";

interface Answer {
	readonly status: number;
	readonly etag: string | null;
	readonly body: unknown;
}

async function ask(penstock: Penstock, method: string, path: string, body?: unknown, headers = {}): Promise<Answer> {
	const response = await fetch(`${penstock.api}/api/v1/${path}`, {
		method,
		headers: { ...headers, ...(body !== undefined && { "Content-Type": "application/json" }) },
		...(body !== undefined && { body: JSON.stringify(body) }),
	});
	const text = await response.text();
	return {
		status: response.status,
		etag: response.headers.get("etag"),
		body: text === "" ? undefined : JSON.parse(text),
	};
}

const detailOf = ({ body }: Answer): RuleDetail => ruleDetail.parse(body);
const codeOf = ({ status, body }: Answer): unknown => [status, (body as { error: { code: string } }).error.code];
/** Those of the distribution plane, of a server that is well else. */
async function troublesOf(penstock: Penstock): Promise<readonly string[]> {
	const { status, body } = await penstock.call("GET", "/healthz");
	expect([status, body]).toMatchObject([200, { status: "ok" }]);
	const { troubles = [] } = body as { readonly troubles?: readonly string[] };
	return troubles.filter((text) => /^(?:rule|distribution)/.test(text));
}

const endpoint = (port: number): string => `${LOOPBACK}:${port}`;

describe("rules of the API", () => {
	test("are carried out when the answer comes, and are seen with their packets", async () => {
		const penstock = await startDistribute(NODE);
		const [port, publisher, one, two] = [await freeUdpPort(), await udpEnd(), await udpEnd(), await udpEnd()];
		const made = await ask(penstock, "PUT", "rules/cam-1", {
			match: endpoint(port),
			media: "rtp",
			receivers: [endpoint(one.port)],
		});
		expect(made.status).toBe(201);
		expect(detailOf(made)).toMatchObject({
			...{ name: "cam-1", origin: "run-time", match: { address: LOOPBACK, port }, permanent: false },
			receivers: [{ address: LOOPBACK, port: one.port, ttl: 64, dscp: 0, packets: 0, state: "ready" }],
		});
		expect(made.etag).toBe(`"${detailOf(made).generation}"`);
		await publisher.send(rtpPacket(1), port);
		const changed = await ask(penstock, "PATCH", "rules/cam-1", { add: [endpoint(two.port)] });
		expect([changed.status, detailOf(changed).receivers.length]).toEqual([200, 2]);
		await publisher.send(rtpPacket(2), port);
		await expect.poll(() => two.numbers).toEqual([2]);
		await ask(penstock, "PATCH", "rules/cam-1", { remove: [endpoint(one.port)] });
		await publisher.send(rtpPacket(3), port);
		await expect.poll(() => two.numbers).toEqual([2, 3]);
		expect(one.numbers).toEqual([1, 2]);

		const { rules } = ruleList.parse((await ask(penstock, "GET", "rules")).body);
		expect(rules).toMatchObject([{ name: "cam-1", receivers: 1, received: { packets: 3 }, sent: { packets: 4 } }]);
		const distribution = distributionSnapshot.parse((await ask(penstock, "GET", "distribution")).body);
		expect(distribution).toMatchObject({
			engine: { wanted: "node", kind: "node", backend: "node", state: "up", because: "engine node, as configured" },
			...{ received: { packets: 3 }, sent: { packets: 4 }, rules: 1, receivers: 1 },
			limits: { rules: 1024, receivers: 4000 },
		});
		expect(await penstock.metric("penstock_distribution_sent_packets_total")).toBe(4);
		expect(await penstock.metric("penstock_distribution_engine_up", { engine: "node" })).toBe(1);

		expect((await ask(penstock, "DELETE", "rules/cam-1")).status).toBe(204);
		expect(codeOf(await ask(penstock, "GET", "rules/cam-1"))).toEqual([404, "RULE_NOT_FOUND"]);
		await publisher.send(rtpPacket(4), port).catch(() => undefined);
		expect(await troublesOf(penstock)).toEqual([]);
		expect(two.numbers).toEqual([2, 3]);
	});

	test("change only what the caller has seen, if it says so", async () => {
		const penstock = await startDistribute(NODE);
		const port = await freeUdpPort();
		const rule = { match: endpoint(port), media: "ts", receivers: [] };
		const first = await ask(penstock, "PUT", "rules/a", rule, { "If-None-Match": "*" });
		expect(first.status).toBe(201);
		expect(codeOf(await ask(penstock, "PUT", "rules/a", rule, { "If-None-Match": "*" }))).toEqual([412, "RULE_STALE"]);
		const second = await ask(penstock, "PUT", "rules/a", rule, { "If-Match": first.etag });
		expect(second.status).toBe(200);
		for (const [method, body] of [
			["PUT", rule],
			["PATCH", { add: [endpoint(6000)] }],
			["DELETE", undefined],
		] as const) {
			const answer = await ask(penstock, method, "rules/a", body, { "If-Match": first.etag });
			expect(codeOf(answer)).toEqual([412, "RULE_STALE"]);
		}
		for (const wrong of ["*", "17", 'W/"17"', '"x"']) {
			const answer = await ask(penstock, "PUT", "rules/a", rule, { "If-Match": wrong });
			expect(codeOf(answer)).toEqual([400, "API_REQUEST"]);
		}
	});

	test("are refused with the reason, and nothing changes", async () => {
		const penstock = await startDistribute(NODE);
		const port = await freeUdpPort();
		const rule = { match: endpoint(port), media: "rtp", receivers: [endpoint(6000)] };
		await ask(penstock, "PUT", "rules/a", rule);
		const before = await ask(penstock, "GET", "rules");
		for (const [method, path, body, status, code, part] of [
			["PUT", "rules/b", rule, 409, "RULE_CONFLICT", "as rule a does already"],
			["PUT", "rules/a", { ...rule, receivers: [endpoint(port)] }, 409, "RULE_LOOP", "is taken by rule a again"],
			["PUT", "rules/a", { ...rule, receivers: ["192.0.2.1:6000"] }, 403, "RULE_NETWORK", "192.0.2.1:6000"],
			["PUT", "rules/a", { ...rule, media: "video" }, 400, "RULE_INVALID", 'media is "video" but must be one of'],
			["PUT", "rules/a", { ...rule, receivers: ["nowhere"] }, 400, "RULE_INVALID", "must be like 10.0.0.2:6000"],
			["PUT", "rules/a", { ...rule, name: "c" }, 400, "RULE_INVALID", "name stands in the path"],
			["PUT", "rules/a", { ...rule, colour: 1 }, 400, "RULE_INVALID", "colour is an unknown key"],
			["PUT", "rules/a", [rule], 400, "RULE_INVALID", "must be a map"],
			["PUT", "rules/a%20b", rule, 400, "RULE_INVALID", 'name is "a b"'],
			["PATCH", "rules/a", {}, 400, "RULE_INVALID", "add or remove must be there"],
			["PATCH", "rules/a", { add: [] }, 400, "RULE_INVALID", "must have at least 1"],
			["PATCH", "rules/a", { plus: [] }, 400, "RULE_INVALID", "plus is an unknown key"],
			["PATCH", "rules/z", { add: [endpoint(6001)] }, 404, "RULE_NOT_FOUND", '"z"'],
			["DELETE", "rules/z", undefined, 404, "RULE_NOT_FOUND", '"z"'],
		] as const) {
			const answer = await ask(penstock, method, path, body);
			expect(codeOf(answer), JSON.stringify([method, path, body])).toEqual([status, code]);
			expect((answer.body as { error: { message: string } }).error.message).toContain(part);
		}
		expect(await ask(penstock, "GET", "rules")).toEqual(before);
	});

	test("that the engine cannot carry out say so in the answer, in /healthz, and no other is held up", async () => {
		const penstock = await startDistribute(NODE);
		const port = await freeUdpPort();
		const marked = [{ address: LOOPBACK, port: 6000, dscp: 46 }];
		const made = await ask(penstock, "PUT", "rules/marked", { match: endpoint(port), media: "ts", receivers: marked });
		expect([made.status, detailOf(made).fault]).toEqual([201, "UNSUPPORTED: this engine has no dscp"]);
		expect(detailOf(made).receivers[0]!.state).toBe("unresolved");
		expect(await troublesOf(penstock)).toEqual([
			"rule marked is not carried out: UNSUPPORTED: this engine has no dscp",
		]);
		const other = { match: endpoint(await freeUdpPort()), media: "ts", receivers: [] };
		expect(detailOf(await ask(penstock, "PUT", "rules/other", other)).fault).toBeUndefined();
	});

	test("with all the receivers that they may have fit into a request", async () => {
		const penstock = await startDistribute(NODE);
		const receivers = Array.from({ length: 16_384 }, (_, index) => ({
			...{ address: `fd00:1234:5678:9abc:def0:1234:5678:${(index + 1).toString(16)}`, port: 6000, ttl: 16, dscp: 0 },
			...{ sourcePort: 5004, maxPacketsPerSecond: 1_000_000, maxBitsPerSecond: 1_000_000_000 },
		}));
		const rule = { match: endpoint(await freeUdpPort()), media: "rtp", receivers };
		const made = await ask(penstock, "PUT", "rules/large", rule);
		expect(made.status).toBe(201);
		// That is more than this engine has sockets for.
		expect(detailOf(made).fault).toContain("RECEIVERS_LIMIT");
		expect(detailOf(made).receivers).toHaveLength(16_384);
		const one = { ...rule, receivers: [...receivers, endpoint(6000)] };
		expect(codeOf(await ask(penstock, "PUT", "rules/large", one))).toEqual([409, "RULE_LIMIT"]);
		const pad = { ...rule, pad: "x".repeat(4 * 1024 * 1024) };
		expect(codeOf(await ask(penstock, "PUT", "rules/large", pad))).toEqual([413, "API_REQUEST"]);
	});
});

describe("rules of a file", () => {
	const yaml = (port: number, receiver: number): string =>
		`rules:\n  - name: cam-1\n    match: ${endpoint(port)}\n    media: rtp\n    receivers: ["${endpoint(receiver)}"]\n`;

	test("are there at the start, are fixed, and are read again on SIGHUP; a wrong file changes nothing", async () => {
		const [port, publisher, one, two] = [await freeUdpPort(), await udpEnd(), await udpEnd(), await udpEnd()];
		const file = join(makeTempDir("rules"), "rules.yaml");
		writeFileSync(file, yaml(port, one.port));
		const penstock = await startDistribute([...NODE, "-c", file]);
		const fixed = await ask(penstock, "PATCH", "rules/cam-1", { add: [endpoint(two.port)] });
		expect(codeOf(fixed)).toEqual([409, "RULE_FIXED"]);
		await publisher.send(rtpPacket(1), port);
		await expect.poll(() => one.numbers).toEqual([1]);

		writeFileSync(file, yaml(port, two.port).replace("media: rtp", "media: radio"));
		penstock.process.kill("SIGHUP");
		const [told] = await penstock.process.waitForLine(/^\{.*the rules stay as they are.*\}$/);
		expect(told).toContain("rules.yaml:4:12: rules[0].media is");
		writeFileSync(file, yaml(port, two.port));
		penstock.process.kill("SIGHUP");
		await penstock.process.waitForLine(/^\{.*the rules were read again.*\}$/);
		await eventually(async () => {
			const { receivers } = detailOf(await ask(penstock, "GET", "rules/cam-1"));
			expect(receivers).toMatchObject([{ port: two.port, state: "ready" }]);
		});
		await publisher.send(rtpPacket(2), port);
		await expect.poll(() => two.numbers).toEqual([2]);
		expect(one.numbers).toEqual([1]);
	});

	test("and those of run time, which are kept over a restart, do not mix", async () => {
		const folder = makeTempDir("rules-state");
		const [file, state] = [join(folder, "rules.yaml"), join(folder, "state.json")];
		const [port, other] = [await freeUdpPort(), await freeUdpPort()];
		writeFileSync(file, yaml(port, 6000));
		const args = [...NODE, "-c", file, "--state", state];
		const first = await startDistribute(args);
		await ask(first, "PUT", "rules/mine", { match: endpoint(other), media: "ts", receivers: [endpoint(6002)] });
		await first.stop();
		const kept = JSON.parse(readFileSync(state, "utf8")) as { rules: { name: string }[] };
		expect(kept.rules.map(({ name }) => name)).toEqual(["mine"]);
		const second = await startDistribute(args);
		const { rules } = ruleList.parse((await ask(second, "GET", "rules")).body);
		expect(rules.map(({ name, origin }) => [name, origin])).toEqual([
			["cam-1", "config"],
			["mine", "run-time"],
		]);
	});
});

test("an engine that is killed is told, comes back with all rules, and is counted", async () => {
	const script = new URL("../kit/node-distributor.ts", import.meta.url).pathname;
	const program = join(makeTempDir("distributor"), "distributor");
	writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`, { mode: 0o755 });
	const penstock = await startDistribute(["--engine", "sockets"], { PENSTOCK_DISTRIBUTOR_PATH: program });
	const port = await freeUdpPort();
	await ask(penstock, "PUT", "rules/cam-1", { match: endpoint(port), media: "ts", receivers: [endpoint(6000)] });
	const now = async (): Promise<DistributionSnapshot> =>
		distributionSnapshot.parse((await ask(penstock, "GET", "distribution")).body);
	const before = await now();
	const folder = penstock.log.find(({ msg }) => String(msg).startsWith("packets are distributed by"));
	expect(folder).toMatchObject({ component: "distribution", instance: before.engine.instance });
	const pid = childOf(penstock.process.pid, "--control");
	process.kill(pid, "SIGKILL");
	await penstock.process.waitForLine(/^\{.*the engine is away.*\}$/);
	await eventually(async () => {
		const { engine } = await now();
		expect(engine).toMatchObject({ state: "up", restarts: 1 });
		expect(engine.instance).not.toBe(before.engine.instance);
		const rule = detailOf(await ask(penstock, "GET", "rules/cam-1"));
		expect([rule.fault, rule.receivers[0]!.state]).toEqual([undefined, "ready"]);
	});
	expect(await penstock.metric("penstock_distribution_engine_restarts_total")).toBe(1);
	const again = childOf(penstock.process.pid, "--control");
	await penstock.stop();
	expect(() => process.kill(again, 0)).toThrow(/ESRCH/);
});

/** The child of a process whose command line has a word in it. */
function childOf(parent: number, word: string): number {
	const children = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim().split(" ").map(Number);
	const found = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(word));
	if (found === undefined) throw new Error(`process ${parent} has no child with ${word}`);
	return found;
}

test("a server without the section has no rules, and says so", async () => {
	const penstock = await startPenstock({ channels: { demo: { source: "test", onDemand: true } } });
	onTestFinished(() => penstock.stop());
	for (const path of ["distribution", "rules", "rules/a"]) {
		expect(codeOf(await ask(penstock, "GET", path))).toEqual([404, "DISTRIBUTION_OFF"]);
	}
	expect((await ask(penstock, "GET", "server")).body).toMatchObject({ distribution: false });
});
