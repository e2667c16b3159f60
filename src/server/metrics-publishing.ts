/** Metrics of publishers, and of the gate in front of them and of viewers. */
import type { Registry } from "prom-client";
import type { AccessFigures, PublishingModel } from "./api-publishing-model.ts";
import { addCounter, addGauge, type Sample, single } from "./metric-kinds.ts";

type Counter = (name: string, help: string, read: () => readonly Sample[], ...labelNames: string[]) => void;

const counterOf =
	(registry: Registry): Counter =>
	(name, help, read, ...labelNames) =>
		addCounter(registry, { name, help, labelNames, read });

export function addPublishingMetrics(registry: Registry, model: PublishingModel): void {
	const counter = counterOf(registry);
	const read = (): readonly Sample[] =>
		model.publishers().map(({ channel, protocol }): Sample => [{ channel, protocol }, 1]);
	addGauge(registry, { name: "publishers", help: "Publishers now.", labelNames: ["channel", "protocol"], read });
	const received = (): Sample[] => model.received().map(({ channel, bytes }) => [{ channel }, bytes]);
	counter("published_bytes_total", "Media that publishers have sent.", received, "channel");
	const refusals = (): Sample[] => model.refusals().map(({ protocol, code, count }) => [{ protocol, code }, count]);
	counter("publishers_refused_total", "Publishers that were not let in.", refusals, "protocol", "code");
	const faults = (): Sample[] => model.rtmpFaults().map(({ code, count }) => [{ code }, count]);
	counter("rtmp_faults_total", "RTMP connections not taken, or ended for a reason.", faults, "code");
}

/** @param figures as they are now */
export function addAccessMetrics(registry: Registry, figures: () => AccessFigures): void {
	const counter = counterOf(registry);
	const answers = (): Sample[] =>
		figures().answers.map(({ verb, protocol, outcome, count }) => [{ verb, protocol, outcome }, count]);
	counter("access_answers_total", "What the gate has said.", answers, "verb", "protocol", "outcome");
	const evaluated = "Times that what was brought was compared with a secret, or its signature checked.";
	counter("access_evaluated_total", evaluated, () => single(figures().evaluated));
	const hooks = (): Sample[] => Object.entries(figures().hooks).map(([result, count]) => [{ result }, count]);
	counter("hook_calls_total", "Calls of hooks, by what came of them.", hooks, "result");
}
