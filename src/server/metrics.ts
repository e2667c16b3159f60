/**
 * Metrics for Prometheus. Nothing is counted here: the figures are read from the model when somebody asks. Labels are
 * of closed sets and configured names, never of viewers.
 */
import { collectDefaultMetrics, Registry } from "prom-client";
import type { ApiModel, ChannelSnapshot } from "./api-model.ts";
import { addCounter, addGauge, type Labels, type Sample, single } from "./metric-kinds.ts";
import { addDistributionMetrics } from "./metrics-distribution.ts";
import { addAccessMetrics, addPublishingMetrics } from "./metrics-publishing.ts";
import { addPlayerMetrics, addRtspMetrics } from "./metrics-rtsp.ts";
import { labelOf } from "./stream-name.ts";

export class Metrics {
	readonly #registry = new Registry();
	readonly #model: ApiModel;
	readonly #lookAtDistribution: (() => Promise<void>) | undefined;

	constructor(model: ApiModel) {
		this.#model = model;
		collectDefaultMetrics({ register: this.#registry });
		this.#addChannels();
		this.#addViewers();
		this.#addMachine();
		this.#addCapability();
		const { distribution, rtsp } = model;
		if (model.publishing !== undefined) addPublishingMetrics(this.#registry, model.publishing);
		if (model.access !== undefined) addAccessMetrics(this.#registry, model.access);
		if (rtsp !== undefined) addRtspMetrics(this.#registry, rtsp);
		if (model.players !== undefined) addPlayerMetrics(this.#registry, model.players);
		this.#lookAtDistribution = distribution && addDistributionMetrics(this.#registry, distribution);
	}

	get contentType(): string {
		return this.#registry.contentType;
	}

	async text(): Promise<string> {
		await this.#lookAtDistribution?.();
		return await this.#registry.metrics();
	}

	/** Stops what observes the runtime. */
	close(): void {
		this.#registry.clear();
	}

	#addChannels(): void {
		this.#gauge("channel_up", "1 while the channel has a picture.", ["channel"], () =>
			this.#perChannel((channel) => (channel.live ? 1 : 0)),
		);
		this.#gauge("channel_newest_unit", "Number of the newest unit.", ["channel"], () =>
			this.#perChannel((channel) => channel.newestUnit?.number),
		);
		this.#gauge("rendition_bitrate_bps", "Media bit rate as measured.", ["channel", "rendition"], () =>
			this.#perRendition((rendition) => rendition.measuredBps),
		);
		this.#gauge("ffmpeg_speed", "Speed of the encoder; 1 is real time.", ["channel"], () =>
			this.#perChannel((channel) => channel.ladder.speed),
		);
		this.#counter("ffmpeg_restarts_total", "Restarts of FFmpeg.", ["channel"], () =>
			this.#perChannel((channel) => channel.ladder.restarts),
		);
		const behind = "Access units of publishers that FFmpeg was too slow for.";
		this.#counter("published_access_units_dropped_total", behind, ["channel"], () =>
			this.#perChannel((channel) => channel.ladder.dropped ?? 0),
		);
		this.#counter("units_total", "Units made.", ["channel", "rendition"], () =>
			this.#perRendition((rendition) => rendition.units),
		);
		const dropped = "Access units that came at no time or belonged to no unit.";
		this.#counter("access_units_dropped_total", dropped, ["channel", "rendition"], () =>
			this.#perRendition((rendition) => rendition.droppedAccessUnits),
		);
		this.#counter("alignment_faults_total", "Faults of alignment.", ["channel", "rendition", "kind"], () =>
			this.#alignmentFaults(),
		);
		for (const [name, help, read] of RTP_COUNTS) {
			this.#counter(`rtp_${name}_total`, help, ["channel", "rendition"], () =>
				this.#perRendition(({ input }) => input?.rtp?.reduce((sum, medium) => sum + medium[read], 0)),
			);
		}
		this.#counter("drift_faults_total", "Times that media time left the clock.", ["channel"], () =>
			this.#perChannel((channel) => channel.drift.count),
		);
	}

	#addViewers(): void {
		const totals = () => this.#model.totals();
		this.#gauge("viewers", "Viewers now.", ["channel", "rendition"], () => this.#viewers());
		this.#counter("viewers_accepted_total", "Viewers since the start.", [], () => [[{}, totals().viewersAccepted]]);
		this.#counter("viewers_refused_total", "Viewers and players of RTSP over the limit.", [], () => [
			[{}, totals().viewersRefused],
		]);
		this.#counter("viewers_left_total", "Viewers gone.", ["reason"], () => samples(totals().left, "reason"));
		this.#counter("bytes_sent_total", "Bytes sent to viewers.", [], () => [[{}, totals().bytesSent]]);
		this.#counter("drops_total", "Times a viewer was moved forward.", ["reason"], () =>
			samples(totals().drops, "reason"),
		);
		this.#counter("requests_refused_total", "Requests refused unread.", ["code"], () =>
			samples(totals().requestsRefused, "code"),
		);
		this.#counter("reports_total", "Reports by what became of them.", ["server", "result"], () =>
			[...totals().reports].map(({ server, result, count }) => [{ server, result }, count]),
		);
		const decided = "Decisions at the ends of units.";
		this.#counter("decisions_total", decided, ["kind", "direction", "cause"], () =>
			[...totals().decisions].map(({ kind, direction, cause, count }) => [{ kind, direction, cause }, count]),
		);
		const unfit = "Answers of a policy from a module that were none.";
		this.#counter("policy_errors_total", unfit, [], () => [[{}, totals().policyErrors]]);
		this.#counter("switches_total", "Switches of rendition.", ["direction", "cause"], () =>
			[...totals().switches].map(({ direction, cause, count }) => [{ direction, cause }, count]),
		);
	}

	#addMachine(): void {
		const machine = () => this.#model.machine();
		this.#gauge("machine_cpu_idle", "Idle share of the CPU.", [], () => single(machine().cpuIdle));
		this.#gauge("machine_memory_used", "Used share of the memory.", [], () => single(machine().memoryUsed));
		this.#gauge("event_loop_delay_p99_seconds", "Delay of the event loop in the last second.", [], () => {
			const delayMs = machine().eventLoopDelayMs;
			return single(delayMs === undefined ? undefined : delayMs / 1000);
		});
	}

	#addCapability(): void {
		const machine = () => this.#model.machine();
		this.#gauge("egress_bps", "What is sent to viewers.", [], () => single(machine().egress));
		const limit = "What the server's network takes, as configured.";
		this.#gauge("egress_limit_bps", limit, [], () => single(machine().egressLimit));
		const slowest = "Speed of the slowest encoder with a source that it paces; 1 is real time.";
		this.#gauge("encoder_speed_min", slowest, [], () => single(machine().encoderSpeed));
		const duress = "0: none. 1: nobody goes up. 2: the best rendition is withdrawn.";
		this.#gauge("server_duress", duress, [], () => {
			const level = machine().duress?.level;
			return single(level === undefined ? 0 : level === "freeze" ? 1 : 2);
		});
	}

	#viewers(): Sample[] {
		const counts = new Map<string, { labels: Labels; count: number }>();
		for (const channel of this.#model.channels()) {
			for (const { name } of channel.renditions) {
				const labels = { channel: labelOf(channel), rendition: name };
				counts.set(`${labels.channel} ${name}`, { labels, count: 0 });
			}
		}
		for (const { channel, rendition } of this.#model.viewers({}).viewers) {
			const entry = counts.get(`${channel} ${rendition}`);
			if (entry !== undefined) entry.count++;
		}
		return [...counts.values()].map(({ labels, count }) => [labels, count]);
	}

	#alignmentFaults(): Sample[] {
		const kinds = ["misaligned", "missing", "late", "overlong"] as const;
		return kinds.flatMap((kind) =>
			this.#perRendition((rendition) => rendition[kind]).map(([labels, value]): Sample => [{ ...labels, kind }, value]),
		);
	}

	#perChannel(read: (channel: ChannelSnapshot) => number | undefined): Sample[] {
		return this.#model.channels().flatMap((channel) => {
			const value = read(channel);
			return value === undefined ? [] : [[{ channel: labelOf(channel) }, value] as const];
		});
	}

	#perRendition(read: (rendition: ChannelSnapshot["renditions"][number]) => number | undefined): Sample[] {
		return this.#model.channels().flatMap((channel) =>
			channel.renditions.flatMap((rendition): Sample[] => {
				const value = read(rendition);
				return value === undefined ? [] : [[{ channel: labelOf(channel), rendition: rendition.name }, value]];
			}),
		);
	}

	#gauge(name: string, help: string, labelNames: string[], read: () => Sample[]): void {
		addGauge(this.#registry, { name, help, labelNames, read });
	}

	#counter(name: string, help: string, labelNames: string[], read: () => Sample[]): void {
		addCounter(this.#registry, { name, help, labelNames, read });
	}
}

/** Of RTP that comes by UDP where no FFmpeg reads it. */
const RTP_COUNTS = [
	["packets", "RTP packets that came in time.", "packets"],
	["packets_lost", "RTP packets that did not come, or too late.", "lost"],
	["packets_late", "RTP packets that came after they were given up; they are among those lost.", "late"],
	["packets_reordered", "RTP packets that came behind a later one, in time.", "reordered"],
	["access_units_dropped", "Access units left out, for a part of them was lost.", "accessUnitsDropped"],
] as const;

function samples<Key extends string>(
	counts: Iterable<Readonly<Record<Key, string>> & { readonly count: number }>,
	label: Key,
): Sample[] {
	return [...counts].map((entry): Sample => [{ [label]: entry[label] }, entry.count]);
}
