/**
 * An engine of the distribution plane, as RTSP sessions use it: rules that nobody else may change, room for them, and
 * signs of life of those whose packets they take.
 */
import { networkInterfaces } from "node:os";
import type { Clock, Timer } from "../../base/clock.ts";
import { PenstockError } from "../../base/errors.ts";
import type { RuleTable } from "../../distribution/rule-table.ts";
import { parseAddress } from "../../wire/distributor-address.ts";
import type { ReceiverStats } from "../../wire/distributor-answer.ts";
import { destinationKey } from "../../wire/distributor-rule.ts";
import type { DistributionHost } from "../distribution-host.ts";

/** So often is asked whose packets have come. */
const PULSE_MS = 2000;

interface Pulse {
	readonly onPackets: () => void;
	packets: number;
}

export class PacketPlane {
	readonly #host: DistributionHost;
	readonly #clock: Clock;
	readonly #pulses = new Map<string, Pulse>();
	/** Answers that are on their way, by rule. */
	readonly #asked = new Map<string, Promise<ReadonlyMap<string, ReceiverStats>>>();
	#timer: Timer | undefined;

	/** @param host that has been started */
	constructor(host: DistributionHost, clock: Clock) {
		this.#host = host;
		this.#clock = clock;
	}

	get table(): RuleTable {
		return this.#host.table;
	}

	/** Whether packets to an address of this machine come to its engine: those to a port of DPDK's own do, or all. */
	takes(address: string): boolean {
		const { choice, config } = this.#host;
		if (choice.kind !== "dpdk") return true;
		const { distributor } = config;
		const device = "socket" in distributor ? undefined : distributor.device;
		if (device === undefined) return !/^127\.|^::1$/.test(address);
		const wanted = parseAddress(address)?.text;
		return (networkInterfaces()[device] ?? []).some((one) => parseAddress(one.address)?.text === wanted);
	}

	/** Whether it takes packets from this process, too, for what a port of DPDK sends to itself does not come up. */
	get takesFromProcess(): boolean {
		return this.#host.choice.kind !== "dpdk";
	}

	/** Whether table and engine have room for so many more; of the engine's, each rule may have one in this process, too. */
	room(rules: number, receivers: number): PenstockError | undefined {
		const { limits: engine } = this.#host.description;
		const { size, limits: table } = this.table;
		const all = { rules: size.rules + rules, receivers: size.receivers + receivers };
		const most = {
			rules: Math.min(table.rules, engine.rules),
			receivers: Math.min(table.receivers, engine.receivers - all.rules),
		};
		const what = (["rules", "receivers"] as const).find((one) => all[one] > most[one]);
		if (what === undefined) return undefined;
		const text = `there would be ${all[what]} ${what}, and ${most[what]} are taken; raise distribution.limits, or take an engine that has more.`;
		return new PenstockError("RULE_LIMIT", text);
	}

	/** Resolves when the engine has carried out what was changed. @returns why it has not, of one of the rules */
	async carriedOut(rules: readonly string[]): Promise<PenstockError | undefined> {
		await this.#host.settled();
		// An engine that is away gets all of the table when it is back.
		if (this.#host.down !== undefined) return undefined;
		const fault = rules.map((rule) => this.#host.faultOf(rule)).find((text) => text !== undefined);
		return fault === undefined ? undefined : new PenstockError("DISTRIBUTOR_REFUSED", `${fault}.`);
	}

	/** Why it carries nothing out now. */
	get away(): PenstockError | undefined {
		const { down } = this.#host;
		return down === undefined ? undefined : new PenstockError("DISTRIBUTOR_UNREACHABLE", `no engine is up: ${down}.`);
	}

	/** What the engine counts of a rule's receivers, by destination. Who asks at the same time has the same answer. */
	async receiversOf(rule: string): Promise<ReadonlyMap<string, ReceiverStats>> {
		const known = this.#asked.get(rule);
		if (known !== undefined) return await known;
		const asking = this.#askReceivers(rule).finally(() => this.#asked.delete(rule));
		this.#asked.set(rule, asking);
		return await asking;
	}

	async #askReceivers(rule: string): Promise<ReadonlyMap<string, ReceiverStats>> {
		const [stats] = (await this.#host.stats(rule)).rules;
		return new Map(stats?.receivers?.map((one) => [destinationKey(one), one]));
	}

	/** @param onPackets told every few seconds while packets come to the rule. @returns what ends that */
	watch(rule: string, onPackets: () => void): () => void {
		this.#pulses.set(rule, { onPackets, packets: 0 });
		if (this.#timer === undefined) this.#lookLater();
		return () => {
			this.#pulses.delete(rule);
			if (this.#pulses.size > 0) return;
			this.#timer?.cancel();
			this.#timer = undefined;
		};
	}

	#lookLater(): void {
		const timer = this.#clock.after(PULSE_MS, () => {
			void this.#look().then(() => {
				// Who came while it looked, when all others had left, has a timer of his own.
				if (this.#timer !== timer) return;
				if (this.#pulses.size > 0) this.#lookLater();
				else this.#timer = undefined;
			});
		});
		this.#timer = timer;
	}

	async #look(): Promise<void> {
		if (this.#host.down === undefined) {
			for (const { name, received } of (await this.#host.stats()).rules) this.#heard(name, received.packets);
		} else for (const { onPackets } of this.#pulses.values()) onPackets();
	}

	/** Counters begin anew with their engine. */
	#heard(rule: string, packets: number): void {
		const pulse = this.#pulses.get(rule);
		if (pulse === undefined || pulse.packets === packets) return;
		pulse.packets = packets;
		pulse.onPackets();
	}
}
