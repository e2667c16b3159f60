/**
 * A stream on its way through: who brings it, its media, and who gets them. It lasts as long as it is brought; at its
 * end its players are told so, each in its own way.
 */
import { PenstockError } from "../../base/errors.ts";
import type { SdpSession } from "../../wire/sdp.ts";
import { type Farewell, sayGoodBye } from "./good-bye.ts";
import type { MediumFlow } from "./medium-flow.ts";
import type { UdpReceiver } from "./rule-pair.ts";
import { StreamGroup, type StreamGroupParts } from "./stream-group.ts";

/** One who gets a stream. */
export interface StreamPlayer {
	/** By UDP and now: of each medium that it has so. */
	readonly receivers: readonly (readonly [number, UdpReceiver])[];
	/** The stream is gone. */
	end(error: PenstockError): void;
}

export interface RelayedStreamParts {
	/** `app/stream` */
	readonly label: string;
	readonly description: SdpSession;
	/** By medium, in the description's order. */
	readonly flows: readonly MediumFlow[];
	/** Undefined: nothing goes to groups. */
	readonly multicast: StreamGroupParts | undefined;
}

export class RelayedStream {
	readonly label: string;
	readonly description: SdpSession;
	readonly flows: readonly MediumFlow[];
	readonly group: StreamGroup | undefined;
	readonly players = new Set<StreamPlayer>();

	constructor({ label, description, flows, multicast }: RelayedStreamParts) {
		this.label = label;
		this.description = description;
		this.flows = flows;
		this.group = multicast && new StreamGroup(multicast);
	}

	/** Nothing more comes. */
	end(why: string): void {
		this.sayGoodBye([...[...this.players].flatMap((player) => player.receivers), ...(this.group?.receivers ?? [])]);
		for (const player of [...this.players]) {
			player.end(new PenstockError("CHANNEL_NOT_READY", `${this.label}: ${why}.`));
		}
		this.players.clear();
		this.group?.close();
		for (const flow of this.flows) flow.close();
	}

	/** To those who get it by UDP, by medium. Where nobody knows the source, nobody can be told that it goes. */
	sayGoodBye(receivers: readonly (readonly [number, UdpReceiver])[]): void {
		const farewells = receivers.flatMap(([medium, { address, ports, ttl }]): Farewell[] => {
			const ssrc = this.flows[medium]?.ssrc;
			if (ports.rtcp === undefined || ssrc === undefined) return [];
			return [{ ssrc, address, port: ports.rtcp, ...(ttl !== undefined && { ttl }) }];
		});
		sayGoodBye(farewells);
	}
}
