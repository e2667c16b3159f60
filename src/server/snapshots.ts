/**
 * What channels and viewers look like in the API.
 */
import type { Clock } from "../base/clock.ts";
import { ticksToMs } from "../base/units.ts";
import type { RenditionLog } from "../channel/channel.ts";
import type { Session } from "../delivery/media-endpoint.ts";
import type { SwitchRecord } from "../delivery/viewer.ts";
import type { LadderStatus } from "../ladder/ladder.ts";
import { sourceLabel } from "../ladder/source-arguments.ts";
import type { DecodeInformation } from "../media/access-unit.ts";
import type { Packaging } from "../media/packaging.ts";
import type { ChannelSnapshot, RenditionSnapshot, ViewerSnapshot } from "./api-model.ts";
import type { ChannelHost, InputState } from "./channel-host.ts";
import type { ChannelConfig } from "./config.ts";
import { figuresSnapshot, networkSnapshot } from "./decision-snapshots.ts";
import type { SessionTold } from "./viewer-reports.ts";

/** @param viewers how many watch it now */
export function channelSnapshot(
	config: ChannelConfig,
	host: ChannelHost,
	viewers: number,
	packagings: readonly Packaging[],
): ChannelSnapshot {
	const { channel, ladderStatus } = host;
	const { newestUnit, audio, drift } = channel;
	const lastDrift = drift.last?.kind === "drift" ? drift.last.offsetMs : undefined;
	return {
		app: config.app,
		stream: config.stream,
		state: ladderStatus.state,
		live: host.live,
		onDemand: host.onDemand,
		source: sourceLabel(config.ladder.source),
		...(config.ladder.source.kind === "published" && { published: true as const }),
		...(config.pattern !== undefined && { pattern: config.pattern }),
		unitMs: config.ladder.unitDuration,
		ringMs: config.ring,
		...(newestUnit && { newestUnit: { number: newestUnit.number, timeMs: ticksToMs(newestUnit.time) } }),
		renditions: channel.renditions.map((log) => renditionSnapshot(config, host, log)),
		...(audio && {
			audio: { codec: audio.codecString, sampleRateHz: audio.sampleRateHz, channels: audio.channelCount },
		}),
		drift: { count: drift.counts.drift, ...(lastDrift !== undefined && { lastMs: lastDrift }) },
		ladder: ladderSnapshot(ladderStatus),
		viewers,
		urls: urlsOf(config, packagings, channel.lowestReady?.units.newest?.head.decode),
	};
}

/** Those that can carry the channel's codecs; all of them as long as nobody knows these. */
export function urlsOf(
	{ app, stream }: ChannelConfig,
	packagings: readonly Packaging[],
	decode: DecodeInformation | undefined,
): Record<string, string> {
	const fitting = packagings.filter((packaging) => decode === undefined || packaging.refusal(decode) === undefined);
	return Object.fromEntries(fitting.map(({ extension }) => [extension, `/${app}/${stream}.${extension}`]));
}

function renditionSnapshot(config: ChannelConfig, host: ChannelHost, log: RenditionLog): RenditionSnapshot {
	const { renditions, audio } = config.ladder;
	const spec = renditions.find(({ name }) => name === log.name);
	const encoded = renditions.length === 0 ? audio : spec?.kind === "encode" ? spec : undefined;
	const { alignment, video, measuredBitrate, droppedAccessUnits, units } = log;
	const { misaligned, missing, late, overlong } = alignment.counts;
	const refused = host.refused.get(log.name);
	const input = host.inputState(log.name);
	return {
		name: log.name,
		...(video && { width: video.width, height: video.height, codec: video.codecString }),
		...(encoded && { configuredBps: encoded.bitsPerSecond }),
		...(measuredBitrate !== undefined && { measuredBps: Math.round(measuredBitrate) }),
		units: units.opened,
		aligned: alignment.good,
		misaligned,
		missing,
		late,
		overlong,
		droppedAccessUnits,
		...(refused && { refused: refused.message }),
		...(input && { input: inputSnapshot(input) }),
	};
}

function inputSnapshot({ phase, isLate, offset, received }: InputState): NonNullable<RenditionSnapshot["input"]> {
	const rtp = received.map(({ kind, counts }) => {
		const { packets, bytes, lost, late, duplicates, reordered, malformed, accessUnits, dropped } = counts;
		const units = { accessUnits, accessUnitsDropped: dropped };
		return { medium: kind, ...{ packets, bytes, lost, late, duplicates, reordered, malformed }, ...units };
	});
	return {
		...{ state: phase, late: isLate },
		...(offset !== undefined && { offsetMs: offset }),
		...(rtp.length > 0 && { rtp }),
	};
}

function ladderSnapshot(status: LadderStatus): ChannelSnapshot["ladder"] {
	const { state, restarts, dropped, pid, lastError, speed, startedAt } = status;
	return {
		state,
		restarts,
		...(dropped > 0 && { dropped }),
		...(pid !== undefined && { pid }),
		...(lastError !== undefined && { lastError }),
		...(speed !== undefined && { speed }),
		...(startedAt !== undefined && { startedAt: new Date(startedAt).toISOString() }),
	};
}

/** @param told what the viewer said of itself besides figures */
export function viewerSnapshot(session: Session, clock: Clock, told: SessionTold = {}): ViewerSnapshot {
	const { viewer, programme, remoteAddress, userAgent, connectedAt } = session;
	const decision = viewer.lastDecision;
	const now = clock.now();
	const network = viewer.control.link.state(now);
	const emulated = viewer.control.emulated(now);
	return {
		id: viewer.id,
		channel: `${programme.app}/${programme.stream}`,
		packaging: viewer.packaging.extension,
		remoteAddress,
		userAgent,
		connectedAt: new Date(connectedAt).toISOString(),
		rendition: viewer.rendition,
		wish: viewer.wish,
		...(session.link.rate !== undefined && { maxBps: session.link.rate }),
		...(decision && { decision: { kind: decision.kind, ...decision.because } }),
		unit: viewer.unit,
		lagMs: viewer.lag,
		bytesSent: viewer.bytesSent,
		switches: viewer.switchCount,
		lastSwitches: viewer.lastSwitches.map((record) => switchSnapshot(record, clock)),
		drops: { ...viewer.drops },
		figures: figuresSnapshot(viewer.figures, now),
		...(emulated && { emulated: figuresSnapshot(emulated, now) }),
		...(network && { network: networkSnapshot(network, now) }),
		told,
	};
}

function switchSnapshot(record: SwitchRecord, clock: Clock): ViewerSnapshot["lastSwitches"][number] {
	const { at, unit, from, to, because } = record;
	const age = clock.now() - at;
	return { at: new Date(clock.wall() - age).toISOString(), unit, from, to, because: { ...because } };
}
