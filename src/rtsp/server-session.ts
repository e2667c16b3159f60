/**
 * A session of a connection: one publisher or one player of one stream (RFC 2326, appendix A.2). It turns methods into
 * calls of the application's `MediaSession`, and the connection's channels into media. Its id is 128 random bits, and
 * good on its own connection alone (SEC4).
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";
import type { Verb } from "../wire/access.ts";
import { readSession, writeRtpInfo, writeSession } from "../wire/rtsp-fields.ts";
import { MOST_PACKET_BYTES, type RtspRequest, type WrittenHeader, writePacket } from "../wire/rtsp-message.ts";
import type { RtspTarget } from "../wire/rtsp-target.ts";
import { writeTransport } from "../wire/rtsp-transport.ts";
import type { MediaLink, MediaSession, PacketKind } from "./application.ts";
import { Channels } from "./channels.ts";
import type { ConnectionOutput } from "./connection-output.ts";
import { mediumOf } from "./controls.ts";
import { sameSecret } from "./digest.ts";
import { ok, type Reply, refusal } from "./reply.ts";
import { setUp } from "./set-up.ts";

export interface SessionParts {
	readonly clock: Clock;
	readonly output: ConnectionOutput;
	readonly role: Verb;
	/** Of the stream, as it was asked for. */
	readonly target: RtspTarget;
	readonly timeoutS: number;
	/** Media go on the connection alone. */
	readonly isSecure: boolean;
	/** More than this waits to be sent: packets are left out. */
	readonly maxQueuedBytes: number;
	/** Media may come on the connection from now on. */
	readonly onInterleaved: () => void;
	readonly onEnd: (error: PenstockError) => void;
}

export class ServerSession implements MediaLink {
	readonly role: Verb;
	readonly target: RtspTarget;
	/** When media of the client, or a sign of it, was last seen. */
	lastMediaAt: Milliseconds;
	/** Packets left out because the client does not read, and packets of channels that stand for nothing. */
	dropped = 0;
	strays = 0;
	readonly #parts: SessionParts;
	readonly #id = randomBytes(16).toString("hex");
	readonly #channels = new Channels();
	readonly #taken = new Set<number>();
	#media: MediaSession | undefined;
	#controls: readonly string[] = [];
	#state: "ready" | "flowing" | "closed" = "ready";
	/** Packets that come before the answer to PLAY is written, which goes first. */
	#waiting: Uint8Array[] | undefined;
	#waitingBytes = 0;
	#stalledSince: Milliseconds | undefined;

	constructor(parts: SessionParts) {
		this.#parts = parts;
		this.role = parts.role;
		this.target = parts.target;
		this.lastMediaAt = parts.clock.now();
	}

	/** The application has taken it. @param controls of its media, in their order */
	attach(media: MediaSession, controls: readonly string[]): void {
		this.#media = media;
		this.#controls = controls;
	}

	/** Since when packets are left out; undefined where the client has read what it was sent, also since nothing more was. */
	get stalledSince(): Milliseconds | undefined {
		return this.queuedBytes > this.#parts.maxQueuedBytes ? this.#stalledSince : undefined;
	}

	get isFlowing(): boolean {
		return this.#state === "flowing";
	}

	get header(): WrittenHeader {
		return ["Session", writeSession({ id: this.#id, timeoutS: this.#parts.timeoutS })];
	}

	/** Whether a request names this session. */
	isNamedBy(request: RtspRequest): boolean {
		const field = readSession(request.headers.get("session"));
		return field !== undefined && sameSecret(field.id, this.#id);
	}

	async setUp(request: RtspRequest, target: RtspTarget): Promise<Reply> {
		const medium = mediumOf(target, this.#controls);
		if (typeof medium !== "number") return refusal(medium, medium.code === "RTSP_METHOD" ? 459 : 404, this.header);
		if (this.#taken.has(medium) || this.#state !== "ready") {
			return this.#notNow(`track ${medium} of the session is set up already`);
		}
		const result = await setUp({
			mode: this.role === "publish" ? "record" : "play",
			...{ medium, field: request.headers.get("transport"), channels: this.#channels },
			isSecure: this.#parts.isSecure,
			ask: (wish) => this.#media!.setUp(medium, wish),
		});
		if (result.kind === "refused") return refusal(result.error, result.status, this.header);
		this.#taken.add(medium);
		if (this.#channels.size > 0) this.#parts.onInterleaved();
		return ok(this.header, ["Transport", writeTransport(result.transport)]);
	}

	/** RECORD or PLAY. @param role that the method is of */
	async start(role: Verb, target: RtspTarget): Promise<Reply> {
		if (role !== this.role || this.#taken.size === 0) return this.#notNow("it has nothing set up for this");
		if (!this.#isWhole(target)) return this.#onlyWhole();
		if (this.isFlowing) return this.#startReply([]);
		this.#waiting = [];
		const answer = await this.#media!.start();
		if (answer.kind === "refused") {
			this.#waiting = undefined;
			return refusal(answer.error, undefined, this.header);
		}
		this.#state = "flowing";
		this.lastMediaAt = this.#parts.clock.now();
		return this.#startReply(answer.value);
	}

	async pause(target: RtspTarget): Promise<Reply> {
		if (!this.isFlowing) return this.#notNow("nothing of it flows");
		if (!this.#isWhole(target)) return this.#onlyWhole();
		const answer = await this.#media!.pause();
		if (answer.kind === "refused") return refusal(answer.error, undefined, this.header);
		this.#state = "ready";
		return ok(this.header);
	}

	/** The answer to RECORD or PLAY is written: packets go behind it. */
	release(): void {
		const waiting = this.#waiting ?? [];
		this.#waiting = undefined;
		this.#waitingBytes = 0;
		for (const packet of waiting) this.#parts.output.write(packet);
	}

	/** @param error undefined where the client said TEARDOWN */
	close(error: PenstockError | undefined): void {
		if (this.#state === "closed") return;
		this.#state = "closed";
		this.#waiting = undefined;
		this.#media?.close(error);
	}

	/** What came on a channel of the connection. */
	packet(number: number, payload: Uint8Array): void {
		const channel = this.#channels.of(number);
		if (channel === undefined || this.#state === "closed") {
			this.strays++;
			return;
		}
		this.lastMediaAt = this.#parts.clock.now();
		// RTCP of a player that is paused says that it lives; RTP before RECORD is nobody's.
		if (this.isFlowing || channel.kind === "rtcp") this.#media!.packet(channel.medium, channel.kind, payload);
		else this.strays++;
	}

	send(medium: number, kind: PacketKind, packet: Uint8Array): boolean {
		const number = this.#channels.numberOf(medium, kind);
		if (number === undefined || this.#state === "closed" || packet.length > MOST_PACKET_BYTES) return false;
		const { output, clock, maxQueuedBytes } = this.#parts;
		if (this.queuedBytes > maxQueuedBytes) {
			this.#stalledSince ??= clock.now();
			this.dropped++;
			return false;
		}
		this.#stalledSince = undefined;
		const bytes = writePacket(number, packet);
		if (this.#waiting === undefined) output.write(bytes);
		else {
			this.#waiting.push(bytes);
			this.#waitingBytes += bytes.length;
		}
		return true;
	}

	get queuedBytes(): number {
		return this.#parts.output.queuedBytes + this.#waitingBytes;
	}

	alive(): void {
		this.lastMediaAt = this.#parts.clock.now();
	}

	end(error: PenstockError): void {
		if (this.#state !== "closed") this.#parts.onEnd(error);
	}

	#startReply(starts: readonly { readonly sequence?: number; readonly rtpTime?: number }[]): Reply {
		if (this.role === "publish") return ok(this.header);
		const range: WrittenHeader = ["Range", "npt=now-"];
		const known = [...this.#taken].toSorted((a, b) => a - b).filter((medium) => starts[medium] !== undefined);
		if (known.length === 0) return ok(this.header, range);
		const info = known.map((medium) => ({ url: `${this.target.base}/${this.#controls[medium]}`, ...starts[medium] }));
		return ok(this.header, range, ["RTP-Info", writeRtpInfo(info)]);
	}

	/** Of a session with one track, the track is the whole. */
	#isWhole(target: RtspTarget): boolean {
		return mediumOf(target, this.#controls) instanceof PenstockError || this.#controls.length === 1;
	}

	#onlyWhole(): Reply {
		const text = "tracks of a session start and stop together; name the stream's own URL.";
		return refusal(new PenstockError("RTSP_METHOD", text), 460, this.header);
	}

	#notNow(why: string): Reply {
		return refusal(
			new PenstockError("RTSP_METHOD", `the session's state does not take this: ${why}.`),
			455,
			this.header,
		);
	}
}
