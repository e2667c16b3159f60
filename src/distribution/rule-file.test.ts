import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { loadRules, parseRules, saveRules } from "./rule-file.ts";
import { DEFAULT_LIMITS } from "./rule-limits.ts";
import { RuleStore } from "./rule-store.ts";
import { RuleTable } from "./rule-table.ts";

const YAML = `# cameras
rules:
  - name: cam-1
    match: 10.79.0.1:5004
    media: rtp
    receivers:
      - 10.78.0.2:6000
      - "[fd00::2]:6000"
      - { address: 10.78.0.3, port: 6000, ttl: 16 }
`;

function directory(): string {
	const path = mkdtempSync(join(tmpdir(), "penstock-rules-"));
	onTestFinished(() => rmSync(path, { recursive: true, force: true }));
	return path;
}

describe("a file with rules", () => {
	test("may write endpoints in one word", () => {
		const [rule] = parseRules(YAML, "rules.yaml");
		expect(rule).toMatchObject({ name: "cam-1", match: { address: "10.79.0.1", port: 5004 }, permanent: false });
		expect(rule!.receivers.map(({ address, ttl }) => [address, ttl])).toEqual([
			["10.78.0.2", 64],
			["fd00::2", 64],
			["10.78.0.3", 16],
		]);
	});

	test.each([
		["ttl: 16", "ttl: 300", "rules.yaml:9:48: rules[0].receivers[2].ttl is 300 but must be"],
		["10.78.0.2:6000", "10.78.0.2", 'rules.yaml:7:9: rules[0].receivers[0] is "10.78.0.2" but must be like'],
		["media: rtp", "medium: rtp", "rules.yaml:5:13: rules[0].medium is an unknown key"],
		["    media: rtp\n", "", "rules.yaml:3:5: rules[0].media is missing"],
		["rules:", "rule:", "rules.yaml:3:3: rule is an unknown key; known is rules"],
		["media: rtp", "media: [", "rules.yaml:"],
	])("is refused with line and column: %j as %j", (from, to, words) => {
		expect(() => parseRules(YAML.replace(from, to), "rules.yaml")).toThrow(`RULES_FILE: ${words}`);
	});

	test("may be empty of rules, but not without a word", () => {
		expect(parseRules("rules:\n", "x")).toEqual([]);
		expect(() => parseRules("", "x")).toThrow("must be a map");
		expect(() => parseRules("- 1", "x")).toThrow("must be a map");
	});

	test("that is written is read again the same, and nobody else may read it", async () => {
		const file = join(directory(), "rules.json");
		const rules = parseRules(YAML, "rules.yaml");
		await saveRules(file, rules);
		expect(await loadRules(file)).toEqual(rules);
		expect(statSync(file).mode & 0o777).toBe(0o600);
	});

	test("that is not there, or cannot be written, is told", async () => {
		await expect(loadRules("/nowhere/rules.yaml")).rejects.toThrow(/RULES_FILE: \/nowhere\/rules.yaml cannot be read/);
		await expect(saveRules("/nowhere/rules.json", [])).rejects.toThrow(/RULES_FILE/);
	});
});

describe("the store", () => {
	const rule = { name: "cam-1", match: { address: "127.0.0.1", port: 5004 }, media: "rtp", receivers: [] };

	test("keeps the rules of run time over a restart, and a burst of changes is one write", async () => {
		const clock = new ManualClock();
		const file = join(directory(), "rules.json");
		const parts = { table: new RuleTable({ clock, limits: DEFAULT_LIMITS }), file, clock, log: () => undefined };
		const store = await RuleStore.open(parts);
		parts.table.configure([{ ...rule, name: "fixed", match: { address: "127.0.0.1", port: 5006 } }]);
		parts.table.put(rule);
		for (let port = 6000; port < 6100; port++) parts.table.addReceivers("cam-1", [{ address: "127.0.0.1", port }]);
		await store.close();
		expect(JSON.parse(readFileSync(file, "utf8")).rules).toHaveLength(1);
		expect(clock.time.pending).toBe(0);

		const table = new RuleTable({ clock, limits: DEFAULT_LIMITS });
		await RuleStore.open({ ...parts, table });
		expect(table.get("cam-1")!.receivers).toHaveLength(100);
	});

	test("leaves out what the limits have come to forbid, and says so", async () => {
		const clock = new ManualClock();
		const file = join(directory(), "rules.json");
		writeFileSync(file, JSON.stringify({ rules: [{ ...rule, receivers: [{ address: "203.0.113.1", port: 1 }] }] }));
		const said: string[] = [];
		const table = new RuleTable({ clock, limits: DEFAULT_LIMITS });
		await RuleStore.open({ table, file, clock, log: (line) => said.push(line) });
		expect(table.list()).toEqual([]);
		expect(said).toEqual([expect.stringContaining("RULE_NETWORK")]);
	});
});
