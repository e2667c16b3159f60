/**
 * What the RTSP server asks of those who have the streams. It speaks RTSP and knows nothing of packets: whether they go
 * by rules of the distribution plane, by sockets or through this connection is the application's to say.
 *
 * A medium over UDP is a rule: `setUp` of a publisher gives the port pair that the rule takes packets at, from the one
 * address and ports of the wish; `setUp` of a player gives the port pair that packets will come from, and `start` adds
 * the receiver, `pause` and `close` take it away. There is no other address in a wish than that of the client's
 * connection, so that nobody can have packets sent to somebody else (SEC9). Media on the connection go the same way:
 * `packet` brings them in, `MediaLink.send` takes them out.
 */
import type { PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import type { AccessRequest } from "../wire/access.ts";
import type { Pair } from "../wire/rtsp-transport.ts";
import type { SdpSession } from "../wire/sdp.ts";

export interface StreamName {
	readonly app: Name;
	readonly stream: Name;
}

/** Who asks, after the gate has let him. */
export interface RtspPeer {
	/** Of the connection's other end. */
	readonly address: string;
	/** The address that the connection came to: where a client finds the server's ports. */
	readonly localAddress: string;
	readonly principal: string;
	/** For logs, hooks and the API: not what the client has as its session. */
	readonly clientId: string;
	/** What the gate was asked, and by which it knows the session. */
	readonly request: AccessRequest;
}

export type Refused = { readonly kind: "refused"; readonly error: PenstockError };
export type Answer<Value> = { readonly kind: "ok"; readonly value: Value } | Refused;

/** How a client would have one medium; media of a session may differ. */
export type TransportWish =
	/** `clientPorts` belong to the peer's own address. */
	| { readonly kind: "udp"; readonly clientPorts: Pair }
	| { readonly kind: "multicast" }
	| { readonly kind: "interleaved" };

/** How it has it. */
export type TransportGrant =
	| { readonly kind: "udp"; readonly serverPorts: Pair; readonly ssrc?: number }
	| { readonly kind: "multicast"; readonly address: string; readonly ports: Pair; readonly ttl: number }
	| { readonly kind: "interleaved"; readonly ssrc?: number };

export type SetUpAnswer =
	| { readonly kind: "granted"; readonly grant: TransportGrant }
	/**
	 * Not in this way: the client's next offer is tried, else it is answered 461, upon which clients try another by
	 * themselves. Also where media may not be sent to the client's address: at a 463 they give up.
	 */
	| { readonly kind: "unsupported"; readonly error?: PenstockError }
	| Refused;

/** Where a medium begins, as far as it is known: RTP-Info. */
export interface MediumStart {
	readonly sequence?: number;
	readonly rtpTime?: number;
}

export type PacketKind = "rtp" | "rtcp";

/** What a media session has of its connection. */
export interface MediaLink {
	/**
	 * A packet of an interleaved medium, to the client.
	 * @returns false where it was left out, because the client does not read what it was sent
	 */
	send(medium: number, kind: PacketKind, packet: Uint8Array): boolean;
	/** Bytes that wait to be sent to the client. */
	readonly queuedBytes: number;
	/** The client lives: packets of it came by UDP (RTP of a publisher, RTCP of a player). */
	alive(): void;
	/** Ends the session and its connection: the stream is gone, an operator wills it. */
	end(error: PenstockError): void;
}

/** A publisher's or a player's session with the application. Calls come one after the other. */
export interface MediaSession {
	/** @param medium its place in the description */
	setUp(medium: number, wish: TransportWish): Promise<SetUpAnswer>;
	/** RECORD or PLAY; also behind `pause`. By media; an empty list where nothing is known. */
	start(): Promise<Answer<readonly MediumStart[]>>;
	pause(): Promise<Answer<undefined>>;
	/** What came on the connection. @param bytes valid during the call */
	packet(medium: number, kind: PacketKind, bytes: Uint8Array): void;
	/** Once, whatever happened; nothing is called behind it. @param error undefined where the client went by itself */
	close(error: PenstockError | undefined): void;
}

export interface OpenedPlay {
	readonly description: SdpSession;
	readonly session: MediaSession;
}

export interface RtspApplication {
	/** What a stream is; the controls of its media are the server's to give. */
	describe(stream: StreamName, peer: RtspPeer): Promise<Answer<SdpSession>>;
	/**
	 * A publisher's ANNOUNCE: takes the stream's name for it, or says who has it. What the gate said yes to is the
	 * application's from then on, whatever the answer.
	 */
	announce(stream: StreamName, peer: RtspPeer, description: SdpSession, link: MediaLink): Promise<Answer<MediaSession>>;
	/** Nothing goes on, and nothing more comes, by what the gate said yes to: no session, or none any more. Once. */
	released(request: AccessRequest): void;
	/** A player's first SETUP. */
	open(stream: StreamName, peer: RtspPeer, link: MediaLink): Promise<Answer<OpenedPlay>>;
}
