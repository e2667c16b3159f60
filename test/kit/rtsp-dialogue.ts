/** RTSP by hand: what no player would say, and a publisher and players whose packets a test makes itself. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { PortPairs } from "../../src/server/relay/port-pairs.ts";
import { RawConnection } from "./raw-connection.ts";

/** One medium of H.264. */
export const PLAIN_SDP = "v=0\r\ns=-\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:streamid=0\r\n";

/** @param number of the packet, 16 bits */
export const rtpPacket = (number: number): Uint8Array =>
	Uint8Array.from([0x80, 96, number >> 8, number & 0xff, 0, 0, 0, 0, 1, 2, 3, 4, 0x65, 0x88]);

export interface RtspAnswer {
	readonly status: number;
	readonly header: string;
	readonly body: string;
}

export class RtspDialogue {
	readonly connection: RawConnection;
	readonly #url: string;
	#cseq = 0;
	session = "";

	/** @param url of the stream: `rtsp://127.0.0.1:port/app/stream` */
	constructor(url: string) {
		this.#url = url;
		this.connection = new RawConnection(url.replace(/^rtsp/, "http"));
		onTestFinished(() => this.connection.destroy());
	}

	/** @param track behind the stream's URL. @param fields whole lines */
	async ask(method: string, track = "", fields: readonly string[] = [], body = ""): Promise<RtspAnswer> {
		this.connection.text = "";
		const session = this.session === "" ? [] : [`Session: ${this.session}`];
		const length = body === "" ? [] : [`Content-Length: ${body.length}`];
		const lines = [
			`${method} ${this.#url}${track} RTSP/1.0`,
			`CSeq: ${++this.#cseq}`,
			...session,
			...fields,
			...length,
		];
		this.connection.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
		const [header] = await this.connection.until(/RTSP\/1\.0 \d{3} .*?\r\n\r\n/s);
		const said = Number(/\r\nContent-Length: (\d+)/i.exec(header)?.[1] ?? 0);
		const from = this.connection.text.indexOf(header) + header.length;
		if (said > 0) await this.connection.until(new RegExp(`^[^]{${from + said}}`));
		this.session = /\r\nSession: ([0-9a-f]{32})/.exec(header)?.[1] ?? this.session;
		return { status: Number(header.slice(9, 12)), header, body: this.connection.text.slice(from, from + said) };
	}

	/** ANNOUNCE, SETUP, RECORD by UDP. @returns the server's port for RTP */
	async publish(from: Socket): Promise<number> {
		const { port } = from.address();
		await this.ask("ANNOUNCE", "", ["Content-Type: application/sdp"], PLAIN_SDP);
		const { header } = await this.ask("SETUP", "/streamid=0", [udpTransport(port, "mode=record")]);
		await this.ask("RECORD");
		return Number(/server_port=(\d+)/.exec(header)![1]);
	}

	/** SETUP and PLAY by UDP. @returns the answer to SETUP */
	async play(to: Socket, more?: string): Promise<RtspAnswer> {
		const answer = await this.ask("SETUP", "/trackID=0", [udpTransport(to.address().port, more)]);
		if (answer.status === 200) await this.ask("PLAY");
		return answer;
	}
}

const udpTransport = (port: number, more?: string): string =>
	`Transport: RTP/AVP;unicast;client_port=${port}-${port === 65_535 ? port - 1 : port + 1}${more === undefined ? "" : `;${more}`}`;

/** Of the loopback, at a free port. */
export async function udpSocket(address = "127.0.0.1"): Promise<Socket> {
	const socket = createSocket("udp4");
	socket.bind(0, address);
	await once(socket, "listening");
	onTestFinished(() => void socket.close());
	return socket;
}

/** Two of the loopback: RTP's at an even port, and RTCP's at the next. */
export async function udpPair(): Promise<{ readonly rtp: Socket; readonly rtcp: Socket }> {
	const ports = await new PortPairs({ first: 30_000, last: 39_999 }, Math.random).take(4);
	if (ports === undefined) throw new Error("no pair of UDP ports is free.");
	const [rtp, rtcp] = [createSocket("udp4"), createSocket("udp4")];
	onTestFinished(() => void [rtp, rtcp].map((socket) => socket.close()));
	rtp.bind(ports.rtp, "127.0.0.1");
	rtcp.bind(ports.rtcp, "127.0.0.1");
	await Promise.all([once(rtp, "listening"), once(rtcp, "listening")]);
	return { rtp, rtcp };
}
