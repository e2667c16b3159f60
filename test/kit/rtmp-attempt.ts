/** One attempt to publish over RTMP, by hand: whatever app, name and query; how it ended is what the server said. */
import { connect } from "node:net";
import { ERROR_CODES } from "../../src/base/errors.ts";
import { type AmfValue, writeValues } from "../../src/media/flv/amf0.ts";
import { HANDSHAKE, RtmpScript } from "./rtmp-script.ts";

export interface RtmpAttempt {
	readonly app?: string;
	/** As it stands in `publish`, query and all. */
	readonly name?: string;
	/** More of the command `connect`. */
	readonly more?: readonly (readonly [string, AmfValue])[];
	/** Address of this machine to come from. */
	readonly localAddress?: string;
}

const COMMAND = 20;
/** What the server says to one that it lets in. */
const STARTED = "NetStream.Publish.Start";

/** @returns "granted", the code of the refusal, or "closed" where the server said nothing. The connection is closed. */
export async function attemptRtmp(port: number, attempt: RtmpAttempt): Promise<string> {
	const { app = "live", name = "cam", more = [], localAddress } = attempt;
	const script = new RtmpScript();
	const publish = writeValues(["publish", 3, null, name, "live"]);
	const socket = connect({ host: "127.0.0.1", port, ...(localAddress !== undefined && { localAddress }) });
	const { promise: said, resolve } = Promise.withResolvers<string>();
	let text = "";
	socket.setEncoding("latin1");
	socket.on("error", () => undefined);
	socket.once("close", () => resolve(verdictIn(text) ?? "closed"));
	socket.on("data", (piece: string) => {
		text += piece;
		const verdict = verdictIn(text);
		if (verdict !== undefined) resolve(verdict);
	});
	const parts = [HANDSHAKE, script.connect(app, more), script.command("createStream", null)];
	socket.write(Buffer.concat([...parts, script.message(COMMAND, publish, { streamId: 1, chunkStream: 3 })]));
	const verdict = await said;
	socket.destroy();
	return verdict;
}

/** A refusal is told as this server's errors are: the code, a colon, a sentence. */
const verdictIn = (text: string): string | undefined =>
	text.includes(STARTED) ? "granted" : Object.keys(ERROR_CODES).find((code) => text.includes(`${code}: `));
