/** Gauges and counters that are read from a model when somebody asks. */
import { Counter, Gauge, type Registry } from "prom-client";

export type Labels = Record<string, string>;
export type Sample = readonly [labels: Labels, value: number];

export interface MetricFacts {
	/** Without the prefix. */
	readonly name: string;
	readonly help: string;
	readonly labelNames: string[];
	readonly read: () => readonly Sample[];
}

export function addGauge(registry: Registry, { name, help, labelNames, read }: MetricFacts): void {
	new Gauge({
		name: `penstock_${name}`,
		help,
		labelNames,
		registers: [registry],
		collect() {
			this.reset();
			for (const [labels, value] of read()) this.set(labels, value);
		},
	});
}

export function addCounter(registry: Registry, { name, help, labelNames, read }: MetricFacts): void {
	new Counter({
		name: `penstock_${name}`,
		help,
		labelNames,
		registers: [registry],
		collect() {
			this.reset();
			for (const [labels, value] of read()) this.inc(labels, value);
		},
	});
}

export const single = (value: number | undefined): Sample[] => (value === undefined ? [] : [[{}, value]]);
