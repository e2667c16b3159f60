/**
 * A channel takes its input from a rule: a port of the loopback becomes one of those that get the rule's packets, for as
 * long as the channel wants them. The rule itself does not change by it, and may come later than the channel.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { messageOf, PenstockError } from "../base/errors.ts";
import type { RuleTable } from "../distribution/rule-table.ts";
import type { RuleLandings } from "../ladder/ladder.ts";
import type { Landing, RuleSource } from "../ladder/ladder-config.ts";
import { DEFAULT_TTL, type Rule } from "../wire/distributor-rule.ts";
import { describedAt, describeTransportStream } from "./session-description.ts";

const LOOPBACK = "127.0.0.1";
const MOST_TRIES = 32;
const MAX_SDP_BYTES = 64 * 1024;

export class ChannelLandings implements RuleLandings {
	readonly #table: RuleTable;
	readonly #channel: string;
	#end: () => void = () => undefined;

	/** @param channel `app/stream`, for messages */
	constructor(table: RuleTable, channel: string) {
		this.#table = table;
		this.#channel = channel;
	}

	async land(source: RuleSource, signal: AbortSignal, onWait: (why: PenstockError) => void): Promise<Landing> {
		this.leave();
		const rule = await this.#there(source.rule, signal, onWait);
		const landing = await this.#landing(rule, source);
		signal.throwIfAborted();
		this.#end = this.#table.tap(rule.name, {
			receiver: { address: LOOPBACK, port: landing.port, ttl: DEFAULT_TTL, dscp: 0 },
			owner: `channel ${this.#channel}`,
		});
		return landing;
	}

	leave(): void {
		this.#end();
		this.#end = () => undefined;
	}

	/** The rule, as soon as there is one of the name. */
	async #there(name: string, signal: AbortSignal, onWait: (why: PenstockError) => void): Promise<Rule> {
		const rule = this.#table.get(name);
		if (rule !== undefined) return rule;
		const text = `channel ${this.#channel}: there is no rule ${name} yet; it is waited for.`;
		onWait(new PenstockError("SOURCE_UNREACHABLE", text));
		const { promise, resolve, reject } = Promise.withResolvers<Rule>();
		const unlisten = this.#table.onChange(() => {
			const come = this.#table.get(name);
			if (come !== undefined) resolve(come);
		});
		const give = (): void => reject(signal.reason);
		signal.addEventListener("abort", give);
		if (signal.aborted) give();
		try {
			return await promise;
		} finally {
			unlisten();
			signal.removeEventListener("abort", give);
		}
	}

	async #landing({ name, media }: Rule, { sdpFile }: RuleSource): Promise<Landing> {
		if (media === "rtcp") {
			const text = `channel ${this.#channel}: rule ${name} is of RTCP alone; name one with media: rtp or ts.`;
			throw new PenstockError("SOURCE_UNSUPPORTED", text);
		}
		const isRtp = sdpFile !== undefined || media === "rtp";
		const port = await freePorts(isRtp ? 2 : 1);
		if (!isRtp) return { kind: "ts", port };
		if (sdpFile === undefined) return { kind: "rtp", port, sdp: describeTransportStream(LOOPBACK, port) };
		return {
			kind: "rtp",
			port,
			sdp: describedAt(await this.#read(sdpFile), { file: sdpFile, address: LOOPBACK, port }),
		};
	}

	async #read(file: string): Promise<string> {
		try {
			return (await readFile(file)).subarray(0, MAX_SDP_BYTES).toString();
		} catch (thrown) {
			const text = `channel ${this.#channel}: ${file} cannot be read: ${messageOf(thrown)}.`;
			throw new PenstockError("SOURCE_UNREACHABLE", text, { cause: thrown });
		}
	}
}

/**
 * Ports of the loopback that were free a moment ago: one, or two of which the first is even, as RTP and its RTCP want.
 * @returns the first
 */
async function freePorts(count: 1 | 2): Promise<number> {
	for (let tries = 0; tries < MOST_TRIES; tries++) {
		const port = await freePort(0);
		if (port === undefined) continue;
		if (count === 1) return port;
		const even = port - (port % 2);
		const both = [await freePort(even), await freePort(even + 1)];
		if (!both.includes(undefined)) return even;
	}
	throw new PenstockError("SOURCE_UNREACHABLE", "no free UDP port was found on the loopback; look with ss -uan.");
}

async function freePort(wanted: number): Promise<number | undefined> {
	const socket = createSocket("udp4");
	try {
		socket.bind({ address: LOOPBACK, port: wanted, exclusive: true });
		await once(socket, "listening");
		return socket.address().port;
	} catch {
		return undefined;
	} finally {
		socket.close();
	}
}
