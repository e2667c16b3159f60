/**
 * The model behind the API, on the real channels and viewers.
 */
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { bitsPerSecond } from "../base/units.ts";
import type { MediaEndpoint, Session } from "../delivery/media-endpoint.ts";
import type { Viewers } from "../delivery/viewers.ts";
import type { Packaging } from "../media/packaging.ts";
import type { Figure, FigureSource, ServerFigures } from "../switching/state.ts";
import type { ApiModel, ChannelSnapshot, FiguresRequest, ServerTotals, ViewerSnapshot } from "./api-model.ts";
import type { ChannelHost } from "./channel-host.ts";
import type { ChannelConfig } from "./config.ts";
import { channelSnapshot, viewerSnapshot } from "./snapshots.ts";

export interface HostedChannel {
	readonly config: ChannelConfig;
	readonly host: ChannelHost;
}

export interface ServerModelParts {
	readonly clock: Clock;
	readonly channels: readonly HostedChannel[];
	readonly endpoint: MediaEndpoint;
	readonly viewers: Viewers;
	readonly machine: () => ServerFigures;
	/** By code; grows while requests are refused. */
	readonly requestsRefused: ReadonlyMap<string, number>;
	readonly packagings: readonly Packaging[];
}

export class ServerModel implements ApiModel {
	readonly #parts: ServerModelParts;
	draining = false;

	constructor(parts: ServerModelParts) {
		this.#parts = parts;
	}

	channels(): readonly ChannelSnapshot[] {
		const { channels, packagings, endpoint } = this.#parts;
		const watching = new Map<object, number>();
		for (const { programme } of endpoint.sessions()) watching.set(programme, (watching.get(programme) ?? 0) + 1);
		return channels.map(({ config, host }) => channelSnapshot(config, host, watching.get(host) ?? 0, packagings));
	}

	viewers(): readonly ViewerSnapshot[] {
		return [...this.#parts.endpoint.sessions()].map((session) => viewerSnapshot(session, this.#parts.clock));
	}

	viewer(id: string): ViewerSnapshot | undefined {
		const session = this.#parts.endpoint.session(id);
		return session && viewerSnapshot(session, this.#parts.clock);
	}

	setWish(id: string, wish: string): void {
		const { viewer, programme } = this.#session(id);
		const { renditions } = programme.lanes.channel;
		const rendition = renditions.find(({ name }) => name === wish)?.name;
		if (wish !== "auto" && rendition === undefined) {
			const known = renditions.map(({ name }) => name).join(", ");
			throw new PenstockError(
				"RENDITION_NOT_FOUND",
				`${programme.app}/${programme.stream} has no rendition ${JSON.stringify(wish)}; there is auto, ${known}.`,
			);
		}
		viewer.wish = rendition ?? "auto";
	}

	setFigures(id: string, figures: FiguresRequest): void {
		const { viewer } = this.#session(id);
		const at = this.#parts.clock.now();
		const source: FigureSource = "api";
		const figure = <Value>(value: Value): Figure<Value> => ({ value, at, source });
		const { bandwidthBps, cpuIdle, memoryUsed } = figures;
		viewer.figures = {
			...viewer.figures,
			...(bandwidthBps !== undefined && { bandwidth: figure(bitsPerSecond(bandwidthBps)) }),
			...(cpuIdle !== undefined && { cpuIdle: figure(cpuIdle) }),
			...(memoryUsed !== undefined && { memoryUsed: figure(memoryUsed) }),
		};
	}

	kick(id: string): void {
		this.#parts.viewers.expel(this.#session(id).viewer, "kicked");
	}

	totals(): ServerTotals {
		const { viewers, requestsRefused } = this.#parts;
		const { accepted, refused, switches, drops, left } = viewers.totals;
		return {
			viewersAccepted: accepted,
			viewersRefused: refused,
			bytesSent: viewers.bytesSent,
			switches: [...switches].map(([key, count]) => {
				const [direction, cause] = key.split("/") as [string, string];
				return { direction, cause, count };
			}),
			drops: [...drops].map(([reason, count]) => ({ reason, count })),
			left: [...left].map(([reason, count]) => ({ reason, count })),
			requestsRefused: [...requestsRefused].map(([code, count]) => ({ code, count })),
		};
	}

	machine(): ServerFigures {
		return this.#parts.machine();
	}

	#session(id: string): Session {
		const session = this.#parts.endpoint.session(id);
		if (session !== undefined) return session;
		const shown = JSON.stringify(id.slice(0, 40));
		throw new PenstockError("VIEWER_NOT_FOUND", `no viewer ${shown}; it may have left, see /api/v1/viewers.`);
	}
}
