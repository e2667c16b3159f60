/** SETUP's bargain: from a client's offers to the one that the application grants, and the Transport field of the answer. */
import { PenstockError } from "../base/errors.ts";
import { type Pair, readTransports, type Transport } from "../wire/rtsp-transport.ts";
import type { SetUpAnswer, TransportGrant, TransportWish } from "./application.ts";
import type { Channels } from "./channels.ts";

export type SetUpResult =
	| { readonly kind: "granted"; readonly transport: Transport }
	| { readonly kind: "refused"; readonly error: PenstockError; readonly status?: number };

export interface SetUpOrder {
	/** Of the request; undefined where it is missing. */
	readonly field: string | undefined;
	readonly mode: "play" | "record";
	readonly medium: number;
	readonly channels: Channels;
	/** Within TLS nothing goes by UDP, where everybody could read it. */
	readonly isSecure: boolean;
	readonly ask: (wish: TransportWish) => Promise<SetUpAnswer>;
}

/** Tries the offers in the client's order. */
export async function setUp({ field, mode, medium, channels, isSecure, ask }: SetUpOrder): Promise<SetUpResult> {
	const offers = readTransports(field ?? "");
	if (offers.kind === "fault") return { kind: "refused", error: offers.error };
	let why: PenstockError | undefined;
	for (const offer of offers.value) {
		const wish = wishOf(offer, mode);
		if (wish === undefined || (isSecure && wish.kind !== "interleaved")) continue;
		const answer = await ask(wish);
		switch (answer.kind) {
			case "unsupported":
				why ??= answer.error;
				continue;
			case "refused":
				return answer;
			case "granted": {
				const transport = transportOf(answer.grant, offer, medium, channels);
				if (transport !== undefined)
					return { kind: "granted", transport: mode === "record" ? { ...transport, mode } : transport };
			}
		}
	}
	const what = isSecure
		? "RTP/AVP/TCP: within TLS media go on the connection alone"
		: "RTP/AVP;unicast;client_port=… or RTP/AVP/TCP";
	const text = `Transport offers nothing that can be had here for ${mode === "record" ? "publishing" : "playing"}; offer ${what}.`;
	return { kind: "refused", error: why ?? new PenstockError("RTSP_TRANSPORT", text), status: 461 };
}

function wishOf(
	{ lower, cast, clientPorts, mode: offered }: Transport,
	mode: "play" | "record",
): TransportWish | undefined {
	if (offered !== undefined && offered !== mode) return undefined;
	if (lower === "tcp") return { kind: "interleaved" };
	if (cast === "multicast") return mode === "play" ? { kind: "multicast" } : undefined;
	return clientPorts === undefined ? undefined : { kind: "udp", clientPorts };
}

/** @returns undefined where the connection has no channels left */
function transportOf(
	grant: TransportGrant,
	offer: Transport,
	medium: number,
	channels: Channels,
): Transport | undefined {
	switch (grant.kind) {
		case "interleaved": {
			const interleaved = channels.take(medium, offer.interleaved);
			if (interleaved === undefined) return undefined;
			return { lower: "tcp", cast: "unicast", interleaved, ...ssrcOf(grant) };
		}
		case "multicast": {
			const { address: destination, ports, ttl } = grant;
			return { lower: "udp", cast: "multicast", destination, ports, ttl };
		}
		case "udp": {
			const clientPorts: Pair = offer.clientPorts!;
			return { lower: "udp", cast: "unicast", clientPorts, serverPorts: grant.serverPorts, ...ssrcOf(grant) };
		}
	}
}

const ssrcOf = ({ ssrc }: { readonly ssrc?: number }): { readonly ssrc?: number } =>
	ssrc === undefined ? {} : { ssrc };
