/** RTSP as far as a load needs it: one connection and one session for each stream or receiver, media by UDP. */
import { RawConnection } from "../../test/kit/raw-connection.ts";

const SDP = "v=0\r\ns=-\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:streamid=0\r\n";

export class Signalling {
	readonly #connection: RawConnection;
	readonly #url: string;
	#cseq = 0;
	#session: readonly string[] = [];

	/** @param url of the stream */
	constructor(url: string) {
		this.#url = url;
		this.#connection = new RawConnection(url.replace(/^rtsp/, "http"));
	}

	/** ANNOUNCE, SETUP, RECORD. @param port of the publisher, for RTP. @returns the server's port for RTP */
	async record(port: number): Promise<number> {
		await this.#ask("ANNOUNCE", "", ["Content-Type: application/sdp"], SDP);
		const transport = await this.#ask("SETUP", "/streamid=0", [transportOf(port, ";mode=record")]);
		await this.#ask("RECORD");
		return Number(/server_port=(\d+)/.exec(transport)![1]);
	}

	/** SETUP, PLAY. @param port of the player, for RTP */
	async play(port: number): Promise<void> {
		await this.#ask("SETUP", "/trackID=0", [transportOf(port)]);
		await this.#ask("PLAY");
	}

	/** @returns the answer's header. @throws Error where it is no 200 */
	async #ask(method: string, track = "", fields: readonly string[] = [], body = ""): Promise<string> {
		this.#connection.text = "";
		const length = body === "" ? [] : [`Content-Length: ${body.length}`];
		const first = [`${method} ${this.#url}${track} RTSP/1.0`, `CSeq: ${++this.#cseq}`];
		this.#connection.write(`${[...first, ...this.#session, ...fields, ...length].join("\r\n")}\r\n\r\n${body}`);
		const [header] = await this.#connection.until(/RTSP\/1\.0 \d{3} .*?\r\n\r\n/s, 30_000);
		if (!header.startsWith("RTSP/1.0 200")) throw new Error(`${method} ${this.#url}: ${header.split("\r\n")[0]}`);
		const session = /\r\nSession: ([^;\r]+)/.exec(header)?.[1];
		if (session !== undefined) this.#session = [`Session: ${session}`];
		return header;
	}
}

const transportOf = (port: number, more = ""): string =>
	`Transport: RTP/AVP;unicast;client_port=${port}-${port + 1}${more}`;

/** One after the other in so many rows at a time: nobody's connection waits long for its first request. */
export async function inRows(count: number, rows: number, each: (at: number) => Promise<void>): Promise<void> {
	let next = 0;
	const row = async (): Promise<void> => {
		while (next < count) await each(next++);
	};
	await Promise.all(Array.from({ length: rows }, row));
}
