/**
 * RTP that comes by UDP to ports of this machine, or to groups, as a session description says: from datagrams to access
 * units, without FFmpeg. Behaves as a publisher does: who is heard has come, who is silent for too long has left.
 * Whoever can send to the ports can be seen, unless the description names the senders.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import type { Clock, Timer } from "../../base/clock.ts";
import { messageOf, PenstockError } from "../../base/errors.ts";
import type { Milliseconds } from "../../base/units.ts";
import { RtpSession } from "../../media/rtp/session.ts";
import type { RtpStream, RtpStreamCounts } from "../../media/rtp/stream.ts";
import type { StreamSink } from "../../media/stream-reader.ts";
import { type DescribedMedium, describedMedia } from "./described-session.ts";

export interface RtpReceiverOptions {
	/** The session description's path. */
	readonly file: string;
	/** The address of this machine at which groups are joined; undefined: as the kernel thinks. */
	readonly localAddress: string | undefined;
	readonly clock: Clock;
	/** A sender that is silent for so long has left. */
	readonly silence: Milliseconds;
	/** Somebody is heard: where it goes. */
	readonly open: () => StreamSink & { end(because: PenstockError): void };
	/** Why nothing can come just now. */
	readonly onTrouble: (error: PenstockError) => void;
}

export interface ReceivedMedium {
	readonly kind: string;
	readonly counts: RtpStreamCounts;
}

/** Before a description that is wrong, or a port that is taken, is tried again. */
const RETRY_MS = 5000;
const CHECK_MS = 250;
/** The kernel gives what net.core.rmem_max allows. */
const RECEIVE_BUFFER_BYTES = 2 * 1024 * 1024;

interface Listening {
	readonly media: readonly DescribedMedium[];
	readonly sockets: readonly Socket[];
}

export class RtpReceiver {
	readonly #options: RtpReceiverOptions;
	#session: Session | undefined;
	#sockets: readonly Socket[] = [];
	#going = 0;
	#starting: Promise<void> = Promise.resolve();
	#timer: Timer | undefined;
	#trouble: PenstockError | undefined;
	/** Of senders that have left. */
	#past: readonly ReceivedMedium[] = [];

	constructor(options: RtpReceiverOptions) {
		this.#options = options;
	}

	get trouble(): PenstockError | undefined {
		return this.#trouble;
	}

	/** What has come since the start, by medium. */
	get counts(): readonly ReceivedMedium[] {
		return added(this.#past, this.#session?.counts ?? []);
	}

	start(): void {
		const going = ++this.#going;
		this.#starting = this.#open(going).catch((thrown: unknown) => {
			if (going !== this.#going) return;
			this.#trouble =
				thrown instanceof PenstockError
					? thrown
					: new PenstockError("SOURCE_UNREACHABLE", `${this.#options.file}: ${messageOf(thrown)}.`, { cause: thrown });
			this.#options.onTrouble(this.#trouble);
			this.#timer = this.#options.clock.after(RETRY_MS, () => this.start());
		});
	}

	async stop(): Promise<void> {
		this.#going++;
		this.#timer?.cancel();
		await this.#starting;
		for (const socket of this.#sockets) socket.close();
		this.#sockets = [];
		this.#end(new PenstockError("SOURCE_UNREACHABLE", "nobody wants it any more."));
		this.#trouble = undefined;
	}

	async #open(going: number): Promise<void> {
		const { media, sockets } = await this.#listen();
		if (going !== this.#going) {
			for (const socket of sockets) socket.close();
			return;
		}
		this.#sockets = sockets;
		this.#trouble = undefined;
		this.#begin(media);
		this.#watch(media);
	}

	async #listen(): Promise<Listening> {
		const { file, localAddress } = this.#options;
		const media = describedMedia(await readDescription(file), file);
		// What cannot be read is told before any port is taken.
		new Session(media, this.#options);
		const sockets: Socket[] = [];
		try {
			for (const [index, medium] of media.entries()) {
				for (const port of new Set([medium.port, medium.rtcpPort])) {
					const socket = await listenAt(medium, port, { file, localAddress });
					sockets.push(socket);
					socket.on("message", (datagram, { address }) => {
						if (isWanted(medium, address)) this.#session?.push(index, datagram);
					});
					socket.on("error", (error) => this.#options.onTrouble(cannotListen(file, medium, port, error)));
				}
			}
		} catch (thrown) {
			for (const socket of sockets) socket.close();
			throw thrown;
		}
		return { media, sockets };
	}

	#begin(media: readonly DescribedMedium[]): void {
		this.#session = new Session(media, this.#options);
	}

	#watch(media: readonly DescribedMedium[]): void {
		const { clock, silence, file } = this.#options;
		this.#timer = clock.after(CHECK_MS, () => {
			const lastAt = this.#session?.lastAt;
			if (lastAt !== undefined && clock.now() - lastAt > silence) {
				const text = `nothing came for ${silence} ms to the ports that ${file} names; it is waited for.`;
				this.#end(new PenstockError("SOURCE_UNREACHABLE", text));
				this.#begin(media);
			}
			this.#watch(media);
		});
	}

	#end(because: PenstockError): void {
		const session = this.#session;
		if (session === undefined) return;
		this.#session = undefined;
		session.end(because);
		this.#past = added(this.#past, session.counts);
	}
}

/** One sender, from its first packet to its silence. */
class Session {
	readonly #media: readonly DescribedMedium[];
	readonly #options: RtpReceiverOptions;
	readonly #rtp: RtpSession;
	readonly #streams: readonly RtpStream[];
	#sink: ReturnType<RtpReceiverOptions["open"]> | undefined;
	lastAt: Milliseconds | undefined;

	/** @throws PenstockError STREAM_UNSUPPORTED */
	constructor(media: readonly DescribedMedium[], options: RtpReceiverOptions) {
		this.#media = media;
		this.#options = options;
		const opened = (): ReturnType<RtpReceiverOptions["open"]> => (this.#sink ??= options.open());
		this.#rtp = new RtpSession(options.clock, {
			accessUnit: (accessUnit) => opened().accessUnit(accessUnit),
			decodeInformation: (decode) => opened().decodeInformation?.(decode),
			fault: (error) => opened().fault?.(error),
		});
		this.#streams = media.map(({ payload }) => {
			const stream = this.#rtp.add(payload);
			if (stream instanceof PenstockError) throw stream;
			return stream;
		});
	}

	get counts(): readonly ReceivedMedium[] {
		return this.#streams.map(({ counts }, index) => ({ kind: this.#media[index]!.kind, counts }));
	}

	push(medium: number, datagram: Uint8Array): void {
		this.lastAt = this.#options.clock.now();
		this.#rtp.push(this.#streams[medium]!, datagram);
	}

	end(because: PenstockError): void {
		this.#rtp.end();
		this.#sink?.end(because);
	}
}

async function readDescription(file: string): Promise<Uint8Array> {
	try {
		return await readFile(file);
	} catch (thrown) {
		const text = `the session description ${file} cannot be read: ${messageOf(thrown)}.`;
		throw new PenstockError("SOURCE_UNREACHABLE", text, { cause: thrown });
	}
}

const isGroup = (address: string): boolean =>
	isIPv6(address) ? /^ff/i.test(address) : /^2(2[4-9]|3\d)\./.test(address);

/** @throws PenstockError SOURCE_UNREACHABLE */
async function listenAt(
	medium: DescribedMedium,
	port: number,
	{ file, localAddress }: Pick<RtpReceiverOptions, "file" | "localAddress">,
): Promise<Socket> {
	const { address, sources } = medium;
	const type = isIPv6(address) ? "udp6" : "udp4";
	const socket = createSocket({ type, reuseAddr: isGroup(address), recvBufferSize: RECEIVE_BUFFER_BYTES });
	try {
		// Bound to the group, a socket gets what goes to it, and nothing else that comes to the port.
		socket.bind({ address, port, exclusive: !isGroup(address) });
		await once(socket, "listening");
		if (!isGroup(address)) return socket;
		if (sources.length === 0) socket.addMembership(address, localAddress);
		for (const source of sources) socket.addSourceSpecificMembership(source, address, localAddress);
		return socket;
	} catch (thrown) {
		socket.close();
		throw cannotListen(file, medium, port, thrown);
	}
}

const isWanted = ({ sources }: DescribedMedium, address: string): boolean =>
	sources.length === 0 || sources.includes(address);

const cannotListen = (file: string, { address }: DescribedMedium, port: number, thrown: unknown): PenstockError => {
	const text = `cannot listen at ${address}, UDP port ${port}, as ${file} says: ${messageOf(thrown)}; its c= must be an address of this machine or a group, and the port free.`;
	return new PenstockError("SOURCE_UNREACHABLE", text, { cause: thrown });
};

/** Counts of the same media one after the other. */
function added(past: readonly ReceivedMedium[], more: readonly ReceivedMedium[]): readonly ReceivedMedium[] {
	if (past.length === 0 || more.length === 0) return past.length === 0 ? more : past;
	return more.map(({ kind, counts }, index) => {
		const before = past[index]?.counts;
		const sum = Object.entries(counts).map(([key, value]) => [
			key,
			value + (before?.[key as keyof RtpStreamCounts] ?? 0),
		]);
		return { kind, counts: Object.fromEntries(sum) as RtpStreamCounts };
	});
}
