/** RTSP's metrics. */
import type { Registry } from "prom-client";
import type { RtspFigures } from "./api-model.ts";
import type { PlayersModel } from "./api-players-model.ts";
import { addCounter, addGauge, type Sample, single } from "./metric-kinds.ts";

export function addRtspMetrics(registry: Registry, figures: () => RtspFigures): void {
	const gauge = (name: string, help: string, read: (now: RtspFigures) => number): void =>
		addGauge(registry, { name: `rtsp_${name}`, help, labelNames: [], read: () => single(read(figures())) });

	gauge("connections", "Connections of publishers and players.", ({ connections }) => connections);
	gauge(
		"streams",
		"Streams that are relayed: published, pulled, or a channel's that somebody plays.",
		(now) => now.streams,
	);
	gauge("players", "Players that have a session.", ({ players }) => players);
}

export function addPlayerMetrics(registry: Registry, players: PlayersModel): void {
	const read = (): Sample[] => players.left().map(({ reason, count }) => [{ reason }, count]);
	const help = "Players gone: closed by themselves, or by the code of what ended them.";
	addCounter(registry, { name: "rtsp_players_left_total", help, labelNames: ["reason"], read });
}
