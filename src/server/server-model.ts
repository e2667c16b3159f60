/**
 * The model behind the API, on the real channels and viewers.
 */
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { bitsPerSecond, type EpochMs } from "../base/units.ts";
import type { MediaEndpoint, Session } from "../delivery/media-endpoint.ts";
import type { Viewers } from "../delivery/viewers.ts";
import type { Packaging } from "../media/packaging.ts";
import type { ServerFigures } from "../switching/state.ts";
import type { AccessHost } from "./access-host.ts";
import type { DistributionModel } from "./api-distribution-model.ts";
import type {
	ApiModel,
	ChannelSnapshot,
	DecisionSnapshot,
	RtspFigures,
	ServerSnapshot,
	TotalsSnapshot,
	ViewerList,
	ViewerSnapshot,
} from "./api-model.ts";
import type { PlayersModel } from "./api-players-model.ts";
import type { AccessFigures, PublishingModel } from "./api-publishing-model.ts";
import type { FiguresRequest, ViewersQuery } from "./api-requests.ts";
import type { ChannelSet } from "./channel-set.ts";
import { decisionSnapshot, machineSnapshot } from "./decision-snapshots.ts";
import { withGiven } from "./given-figures.ts";
import type { ListenAddress } from "./listen-address.ts";
import { mediaOrigins } from "./media-origins.ts";
import { chooseRendition, renditionOf } from "./rendition-choice.ts";
import type { ReportServices } from "./report-services.ts";
import { channelSnapshot, viewerSnapshot } from "./snapshots.ts";

export interface ServerModelParts {
	readonly clock: Clock;
	readonly channels: ChannelSet;
	readonly endpoint: MediaEndpoint;
	readonly viewers: Viewers;
	readonly machine: () => ServerFigures;
	/** By code; grows while requests are refused. */
	readonly requestsRefused: ReadonlyMap<string, number>;
	readonly packagings: readonly Packaging[];
	/** How often a policy from a module answered what is none. */
	readonly policyErrors: () => number;
	readonly reports: ReportServices;
	/** Undefined where no packets are distributed. */
	readonly distribution: DistributionModel | undefined;
	/** Undefined where nobody publishes. */
	readonly publishing: PublishingModel | undefined;
	/** Undefined where RTSP is not spoken. */
	readonly players: PlayersModel | undefined;
	/** Undefined where everybody watches and nobody publishes. */
	readonly access: AccessHost | undefined;
	/** Absent where RTSP is not spoken. */
	readonly rtsp?: () => RtspFigures;
	/** The name of the switching policy. */
	readonly policy: string;
	readonly version: string;
	/** Of the process. */
	readonly startedAt: EpochMs;
	/** What the API listens on. */
	readonly apiListen: ListenAddress;
	/** All listeners for viewers. */
	readonly listening: () => readonly ListenAddress[];
	/** What is wrong with the set-up, though streams go on; a sentence each. */
	readonly setUpTroubles: readonly string[];
}

export class ServerModel implements ApiModel {
	readonly #parts: ServerModelParts;
	readonly rtsp?: () => RtspFigures;
	draining = false;

	constructor(parts: ServerModelParts) {
		this.#parts = parts;
		if (parts.rtsp !== undefined) this.rtsp = parts.rtsp;
	}

	server(host: string): ServerSnapshot {
		const { viewers, version, startedAt, policy, apiListen, listening } = this.#parts;
		return {
			...{ version, nodeVersion: process.versions.node, startedAt: new Date(startedAt).toISOString(), policy },
			draining: this.draining,
			viewers: viewers.size,
			players: this.players?.size ?? 0,
			distribution: this.distribution !== undefined,
			machine: machineSnapshot(this.machine()),
			totals: this.totals(),
			troubles: [...this.troubles],
			mediaOrigins: mediaOrigins(listening(), { name: host, address: apiListen }),
		};
	}

	channels(): readonly ChannelSnapshot[] {
		const { channels, packagings, endpoint } = this.#parts;
		const watching = new Map<object, number>();
		for (const { programme } of endpoint.sessions()) watching.set(programme, (watching.get(programme) ?? 0) + 1);
		return channels.all().map(({ config, host }) => channelSnapshot(config, host, watching.get(host) ?? 0, packagings));
	}

	viewers({ channel, limit, offset = 0 }: ViewersQuery): ViewerList {
		const isAsked = ({ programme: { app, stream } }: Session): boolean =>
			channel === undefined || channel === `${app}/${stream}`;
		const fitting = [...this.#parts.endpoint.sessions()].filter(isAsked);
		const some = fitting.slice(offset, limit === undefined ? undefined : offset + limit);
		return { viewers: some.map((session) => this.#snapshot(session)), total: fitting.length };
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
		chooseRendition(this.#session(id), wish);
	}

	setFigures(id: string, figures: FiguresRequest): void {
		const { viewer, programme } = this.#session(id);
		const smoothUpTo = figures.smoothUpTo === undefined ? undefined : renditionOf(programme, figures.smoothUpTo);
		viewer.figures = withGiven(viewer.figures, { ...figures, smoothUpTo }, this.#parts.clock.now(), "api");
	}

	setLimit(id: string, maxBps: number | null): void {
		this.#session(id).link.rate = maxBps === null ? undefined : bitsPerSecond(maxBps);
	}

	kick(id: string): void {
		this.#parts.viewers.kick(this.#session(id).viewer);
	}

	totals(): TotalsSnapshot {
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
			decisions: [...decisions],
			policyErrors: policyErrors(),
			drops: [...drops].map(([reason, count]) => ({ reason, count })),
			left: [...left].map(([reason, count]) => ({ reason, count })),
			requestsRefused: [...requestsRefused].map(([code, count]) => ({ code, count })),
			reports: [...this.#parts.reports.counts()],
		};
	}

	machine(): ServerFigures {
		return this.#parts.machine();
	}

	get troubles(): readonly string[] {
		const { duress } = this.machine();
		const own = duress === undefined ? [] : [`the server is under duress (${duress.level}): ${duress.text}`];
		const { reports, distribution, setUpTroubles } = this.#parts;
		return [...own, ...reports.troubles, ...(distribution?.troubles ?? []), ...setUpTroubles];
	}

	get distribution(): DistributionModel | undefined {
		return this.#parts.distribution;
	}

	get publishing(): PublishingModel | undefined {
		return this.#parts.publishing;
	}

	get players(): PlayersModel | undefined {
		return this.#parts.players;
	}

	get access(): (() => AccessFigures) | undefined {
		const { access } = this.#parts;
		return access && ((): AccessFigures => access.figures);
	}

	#session(id: string): Session {
		const session = this.#parts.endpoint.session(id);
		if (session !== undefined) return session;
		const shown = JSON.stringify(id.slice(0, 40));
		throw new PenstockError("VIEWER_NOT_FOUND", `no viewer ${shown}; it may have left, see /api/v1/viewers.`);
	}
}
