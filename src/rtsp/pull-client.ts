/**
 * The client's machine: pulls a stream from an RTSP server (a camera), as bytes and a clock. OPTIONS, DESCRIBE, SETUP of
 * the media that are wanted, PLAY, then a request now and then so that the server goes on. One life, one connection:
 * whoever wants the stream again opens another.
 *
 * Media come from the connection's other end and from nowhere else, whatever the server says of its address; a redirect
 * is refused, since it could lead anywhere (SEC3).
 */
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";
import { readCSeq, readSession } from "../wire/rtsp-fields.ts";
import { type RtspResponse, type WrittenHeader, writePacket, writeRequest } from "../wire/rtsp-message.ts";
import { RtspReader } from "../wire/rtsp-reader.ts";
import { type Pair, readTransports, type Transport, writeTransport } from "../wire/rtsp-transport.ts";
import { attributeOf, type SdpSession } from "../wire/sdp.ts";
import { readSdp } from "../wire/sdp-reader.ts";
import { shownValue } from "../wire/viewer-report.ts";
import type { PacketKind } from "./application.ts";
import { Channels } from "./channels.ts";
import type { ConnectionOutput } from "./connection-output.ts";
import { PullCredentials } from "./pull-credentials.ts";
import { controlUrl, type PullUrl } from "./pull-url.ts";

/** What the client asks of whoever wants the stream. */
export interface PullApplication {
	/** What the server says that it has. @returns the media that are wanted, by their places */
	described(description: SdpSession): readonly number[];
	/** Own ports for a medium by UDP, open already; they take packets of the server's address alone. */
	openPorts(medium: number): Promise<Pair>;
	/** A medium is set up. @param serverPorts of UDP, where the server says them */
	ready(medium: number, by: "udp" | "interleaved", serverPorts: Pair | undefined): void;
	playing(): void;
	/** What came on the connection. @param bytes valid during the call */
	packet(medium: number, kind: PacketKind, bytes: Uint8Array): void;
	/** Once; undefined where it was stopped. */
	ended(error: PenstockError | undefined): void;
}

export interface PullClientParts {
	readonly clock: Clock;
	readonly url: PullUrl;
	/** What is tried: `udp-first` takes the connection where the server has no UDP. */
	readonly transport: "udp-first" | "udp" | "interleaved";
	readonly output: ConnectionOutput;
	readonly application: PullApplication;
	/** Without an answer, or without a packet, for so long the server has gone. */
	readonly silenceMs: number;
}

const USER_AGENT: WrittenHeader = ["User-Agent", "Penstock"];
const TICK_MS = 1000;
const DEFAULT_TIMEOUT_S = 60;
/** However short a session's timeout is said to be, and however long. */
const LEAST_KEEP_ALIVE_MS = 5000;
const MOST_KEEP_ALIVE_MS = 30_000;
const UNSUPPORTED_TRANSPORT = 461;

interface Waiting {
	readonly resolve: (response: RtspResponse) => void;
	readonly reject: (error: PenstockError) => void;
	readonly method: string;
	readonly since: Milliseconds;
}

export class PullClient {
	readonly #parts: PullClientParts;
	readonly #credentials: PullCredentials;
	readonly #reader: RtspReader;
	readonly #channels = new Channels();
	readonly #waiting = new Map<number, Waiting>();
	#cseq = 0;
	#session: string | undefined;
	#keepAlive: "GET_PARAMETER" | "OPTIONS" = "OPTIONS";
	#keepAliveMs = MOST_KEEP_ALIVE_MS;
	#lastRequestAt: Milliseconds;
	#lastMediaAt: Milliseconds | undefined;
	#base: string;
	#timer: Timer;
	#ended = false;

	constructor(parts: PullClientParts) {
		this.#parts = parts;
		this.#base = parts.url.target;
		this.#credentials = new PullCredentials(parts.url.user, parts.url.password);
		this.#lastRequestAt = parts.clock.now();
		this.#reader = new RtspReader({
			// Some servers ask their clients whether they live; a client that has nothing to say is none the worse.
			request: () => undefined,
			response: (response) => this.#answered(response),
			packet: (number, payload) => this.#packet(number, payload),
			fault: (error) => this.#end(error),
		});
		this.#timer = this.#nextTick();
	}

	/** The connection stands. */
	start(): void {
		this.#run().catch((thrown: unknown) => {
			this.#end(
				thrown instanceof PenstockError ? thrown : new PenstockError("INTERNAL", messageOf(thrown), { cause: thrown }),
			);
		});
	}

	/** @param bytes not kept */
	push(bytes: Uint8Array): void {
		if (!this.#ended) this.#reader.push(bytes);
	}

	/** The other end has gone. */
	closed(): void {
		this.#end(new PenstockError("SOURCE_UNREACHABLE", `${this.#who} has closed the connection.`));
	}

	/** The connection broke, or never stood. */
	failed(error: PenstockError): void {
		this.#end(error);
	}

	/** Packets came by UDP. */
	alive(): void {
		this.#lastMediaAt = this.#parts.clock.now();
	}

	/** RTCP to the server, where media come on the connection; left out while it does not read what it was sent. */
	send(medium: number, packet: Uint8Array): void {
		const { output } = this.#parts;
		const number = this.#channels.numberOf(medium, "rtcp");
		if (number === undefined || this.#ended || output.queuedBytes > 0) return;
		output.write(writePacket(number, packet));
	}

	/** Says TEARDOWN and goes, without waiting for an answer. */
	stop(): void {
		if (this.#ended) return;
		if (this.#session !== undefined) this.#write("TEARDOWN", this.#base, []);
		this.#finish(undefined, false);
	}

	get #who(): string {
		return `rtsp://${this.#parts.url.host}:${this.#parts.url.port}`;
	}

	async #run(): Promise<void> {
		const { target } = this.#parts.url;
		const options = await this.#ask("OPTIONS", target, []);
		// Some know no OPTIONS; the others say what they know.
		if (/\bGET_PARAMETER\b/.test(options.headers.all("public").join(","))) this.#keepAlive = "GET_PARAMETER";
		const described = good(await this.#ask("DESCRIBE", target, [["Accept", "application/sdp"]]), "DESCRIBE", this.#who);
		const description = readSdp(described.body);
		if (description.kind === "fault") throw description.error;
		const said = described.headers.get("content-base") ?? described.headers.get("content-location") ?? "";
		const session = attributeOf(description.value.attributes, "control");
		this.#base = controlUrl(/^rtsps?:\/\//i.test(said) ? said : target, session);
		const wanted = this.#parts.application.described(description.value);
		if (wanted.length === 0)
			throw new PenstockError("SOURCE_NO_VIDEO", `${this.#who} has no medium that can be taken.`);
		await this.#setUpAll(description.value, wanted, controlUrl(/^rtsps?:\/\//i.test(said) ? said : target, undefined));
		good(await this.#ask("PLAY", this.#base, [["Range", "npt=0.000-"]]), "PLAY", this.#who);
		this.alive();
		this.#parts.application.playing();
	}

	async #setUpAll({ media }: SdpSession, wanted: readonly number[], base: string): Promise<void> {
		let byUdp = this.#parts.transport !== "interleaved";
		for (const medium of wanted) {
			const url = controlUrl(base, attributeOf(media[medium]!.attributes, "control"));
			const isFirst = medium === wanted[0];
			if (byUdp && !(await this.#setUpByUdp(medium, url, isFirst))) byUdp = false;
			if (!byUdp) await this.#setUpInterleaved(medium, url);
		}
	}

	/** @returns false where the server has no UDP, and the connection may be taken instead */
	async #setUpByUdp(medium: number, url: string, isFirst: boolean): Promise<boolean> {
		const clientPorts = await this.#parts.application.openPorts(medium);
		const offer = writeTransport({ lower: "udp", cast: "unicast", clientPorts });
		const response = await this.#ask("SETUP", url, [["Transport", offer]]);
		if (response.status === UNSUPPORTED_TRANSPORT && isFirst && this.#parts.transport === "udp-first") return false;
		const { lower, cast, serverPorts } = this.#transportOf(response);
		if (lower !== "udp" || cast !== "unicast")
			throw this.#refused("SETUP", "gives another transport than it was asked for");
		this.#parts.application.ready(medium, "udp", serverPorts);
		return true;
	}

	async #setUpInterleaved(medium: number, url: string): Promise<void> {
		const pair = { rtp: 2 * medium, rtcp: 2 * medium + 1 };
		const offer = writeTransport({ lower: "tcp", cast: "unicast", interleaved: pair });
		// Some send before they have answered.
		this.#reader.takesPackets = true;
		const { lower, interleaved = pair } = this.#transportOf(await this.#ask("SETUP", url, [["Transport", offer]]));
		if (lower !== "tcp") throw this.#refused("SETUP", "gives another transport than it was asked for");
		const taken = this.#channels.take(medium, interleaved);
		if (taken?.rtp !== interleaved.rtp) throw this.#refused("SETUP", "gives two media the same channel");
		this.#parts.application.ready(medium, "interleaved", undefined);
	}

	#transportOf(response: RtspResponse): Transport {
		good(response, "SETUP", this.#who);
		const session = readSession(response.headers.get("session"));
		if (session !== undefined) {
			this.#session = session.id;
			const halfMs = ((session.timeoutS ?? DEFAULT_TIMEOUT_S) * 1000) / 2;
			this.#keepAliveMs = Math.min(MOST_KEEP_ALIVE_MS, Math.max(LEAST_KEEP_ALIVE_MS, halfMs));
		}
		const transports = readTransports(response.headers.get("transport") ?? "");
		if (transports.kind === "fault") throw transports.error;
		const [transport] = transports.value;
		if (transport === undefined) throw this.#refused("SETUP", "names no transport");
		return transport;
	}

	/** One request and its answer; with credentials once they are asked for. */
	async #ask(method: string, target: string, headers: readonly WrittenHeader[]): Promise<RtspResponse> {
		for (;;) {
			const response = await this.#exchange(method, target, headers);
			if (response.status !== 401 || !this.#credentials.take(response.headers.all("www-authenticate"))) return response;
		}
	}

	#exchange(method: string, target: string, headers: readonly WrittenHeader[]): Promise<RtspResponse> {
		return new Promise((resolve, reject) => {
			if (this.#ended) return reject(new PenstockError("SOURCE_UNREACHABLE", `${this.#who}: the pull has ended.`));
			const cseq = this.#write(method, target, headers);
			this.#waiting.set(cseq, { resolve, reject, method, since: this.#parts.clock.now() });
		});
	}

	#write(method: string, target: string, headers: readonly WrittenHeader[]): number {
		const cseq = ++this.#cseq;
		const authorization = this.#credentials.authorize(method, target);
		this.#lastRequestAt = this.#parts.clock.now();
		const fields: WrittenHeader[] = [["CSeq", String(cseq)], USER_AGENT, ...headers];
		if (this.#session !== undefined) fields.push(["Session", this.#session]);
		if (authorization !== undefined) fields.push(["Authorization", authorization]);
		this.#parts.output.write(writeRequest(method, target, { headers: fields }));
		return cseq;
	}

	#answered(response: RtspResponse): void {
		// Some servers answer without it; there is one question at a time that matters.
		const cseq = readCSeq(response.headers.get("cseq")) ?? this.#waiting.keys().next().value;
		const waiting = cseq === undefined ? undefined : this.#waiting.get(cseq);
		if (cseq === undefined || waiting === undefined) return;
		this.#waiting.delete(cseq);
		waiting.resolve({ ...response, body: response.body.slice() });
	}

	#packet(number: number, payload: Uint8Array): void {
		const channel = this.#channels.of(number);
		if (channel === undefined) return;
		this.alive();
		this.#parts.application.packet(channel.medium, channel.kind, payload);
	}

	#nextTick(): Timer {
		return this.#parts.clock.after(TICK_MS, () => {
			const error = this.#overdue();
			if (error !== undefined) return this.#end(error);
			if (this.#lastMediaAt !== undefined && this.#parts.clock.now() - this.#lastRequestAt >= this.#keepAliveMs)
				this.#sayAlive();
			this.#timer = this.#nextTick();
		});
	}

	/** Whatever is answered, if anything: that the server has gone, its packets tell. */
	#sayAlive(): void {
		for (const { reject } of this.#waiting.values()) reject(this.#refused("a keep-alive", "has not come"));
		this.#waiting.clear();
		this.#ask(this.#keepAlive, this.#base, []).catch(() => undefined);
	}

	#overdue(): PenstockError | undefined {
		const { clock, silenceMs } = this.#parts;
		const isDialling = this.#cseq === 0 && clock.now() - this.#lastRequestAt > silenceMs;
		if (isDialling)
			return new PenstockError("RTSP_TIMEOUT", `${this.#who} did not take the connection within ${silenceMs} ms.`);
		const late = [...this.#waiting.values()].find(({ since }) => clock.now() - since > silenceMs);
		if (late !== undefined && this.#lastMediaAt === undefined)
			return new PenstockError("RTSP_TIMEOUT", `${this.#who} did not answer ${late.method} within ${silenceMs} ms.`);
		if (this.#lastMediaAt === undefined || clock.now() - this.#lastMediaAt <= silenceMs) return undefined;
		return new PenstockError("RTSP_TIMEOUT", `${this.#who} sent no packet for ${silenceMs} ms.`);
	}

	#refused(method: string, what: string): PenstockError {
		return new PenstockError("RTSP_REFUSED", `${this.#who}: the answer to ${method} ${what}.`);
	}

	#end(error: PenstockError): void {
		if (!this.#ended) this.#finish(error, true);
	}

	#finish(error: PenstockError | undefined, abort: boolean): void {
		this.#ended = true;
		this.#timer.cancel();
		this.#reader.stop();
		const gone = error ?? new PenstockError("SOURCE_UNREACHABLE", `${this.#who}: the pull was stopped.`);
		for (const { reject } of this.#waiting.values()) reject(gone);
		this.#waiting.clear();
		this.#parts.output.close(abort);
		this.#parts.application.ended(error);
	}
}

/** @throws PenstockError RTSP_REFUSED */
function good(response: RtspResponse, method: string, who: string): RtspResponse {
	if (response.status === 200) return response;
	const words = `${response.status} ${shownValue(response.reason)}`;
	const why =
		response.status >= 300 && response.status < 400
			? "; redirects are not followed, give the new URL as the source"
			: "";
	throw new PenstockError("RTSP_REFUSED", `${who} answers ${method} with ${words}${why}.`);
}
