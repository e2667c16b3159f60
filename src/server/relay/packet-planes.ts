/**
 * Which engine carries a stream's packets. The configured one wherever it takes them; one of this machine's sockets for
 * the rest: where none is configured, for what comes to an address that is no port of DPDK's, and for packets that come
 * from this process while the configured one is DPDK. That one is started when it is first wanted.
 */
import type { Clock } from "../../base/clock.ts";
import { DEFAULT_LIMITS } from "../../distribution/rule-limits.ts";
import type { DistributionConfig } from "../config-distribution.ts";
import { DistributionHost, type DistributionHostParts } from "../distribution-host.ts";
import { PacketPlane } from "./packet-plane.ts";

export interface PacketPlanesParts extends Omit<DistributionHostParts, "config"> {
	/** Undefined: none is configured. */
	readonly configured: DistributionHost | undefined;
}

interface OwnPlane {
	readonly host: DistributionHost;
	readonly plane: Promise<PacketPlane>;
}

export class PacketPlanes {
	readonly #parts: PacketPlanesParts;
	readonly #clock: Clock;
	#configured: PacketPlane | undefined;
	#own: OwnPlane | undefined;

	constructor(parts: PacketPlanesParts) {
		this.#parts = parts;
		this.#clock = parts.clock;
	}

	/**
	 * For packets that come to an address of this machine.
	 * @throws PenstockError ENGINE_UNAVAILABLE
	 */
	async planeFor(address: string): Promise<PacketPlane> {
		const plane = this.#whenConfigured();
		return plane?.takes(address) === true ? plane : await this.#ownPlane();
	}

	/**
	 * For packets that this process sends.
	 * @throws PenstockError ENGINE_UNAVAILABLE
	 */
	async planeFromProcess(): Promise<PacketPlane> {
		const plane = this.#whenConfigured();
		return plane?.takesFromProcess === true ? plane : await this.#ownPlane();
	}

	async stop(): Promise<void> {
		await this.#own?.host.stop();
		this.#own = undefined;
	}

	#whenConfigured(): PacketPlane | undefined {
		const { configured } = this.#parts;
		if (configured === undefined) return undefined;
		this.#configured ??= new PacketPlane(configured, this.#clock);
		return this.#configured;
	}

	async #ownPlane(): Promise<PacketPlane> {
		this.#own ??= this.#startOwn();
		try {
			return await this.#own.plane;
		} catch (thrown) {
			this.#own = undefined;
			throw thrown;
		}
	}

	#startOwn(): OwnPlane {
		const host = new DistributionHost({ ...this.#parts, config: ownConfig(this.#parts.configured?.config) });
		return { host, plane: host.start().then(() => new PacketPlane(host, this.#clock)) };
	}
}

/** As the configured one's, as far as sockets go. */
function ownConfig(configured: DistributionConfig | undefined): DistributionConfig {
	const distributor = configured?.distributor;
	const path = distributor !== undefined && "path" in distributor ? distributor.path : undefined;
	return {
		engine: "auto",
		distributor: { path, arguments: [], device: undefined, backend: undefined },
		...{ rules: [], rulesFile: undefined, stateFile: undefined },
		limits: configured?.limits ?? DEFAULT_LIMITS,
	};
}
