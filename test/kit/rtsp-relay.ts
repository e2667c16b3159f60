/**
 * A small application behind the RTSP server, for tests: what a publisher sends goes to all players of the stream, by
 * UDP, to a multicast group or on their connections, through JavaScript. Everything on the loopback.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { TlsOptions } from "node:tls";
import { PenstockError } from "../../src/base/errors.ts";
import type {
	Answer,
	MediaLink,
	MediaSession,
	MediumStart,
	OpenedPlay,
	PacketKind,
	Refused,
	RtspApplication,
	RtspPeer,
	SetUpAnswer,
	StreamName,
	TransportWish,
} from "../../src/rtsp/application.ts";
import { Authenticator, type DigestSecrets } from "../../src/rtsp/authenticator.ts";
import { RtspListener } from "../../src/rtsp/rtsp-listener.ts";
import { DEFAULT_RTSP_SETTINGS, type RtspServerSettings } from "../../src/rtsp/server-settings.ts";
import { nodeClock } from "../../src/server/node-time.ts";
import type { AccessGate, AccessRequest } from "../../src/wire/access.ts";
import type { Pair } from "../../src/wire/rtsp-transport.ts";
import type { SdpSession } from "../../src/wire/sdp.ts";
import { onCleanup } from "./cleanup.ts";

export interface RtspRelayOptions {
	readonly gate?: AccessGate;
	readonly secrets?: DigestSecrets;
	readonly basic?: boolean;
	readonly settings?: Partial<RtspServerSettings>;
	/** Of those that a client may have; all of them where this is left out. */
	readonly transports?: readonly TransportWish["kind"][];
	/** RTSPS. */
	readonly tls?: TlsOptions;
	readonly maxConnections?: number;
	readonly maxConnectionsPerAddress?: number;
}

const LOOPBACK = "127.0.0.1";
const GROUP = "239.255.80.";
const everybody: AccessGate = { ask: async () => ({ kind: "granted", principal: "anybody" }) };
const refused = (code: PenstockError["code"], text: string): Refused => ({
	kind: "refused",
	error: new PenstockError(code, text),
});

export async function startRtspRelay(options: RtspRelayOptions = {}): Promise<RtspRelay> {
	const relay = new RtspRelay(options);
	await relay.listen();
	onCleanup(() => relay.abandon());
	return relay;
}

export class RtspRelay implements RtspApplication {
	/** What the server refused, in order. */
	readonly refusals: PenstockError[] = [];
	/** What the gate was asked. */
	readonly asked: AccessRequest[] = [];
	readonly streams = new Map<string, RelayStream>();
	/** Where packets were sent by UDP. */
	readonly destinations = new Set<string>();
	readonly listener: RtspListener;
	readonly #options: RtspRelayOptions;
	#port = 0;

	/** Use `startRtspRelay`. */
	constructor(options: RtspRelayOptions) {
		this.#options = options;
		const { gate = everybody, secrets, basic = false, settings, maxConnections = 100, tls } = options;
		const clock = nodeClock();
		const watched: AccessGate = {
			ask: (request) => {
				this.asked.push(request);
				return gate.ask(request);
			},
		};
		this.listener = new RtspListener({
			...{ host: LOOPBACK, port: 0, clock, application: this, maxConnections, ...(tls && { tls }) },
			maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? maxConnections,
			authenticator: new Authenticator({ gate: watched, clock, realm: "penstock", basic, ...(secrets && { secrets }) }),
			settings: { ...DEFAULT_RTSP_SETTINGS, ...settings },
			onRefused: (error) => this.refusals.push(error),
		});
	}

	async listen(): Promise<void> {
		this.#port = (await this.listener.listen()).port;
	}

	get port(): number {
		return this.#port;
	}

	/** @param userInfo `user:password` */
	url(path: string, userInfo = ""): string {
		return `rtsp${this.#options.tls === undefined ? "" : "s"}://${userInfo === "" ? "" : `${userInfo}@`}${LOOPBACK}:${this.#port}${path}`;
	}

	stream(path: string): RelayStream | undefined {
		return this.streams.get(path);
	}

	/** Every session's end, in order: undefined for one that went by itself. */
	readonly ends: (PenstockError | undefined)[] = [];

	/** What the gate has said yes to and is over, in order. */
	readonly over: AccessRequest[] = [];

	released(request: AccessRequest): void {
		this.over.push(request);
	}

	allows(wish: TransportWish): boolean {
		return this.#options.transports?.includes(wish.kind) ?? true;
	}

	abandon(): void {
		void this.listener.close(new PenstockError("RTSP_TIMEOUT", "the test is over."));
		for (const stream of this.streams.values()) stream.close(undefined);
	}

	async stop(): Promise<void> {
		await this.listener.close(new PenstockError("RTSP_TIMEOUT", "the test is over."));
	}

	async describe(name: StreamName): Promise<Answer<SdpSession>> {
		const stream = this.streams.get(pathOf(name));
		return stream === undefined ? notThere(name) : { kind: "ok", value: stream.description };
	}

	async announce(
		name: StreamName,
		peer: RtspPeer,
		description: SdpSession,
		link: MediaLink,
	): Promise<Answer<MediaSession>> {
		const path = pathOf(name);
		if (this.streams.has(path)) return refused("PUBLISHER_EXISTS", `${path} has a publisher already.`);
		const stream = new RelayStream(this, path, peer.address, description, link);
		this.streams.set(path, stream);
		return { kind: "ok", value: stream };
	}

	async open(name: StreamName, peer: RtspPeer, link: MediaLink): Promise<Answer<OpenedPlay>> {
		const stream = this.streams.get(pathOf(name));
		if (stream === undefined) return notThere(name);
		return {
			kind: "ok",
			value: { description: stream.description, session: new RelayPlayer(stream, peer.address, link) },
		};
	}
}

const pathOf = ({ app, stream }: StreamName): string => `/${app}/${stream}`;
const notThere = (name: StreamName): Refused => refused("CHANNEL_NOT_FOUND", `no stream at ${pathOf(name)}.`);

/** A port pair: RTP's is even, RTCP's the next. */
interface Sockets {
	readonly rtp: Socket;
	readonly rtcp: Socket;
	readonly ports: { readonly rtp: number; readonly rtcp: number };
}

interface Group {
	readonly address: string;
	readonly ports: Sockets["ports"];
}

function closeSockets({ rtp, rtcp }: Sockets): void {
	rtp.close();
	rtcp.close();
}

async function openSockets(): Promise<Sockets> {
	for (;;) {
		const rtp = createSocket("udp4");
		rtp.bind(0, LOOPBACK);
		await once(rtp, "listening");
		const { port } = rtp.address();
		const rtcp = createSocket("udp4");
		if (port % 2 === 0 && (await bound(rtcp, port + 1))) return { rtp, rtcp, ports: { rtp: port, rtcp: port + 1 } };
		rtp.close();
	}
}

const bound = (socket: Socket, port: number): Promise<boolean> =>
	new Promise((resolve) => {
		socket.once("error", () => resolve(false));
		socket.bind(port, LOOPBACK, () => resolve(true));
	});

/** A publisher's session, and what all players of its stream share. */
export class RelayStream implements MediaSession {
	readonly description: SdpSession;
	readonly players = new Set<RelayPlayer>();
	/** Packets of the publisher, by kind. */
	readonly counts = { rtp: 0, rtcp: 0 };
	/** Packets by UDP of others than the publisher and the players. */
	strangers = 0;
	readonly relay: RtspRelay;
	readonly #path: string;
	readonly #address: string;
	readonly #link: MediaLink;
	readonly #sockets = new Map<number, Promise<Sockets>>();
	readonly #open = new Map<number, Sockets>();
	readonly #groups = new Map<number, Promise<Group>>();
	readonly #clientPorts = new Map<number, Pair>();
	readonly #starts: (MediumStart | undefined)[] = [];
	#recording = false;
	#closed = false;

	constructor(relay: RtspRelay, path: string, address: string, description: SdpSession, link: MediaLink) {
		this.relay = relay;
		this.description = description;
		this.#path = path;
		this.#address = address;
		this.#link = link;
	}

	get isRecording(): boolean {
		return this.#recording;
	}

	async setUp(medium: number, wish: TransportWish): Promise<SetUpAnswer> {
		if (!this.relay.allows(wish) || wish.kind === "multicast") return { kind: "unsupported" };
		if (wish.kind === "interleaved") return { kind: "granted", grant: wish };
		this.#clientPorts.set(medium, wish.clientPorts);
		return { kind: "granted", grant: { kind: "udp", serverPorts: (await this.socketsOf(medium)).ports } };
	}

	async start(): Promise<Answer<readonly MediumStart[]>> {
		this.#recording = true;
		return { kind: "ok", value: [] };
	}

	async pause(): Promise<Answer<undefined>> {
		this.#recording = false;
		return { kind: "ok", value: undefined };
	}

	packet(medium: number, kind: PacketKind, bytes: Uint8Array): void {
		this.#forward(medium, kind, Buffer.from(bytes));
	}

	close(error: PenstockError | undefined): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#recording = false;
		this.relay.ends.push(error);
		if (this.relay.streams.get(this.#path) === this) this.relay.streams.delete(this.#path);
		for (const player of [...this.players])
			player.link.end(new PenstockError("CHANNEL_NOT_READY", `${this.#path} has ended.`));
		for (const sockets of this.#open.values()) closeSockets(sockets);
	}

	/** The server's ports of a medium: packets come in there, and go out from there. */
	socketsOf(medium: number): Promise<Sockets> {
		const known = this.#sockets.get(medium);
		if (known !== undefined) return known;
		const opened = openSockets().then((sockets) => {
			if (this.#closed) {
				closeSockets(sockets);
				return sockets;
			}
			sockets.rtp.on("message", (bytes, from) => this.#datagram(medium, "rtp", bytes, from));
			sockets.rtcp.on("message", (bytes, from) => this.#datagram(medium, "rtcp", bytes, from));
			sockets.rtp.setMulticastInterface(LOOPBACK);
			sockets.rtcp.setMulticastInterface(LOOPBACK);
			this.#open.set(medium, sockets);
			return sockets;
		});
		this.#sockets.set(medium, opened);
		return opened;
	}

	/** Where those listen who have joined the group: at ports that nobody of us has, as we are on the same machine. */
	groupOf(medium: number): Promise<Group> {
		const known = this.#groups.get(medium);
		if (known !== undefined) return known;
		const chosen = openSockets().then((sockets): Group => {
			closeSockets(sockets);
			return { address: `${GROUP}${medium + 1}`, ports: sockets.ports };
		});
		this.#groups.set(medium, chosen);
		return chosen;
	}

	get starts(): readonly MediumStart[] {
		return Array.from(this.#starts, (start) => start ?? {});
	}

	sendTo(medium: number, kind: PacketKind, bytes: Buffer, address: string, port: number): void {
		const sockets = this.#open.get(medium);
		if (sockets === undefined || this.#closed) return;
		this.relay.destinations.add(`${address}:${port}`);
		sockets[kind].send(bytes, port, address);
	}

	#datagram(
		medium: number,
		kind: PacketKind,
		bytes: Buffer,
		{ address, port }: { address: string; port: number },
	): void {
		if (address === this.#address && port === this.#clientPorts.get(medium)?.[kind]) {
			this.#link.alive();
			this.#forward(medium, kind, bytes);
			return;
		}
		const player = [...this.players].find((one) => one.address === address && one.portOf(medium, kind) === port);
		if (player === undefined) this.strangers++;
		else player.link.alive();
	}

	#forward(medium: number, kind: PacketKind, bytes: Buffer): void {
		if (!this.#recording) return;
		this.counts[kind]++;
		if (kind === "rtp" && bytes.length >= 12) {
			this.#starts[medium] = { sequence: bytes.readUInt16BE(2) + 1, rtpTime: bytes.readUInt32BE(4) };
		}
		let isGroupServed = false;
		for (const player of this.players) {
			const toGroup = player.isOfGroup(medium);
			if (toGroup && isGroupServed) continue;
			isGroupServed ||= toGroup;
			player.give(medium, kind, bytes);
		}
	}
}

export class RelayPlayer implements MediaSession {
	readonly address: string;
	readonly link: MediaLink;
	/** Packets that came from the player on its connection. */
	received = 0;
	readonly #stream: RelayStream;
	readonly #wishes = new Map<number, TransportWish>();

	constructor(stream: RelayStream, address: string, link: MediaLink) {
		this.#stream = stream;
		this.address = address;
		this.link = link;
	}

	portOf(medium: number, kind: PacketKind): number | undefined {
		const wish = this.#wishes.get(medium);
		return wish?.kind === "udp" ? wish.clientPorts[kind] : undefined;
	}

	isOfGroup(medium: number): boolean {
		return this.#wishes.get(medium)?.kind === "multicast";
	}

	async setUp(medium: number, wish: TransportWish): Promise<SetUpAnswer> {
		if (!this.#stream.relay.allows(wish)) return { kind: "unsupported" };
		this.#wishes.set(medium, wish);
		if (wish.kind === "interleaved") return { kind: "granted", grant: wish };
		const { ports } = await this.#stream.socketsOf(medium);
		if (wish.kind === "udp") return { kind: "granted", grant: { kind: "udp", serverPorts: ports } };
		return { kind: "granted", grant: { kind: "multicast", ...(await this.#stream.groupOf(medium)), ttl: 1 } };
	}

	async start(): Promise<Answer<readonly MediumStart[]>> {
		this.#stream.players.add(this);
		return { kind: "ok", value: this.#stream.starts };
	}

	async pause(): Promise<Answer<undefined>> {
		this.#stream.players.delete(this);
		return { kind: "ok", value: undefined };
	}

	packet(): void {
		this.received++;
	}

	close(error: PenstockError | undefined): void {
		this.#stream.players.delete(this);
		this.#stream.relay.ends.push(error);
	}

	give(medium: number, kind: PacketKind, bytes: Buffer): void {
		const wish = this.#wishes.get(medium);
		switch (wish?.kind) {
			case "interleaved":
				this.link.send(medium, kind, bytes);
				return;
			case "udp": {
				const port = wish.clientPorts[kind];
				if (port !== undefined) this.#stream.sendTo(medium, kind, bytes, this.address, port);
				return;
			}
			case "multicast":
				void this.#stream.groupOf(medium).then(({ address, ports }) => {
					this.#stream.sendTo(medium, kind, bytes, address, ports[kind]);
				});
				return;
			case undefined:
		}
	}
}
