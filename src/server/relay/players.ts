/**
 * RTSP's players: each has a place among all who watch, from its first SETUP to its end, whichever way its media go; the
 * operator sees them, and may end them.
 */
import type { Clock } from "../../base/clock.ts";
import { PenstockError } from "../../base/errors.ts";
import type { EpochMs } from "../../base/units.ts";
import type { MediaLink, RtspPeer } from "../../rtsp/application.ts";
import type { PlayerList, PlayerSnapshot, PlayersModel } from "../api-players-model.ts";
import type { ViewersQuery } from "../api-requests.ts";
import type { Log } from "../log.ts";
import { RelayPlayer } from "./relay-player.ts";
import type { RelayedStream } from "./relayed-stream.ts";

export interface PlayersParts {
	/** Of all who watch, by HTTP and by RTSP. */
	readonly places: {
		/** @returns gives the place back. @throws PenstockError VIEWERS_LIMIT */
		reserve(): () => void;
	};
	readonly clock: Clock;
	readonly log: Log;
	/** There is no room for another receiver. */
	readonly onFault: (error: PenstockError) => void;
}

/** Who wants to play, and has a place. */
export interface Newcomer {
	readonly stream: RelayedStream;
	readonly peer: RtspPeer;
	readonly link: MediaLink;
	/** It has gone; its place is given back before. */
	readonly onLeft: () => void;
}

interface Present {
	readonly player: RelayPlayer;
	readonly stream: RelayedStream;
	readonly peer: RtspPeer;
	readonly since: EpochMs;
}

export class Players implements PlayersModel {
	readonly #parts: PlayersParts;
	/** By the connection's id, which has one session at a time. */
	readonly #present = new Map<string, Present>();
	readonly #left = new Map<string, number>();

	constructor(parts: PlayersParts) {
		this.#parts = parts;
	}

	get size(): number {
		return this.#present.size;
	}

	/** Takes a place for a player that has yet to get its stream. @returns gives it back; idempotent */
	reserve(): (() => void) | PenstockError {
		try {
			return this.#parts.places.reserve();
		} catch (thrown) {
			if (thrown instanceof PenstockError) return thrown;
			throw thrown;
		}
	}

	/** @param release of its place */
	join({ stream, peer, link, onLeft }: Newcomer, release: () => void): RelayPlayer {
		const { clock, log, onFault } = this.#parts;
		const { clientId, address, principal, request } = peer;
		const fields = { player: clientId, channel: stream.label, protocol: request.protocol, address, principal };
		const onClose = (error: PenstockError | undefined): void => {
			release();
			this.#present.delete(clientId);
			const reason = error?.code ?? "closed";
			this.#left.set(reason, (this.#left.get(reason) ?? 0) + 1);
			const why = error === undefined ? {} : { code: error.code, why: error.message };
			log.info({ ...fields, ...why }, "player left");
			onLeft();
		};
		const player = new RelayPlayer({ stream, peer, link, onFault, onClose });
		this.#present.set(clientId, { player, stream, peer, since: clock.wall() });
		log.info(fields, "player joined");
		return player;
	}

	async list({ channel, limit, offset = 0 }: ViewersQuery): Promise<PlayerList> {
		const fitting = [...this.#present.values()].filter(
			({ stream }) => channel === undefined || channel === stream.label,
		);
		const some = fitting.slice(offset, limit === undefined ? undefined : offset + limit);
		return { players: await Promise.all(some.map(snapshotOf)), total: fitting.length };
	}

	async one(id: string): Promise<PlayerSnapshot | undefined> {
		const present = this.#present.get(id);
		return present && (await snapshotOf(present));
	}

	kick(id: string): boolean {
		const present = this.#present.get(id);
		present?.player.dismiss(new PenstockError("PLAYER_KICKED", "the session was ended by the operator."));
		return present !== undefined;
	}

	left(): { readonly reason: string; readonly count: number }[] {
		return [...this.#left].map(([reason, count]) => ({ reason, count }));
	}
}

async function snapshotOf({ player, stream, peer, since }: Present): Promise<PlayerSnapshot> {
	return {
		id: peer.clientId,
		channel: stream.label,
		remoteAddress: peer.address,
		principal: peer.principal,
		since: new Date(since).toISOString(),
		playing: player.isPlaying,
		media: await player.media(),
	};
}
