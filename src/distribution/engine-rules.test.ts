import { expect, test } from "vitest";
import type { ChangeRequest } from "../wire/distributor.ts";
import { Refusal } from "../wire/distributor-refusal.ts";
import { readRule } from "../wire/distributor-rule.ts";
import { EngineRules } from "./engine-rules.ts";

const ABLE = {
	...{ ipv4: true, ipv6: true, vlan: true, dscp: true, ttl: true, multicast: true, sourcePort: true, capture: true },
};
const at = (port: number) => ({ address: "127.0.0.1", port, ttl: 64, dscp: 0 });

test("no receiver is what a rule takes, its own or another's, whichever comes first", () => {
	const rules = new EngineRules(ABLE, { rules: 10, receiversPerRule: 10, receivers: 10 });
	let generation = 0;
	const codeOf = (change: ChangeRequest): string => {
		try {
			rules.keep(rules.judge(change), change.do === "rule.put", 0);
			return "done";
		} catch (thrown) {
			if (thrown instanceof Refusal) return thrown.code;
			throw thrown;
		}
	};
	const put = (name: string, port: number, ...to: readonly number[]): string => {
		const match = { address: "127.0.0.1", port };
		const rule = readRule({ name, generation: ++generation, match, media: "rtp", receivers: to.map(at) }, []);
		return codeOf({ do: "rule.put", rule });
	};
	const add = (name: string, port: number): string => {
		const rule = rules.get(name)!;
		return codeOf({ do: "receivers.add", name: rule.name, generation: ++generation, receivers: [at(port)] });
	};
	expect(put("a", 5004, 5004)).toBe("RULE_CONFLICT");
	expect(put("a", 5004, 5006)).toBe("done");
	expect(put("b", 5006)).toBe("RULE_CONFLICT");
	expect(put("b", 5008)).toBe("done");
	expect(add("a", 5008)).toBe("RULE_CONFLICT");
	expect(put("b", 5010, 5008)).toBe("done");
	expect(add("a", 5008)).toBe("done");
	rules.remove("a");
	expect(put("c", 5006)).toBe("done");
	expect(put("d", 5008)).toBe("RULE_CONFLICT");
});
