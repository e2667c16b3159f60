/** What the turns gave, and the results that come of it. */
import type { DistributionSnapshot } from "../../dist/server/api-distribution-model.js";
import type { Arrivals } from "../distribution/field.ts";
import { median, type Result } from "../kit/report.ts";
import { ENGINES, type EngineName, type Scene } from "./options.ts";
import type { Loaded } from "./order.ts";

export interface Turn {
	readonly published: Loaded;
	readonly arrived: Arrivals;
	/** The engine's account at both ends of the load. */
	readonly before: DistributionSnapshot;
	readonly after: DistributionSnapshot;
	readonly receiveBufferErrors: number;
	/** CPU time during the load. */
	readonly serverMs: number;
	readonly engineMs: number;
	/** Of one CPU, with all sessions and hardly a packet. */
	readonly idleShare: number;
	/** Of a publisher. */
	readonly bitsPerSecond: number;
	readonly payloadBytes: number;
}

const UNITS: Readonly<Record<string, string>> = {
	...{ offeredPct: "%", lostPackets: "packets", lostPct: "%", ruleDrops: "packets", receiveBufferErrors: "packets" },
	...{ serverCpuPct: "%", engineCpuPct: "%", idleCpuPct: "%", usPerCopy: "µs", p50Us: "µs", p99Us: "µs" },
};

/** What is compared with `node`: less is better in all of them. */
const COMPARED = ["usPerCopy", "p50Us", "p99Us"] as const;

export class Figures {
	readonly #rounds = new Map<string, number[]>();

	add(engine: EngineName, scene: Scene, turn: Turn): void {
		const named = figuresOf(scene, turn);
		for (const [figure, value] of Object.entries(named)) {
			const name = `${scene.name}.${engine}.${figure}`;
			this.#rounds.set(name, [...(this.#rounds.get(name) ?? []), value]);
		}
	}

	results(): Result[] {
		const plain = [...this.#rounds].map(([name, values]) => ({
			...{ name, value: median(values), unit: UNITS[name.split(".").at(-1)!]!, samples: values.length },
		}));
		return [...plain, ...[...this.#rounds.keys()].flatMap((name) => this.#againstNode(name))];
	}

	/** Ours to `node` of the same round, and then the median: rounds differ more than engines in a round. */
	#againstNode(name: string): Result[] {
		const [scene, engine, figure] = name.split(".");
		const theirs = `${scene}.node.${figure}`;
		if (engine === "node" || !COMPARED.some((one) => one === figure) || !this.#rounds.has(theirs)) return [];
		const ratios = this.#rounds.get(name)!.map((value, round) => value / this.#rounds.get(theirs)![round]!);
		const ratio = median(ratios);
		const vs = `${theirs}, same round; below 1 is better`;
		return [{ name: `${name}.vsNode`, value: ratio, unit: "×", samples: ratios.length, vs, ratio }];
	}
}

function figuresOf({ streams, each }: Scene, turn: Turn): Record<string, number> {
	const { published, arrived, before, after, serverMs, engineMs } = turn;
	const due = published.packets * each;
	const wanted = (streams * turn.bitsPerSecond * published.tookMs) / 1000 / (8 * turn.payloadBytes);
	return {
		offeredPct: (100 * published.packets) / wanted,
		lostPackets: due - arrived.packets,
		lostPct: 100 * (1 - arrived.packets / due),
		ruleDrops: droppedIn(after) - droppedIn(before),
		receiveBufferErrors: turn.receiveBufferErrors,
		serverCpuPct: (100 * serverMs) / published.tookMs,
		engineCpuPct: (100 * engineMs) / published.tookMs,
		usPerCopy: (1000 * (serverMs + engineMs)) / arrived.packets,
		p50Us: arrived.p50Us,
		p99Us: arrived.p99Us,
		idleCpuPct: 100 * turn.idleShare,
	};
}

const droppedIn = ({ drops }: DistributionSnapshot): number =>
	Object.values(drops).reduce((sum, count) => sum + (count ?? 0), 0);

/** Columns of the table; how many digits are worth showing. */
const COLUMNS: Readonly<Record<string, number>> = {
	...{ offeredPct: 1, lostPackets: 0, lostPct: 3, ruleDrops: 0, receiveBufferErrors: 0, serverCpuPct: 1 },
	...{ engineCpuPct: 1, idleCpuPct: 1, usPerCopy: 2, "usPerCopy.vsNode": 2, p50Us: 0, "p50Us.vsNode": 2, p99Us: 0 },
};

/** A row for each engine. */
export function showTables(results: readonly Result[]): void {
	const values = new Map(results.map(({ name, value }) => [name, value]));
	for (const scene of new Set(results.map(({ name }) => name.split(".")[0]!))) {
		console.log(`\n${scene}`);
		const rows = Object.keys(ENGINES).filter((engine) => values.has(`${scene}.${engine}.lostPct`));
		const cells = (engine: string): Record<string, string> =>
			Object.fromEntries(
				Object.entries(COLUMNS).map(([figure, digits]) => [
					figure,
					values.get(`${scene}.${engine}.${figure}`)?.toFixed(digits) ?? "",
				]),
			);
		console.table(Object.fromEntries(rows.map((engine) => [engine, cells(engine)])));
	}
}
