/**
 * A medium whose packets are in this process: its publisher's connection brings them, or they are made here. Who listens
 * gets them in the same tick; for players by UDP they are sent, once, to a pair of rules on the loopback, whose engine
 * copies them and holds them to the same limits as everybody's.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { messageOf, PenstockError } from "../../base/errors.ts";
import type { ReceptionMeter } from "../../media/rtp/reception-meter.ts";
import type { ReportBlock } from "../../media/rtp/rtcp.ts";
import type { MediumStart, PacketKind } from "../../rtsp/application.ts";
import type { Traffic } from "../../wire/distributor-answer.ts";
import type { MediumFlow, PacketListener } from "./medium-flow.ts";
import { PacketNotes } from "./packet-notes.ts";
import type { MediaPorts } from "./port-pairs.ts";
import { KINDS, type RulePair, type UdpReceiver } from "./rule-pair.ts";

const LOOPBACK = "127.0.0.1";
/** Packets that the kernel has not taken yet; more are left out. */
const MOST_IN_FLIGHT = 1024;

export type OpenPair = (source: {
	readonly address: string;
	readonly ports: MediaPorts;
}) => Promise<RulePair | PenstockError>;

interface Fed {
	readonly pair: RulePair;
	readonly sockets: Readonly<Record<PacketKind, Socket>>;
}

export class FedFlow implements MediumFlow {
	readonly #open: OpenPair | undefined;
	readonly #listeners = new Set<PacketListener>();
	readonly #notes: PacketNotes;
	#opening: Promise<Fed | PenstockError> | undefined;
	#fed: Fed | undefined;
	#inFlight = 0;
	#closed = false;
	/** Packets that were not handed to the engine. */
	dropped = 0;

	/**
	 * @param open makes the pair that takes packets of these ports; undefined where nobody may have them by UDP
	 * @param meter undefined where packets are made here, so that nobody is to be told how they come
	 */
	constructor(open: OpenPair | undefined, meter: ReceptionMeter | undefined) {
		this.#open = open;
		this.#notes = new PacketNotes(meter);
	}

	/** To everybody. @param bytes not kept */
	push(kind: PacketKind, bytes: Uint8Array): void {
		this.#notes.note(bytes);
		for (const listener of this.#listeners) listener(kind, bytes);
		if (this.#fed?.pair.hasReceivers === true) this.#feed(this.#fed, kind, bytes);
	}

	async ports(): Promise<MediaPorts | PenstockError> {
		this.#opening ??= this.#openFeed();
		const fed = await this.#opening;
		if (!(fed instanceof PenstockError)) return fed.pair.ports;
		this.#opening = undefined;
		return fed;
	}

	hindrance(receiver: UdpReceiver): PenstockError | undefined {
		return this.#fed?.pair.hindrance(receiver);
	}

	async add(receiver: UdpReceiver): Promise<PenstockError | undefined> {
		return await this.#fed?.pair.add(receiver);
	}

	remove(receiver: UdpReceiver): void {
		this.#fed?.pair.remove(receiver);
	}

	async sent(receiver: UdpReceiver): Promise<Traffic | undefined> {
		return await this.#fed?.pair.sent(receiver);
	}

	listen(listener: PacketListener): () => void {
		this.#listeners.add(listener);
		return () => void this.#listeners.delete(listener);
	}

	get next(): MediumStart {
		return this.#notes.next;
	}

	get ssrc(): number | undefined {
		return this.#notes.ssrc;
	}

	/** For a report to its sender that goes out now. */
	takeBlock(): ReportBlock | undefined {
		return this.#notes.takeBlock();
	}

	close(): void {
		this.#closed = true;
		this.#listeners.clear();
		if (this.#fed !== undefined) release(this.#fed);
		this.#fed = undefined;
	}

	async #openFeed(): Promise<Fed | PenstockError> {
		if (this.#open === undefined) return new PenstockError("RTSP_TRANSPORT", "media go on the connection alone here.");
		const sockets = { rtp: createSocket("udp4"), rtcp: createSocket("udp4") };
		const ports = await bound(sockets).catch((thrown: unknown) => {
			return new PenstockError("RTSP_TRANSPORT", `no UDP port of the loopback can be had: ${messageOf(thrown)}.`);
		});
		const pair = ports instanceof PenstockError ? ports : await this.#open({ address: LOOPBACK, ports });
		if (pair instanceof PenstockError) {
			closeAll(sockets);
			return pair;
		}
		await connected(sockets, pair.ports);
		const fed = { pair, sockets };
		if (this.#closed) release(fed);
		else this.#fed = fed;
		return fed;
	}

	#feed({ sockets }: Fed, kind: PacketKind, bytes: Uint8Array): void {
		if (this.#inFlight >= MOST_IN_FLIGHT) {
			this.dropped++;
			return;
		}
		this.#inFlight++;
		// Copied, for Node.js sends it when the caller may have something else there.
		sockets[kind].send(bytes.slice(), (error) => {
			this.#inFlight--;
			if (error !== null) this.dropped++;
		});
	}
}

async function bound(sockets: Fed["sockets"]): Promise<MediaPorts> {
	for (const kind of KINDS) {
		sockets[kind].bind({ address: LOOPBACK, port: 0, exclusive: true });
		await once(sockets[kind], "listening");
		sockets[kind].on("error", () => undefined);
	}
	return { rtp: sockets.rtp.address().port, rtcp: sockets.rtcp.address().port };
}

/** Node.js asks a resolver for every packet of a socket that is not. */
async function connected(sockets: Fed["sockets"], ports: MediaPorts): Promise<void> {
	for (const kind of KINDS) {
		sockets[kind].connect(ports[kind], LOOPBACK);
		await once(sockets[kind], "connect");
	}
}

function release({ pair, sockets }: Fed): void {
	pair.close();
	closeAll(sockets);
}

function closeAll(sockets: Fed["sockets"]): void {
	for (const kind of KINDS) sockets[kind].close();
}
