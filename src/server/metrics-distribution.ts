/** The distribution plane's metrics. Counters are the engine's, and begin again when it does. */
import type { Registry } from "prom-client";
import type { DistributionModel, DistributionSnapshot } from "./api-distribution-model.ts";
import { addCounter, addGauge, type Sample, single } from "./metric-kinds.ts";

type Read = (now: DistributionSnapshot) => Sample[];

/** @returns what looks afresh; the metrics are those of the last look */
export function addDistributionMetrics(registry: Registry, model: DistributionModel): () => Promise<void> {
	let now: DistributionSnapshot | undefined;
	const reading = (read: Read) => (): Sample[] => (now === undefined ? [] : read(now));
	const counter = (name: string, help: string, read: Read, ...labelNames: string[]): void =>
		addCounter(registry, { name: `distribution_${name}`, help, labelNames, read: reading(read) });
	const gauge = (name: string, help: string, read: Read, ...labelNames: string[]): void =>
		addGauge(registry, { name: `distribution_${name}`, help, labelNames, read: reading(read) });

	counter("received_packets_total", "Media packets of rules.", ({ received }) => single(received.packets));
	counter("received_bytes_total", "Their UDP payload.", ({ received }) => single(received.bytes));
	counter("sent_packets_total", "Copies sent to receivers.", ({ sent }) => single(sent.packets));
	counter("sent_bytes_total", "Their UDP payload.", ({ sent }) => single(sent.bytes));
	counter("passed_packets_total", "Packets left to the kernel.", ({ passed }) => single(passed));
	const dropped = "Packets, and copies of packets, that were not sent.";
	const drops: Read = (one) => Object.entries(one.drops).map(([reason, count]) => [{ reason }, count]);
	counter("drops_total", dropped, drops, "reason");
	counter("cpu_seconds_total", "CPU time of the engine's process.", ({ cpuMs }) => single(cpuMs / 1000));
	const restarts = "Times that an engine was there again after it had gone.";
	counter("engine_restarts_total", restarts, ({ engine }) => single(engine.restarts));
	gauge("rules", "Rules in the table.", ({ rules }) => single(rules));
	gauge("receivers", "Receivers of all rules.", ({ receivers }) => single(receivers));
	const up: Read = ({ engine: { kind, backend, state } }) => [[{ engine: kind, backend }, state === "up" ? 1 : 0]];
	gauge("engine_up", "1 while an engine distributes packets.", up, "engine", "backend");
	return async () => {
		now = await model.snapshot();
	};
}
