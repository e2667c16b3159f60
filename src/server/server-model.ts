/**
 * The model behind the API, on the real channels and viewers.
 */
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import type { MediaEndpoint, Session } from "../delivery/media-endpoint.ts";
import type { Viewers } from "../delivery/viewers.ts";
import type { Packaging } from "../media/packaging.ts";
import type { ServerFigures } from "../switching/state.ts";
import type {
	ApiModel,
	ChannelSnapshot,
	DecisionSnapshot,
	FiguresRequest,
	ServerTotals,
	ViewerSnapshot,
} from "./api-model.ts";
import type { ChannelHost } from "./channel-host.ts";
import type { ChannelConfig } from "./config.ts";
import { decisionSnapshot } from "./decision-snapshots.ts";
import { withGiven } from "./given-figures.ts";
import type { ReportServices } from "./report-services.ts";
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
	/** How often a policy from a module answered what is none. */
	readonly policyErrors: () => number;
	readonly reports: ReportServices;
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
		return [...this.#parts.endpoint.sessions()].map((session) => this.#snapshot(session));
	}

	viewer(id: string): ViewerSnapshot | undefined {
		const session = this.#parts.endpoint.session(id);
		return session && this.#snapshot(session);
	}

	#snapshot(session: Session): ViewerSnapshot {
		return viewerSnapshot(session, this.#parts.clock, this.#parts.reports.viewers.told(session));
	}

	decisions(id: string): readonly DecisionSnapshot[] | undefined {
		const session = this.#parts.endpoint.session(id);
		return session?.viewer.control.decisions.map((record) => decisionSnapshot(record, this.#parts.clock));
	}

	setWish(id: string, wish: string): void {
		const { viewer, programme } = this.#session(id);
		viewer.wish = wish === "auto" ? wish : renditionOf(programme, wish, ["auto"]);
	}

	setFigures(id: string, figures: FiguresRequest): void {
		const { viewer, programme } = this.#session(id);
		const smoothUpTo = figures.smoothUpTo === undefined ? undefined : renditionOf(programme, figures.smoothUpTo);
		viewer.figures = withGiven(viewer.figures, { ...figures, smoothUpTo }, this.#parts.clock.now(), "api");
	}

	kick(id: string): void {
		this.#parts.viewers.expel(this.#session(id).viewer, "kicked");
	}

	totals(): ServerTotals {
		const { viewers, requestsRefused, policyErrors } = this.#parts;
		const { accepted, refused, switches, decisions, drops, left } = viewers.totals;
		return {
			viewersAccepted: accepted,
			viewersRefused: refused,
			bytesSent: viewers.bytesSent,
			switches: [...switches].map(([key, count]) => {
				const [direction, cause] = key.split("/") as [string, string];
				return { direction, cause, count };
			}),
			decisions,
			policyErrors: policyErrors(),
			drops: [...drops].map(([reason, count]) => ({ reason, count })),
			left: [...left].map(([reason, count]) => ({ reason, count })),
			requestsRefused: [...requestsRefused].map(([code, count]) => ({ code, count })),
			reports: this.#parts.reports.counts(),
		};
	}

	machine(): ServerFigures {
		return this.#parts.machine();
	}

	get troubles(): readonly string[] {
		const { duress } = this.machine();
		const own = duress === undefined ? [] : [`the server is under duress (${duress.level}): ${duress.text}`];
		return [...own, ...this.#parts.reports.troubles];
	}

	#session(id: string): Session {
		const session = this.#parts.endpoint.session(id);
		if (session !== undefined) return session;
		const shown = JSON.stringify(id.slice(0, 40));
		throw new PenstockError("VIEWER_NOT_FOUND", `no viewer ${shown}; it may have left, see /api/v1/viewers.`);
	}
}

/**
 * @param besides what could have been asked for instead of a rendition
 * @throws PenstockError RENDITION_NOT_FOUND
 */
function renditionOf(
	{ app, stream, lanes }: Session["programme"],
	asked: string,
	besides: readonly string[] = [],
): Name {
	const { renditions } = lanes.channel;
	const rendition = renditions.find(({ name }) => name === asked);
	if (rendition !== undefined) return rendition.name;
	const known = [...besides, ...renditions.map(({ name }) => name)].join(", ");
	const text = `${app}/${stream} has no rendition ${JSON.stringify(asked)}; there is ${known}.`;
	throw new PenstockError("RENDITION_NOT_FOUND", text);
}
