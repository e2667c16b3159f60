/** A real server on the loopback and `fetch` itself; only time is moved by hand. */
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { makeClip } from "../../test/kit/media-maker.ts";
import { freePort } from "../../test/kit/ports.ts";
import type { AccessUnit, DecodeInformation } from "../media/access-unit.ts";
import { Connection } from "./connection.ts";
import type { ConnectionMessage } from "./connection-message.ts";
import type { MediaOutput } from "./media-output.ts";

type Kind = ConnectionMessage["kind"];
type Message<K extends Kind> = Extract<ConnectionMessage, { kind: K }>;
type Answer = (response: ServerResponse) => void;

let clip: Buffer;
let wholeClip: Buffer;
beforeAll(async () => {
	wholeClip = readFileSync(await makeClip({ container: "flv", seconds: 4, audio: true }));
	clip = wholeClip.subarray(0, wholeClip.length / 2);
}, 60_000);

/** What came out, and what the connection told. */
class Rig extends EventEmitter implements MediaOutput {
	readonly clock = new ManualClock();
	readonly told: ConnectionMessage[] = [];
	readonly accessUnits: AccessUnit[] = [];
	decode: DecodeInformation = {};
	reconnections = 0;
	ends = 0;
	backlogged = false;
	#seen = 0;
	readonly connection: Connection;

	constructor(src: string) {
		super();
		const tell = (message: ConnectionMessage): void => {
			this.told.push(message);
			this.emit("told");
		};
		this.connection = new Connection({ src, clock: this.clock, output: this, tell });
		this.connection.start();
	}

	/** The next message of this kind; those before it are passed over. */
	async next<K extends Kind>(kind: K): Promise<Message<K>> {
		for (;;) {
			const index = this.told.findIndex((message, i) => i >= this.#seen && message.kind === kind);
			if (index >= 0) {
				this.#seen = index + 1;
				return this.told[index] as Message<K>;
			}
			await once(this, "told");
		}
	}

	async units(count: number): Promise<void> {
		while (this.accessUnits.length < count) await once(this, "unit");
	}

	/** The next counts, however long bytes are on their way. */
	async counts(): Promise<Message<"counts">> {
		while (!this.told.some(({ kind }, i) => i >= this.#seen && kind === "counts")) {
			await new Promise(setImmediate);
			this.clock.advance(250);
		}
		return await this.next("counts");
	}

	/** Waits as long as the connection says that it will. */
	async waitOut(): Promise<Message<"waiting">> {
		const waiting = await this.next("waiting");
		this.clock.advance(waiting.problem.retryInMs!);
		return waiting;
	}

	decodeInformation(decode: DecodeInformation): void {
		this.decode = decode;
	}
	unitStart(): void {}
	accessUnit(accessUnit: AccessUnit): void {
		this.accessUnits.push(accessUnit);
		this.emit("unit");
	}
	reconnected(): void {
		this.reconnections++;
	}
	end(): void {
		this.ends++;
	}
	destroy(): void {}
}

const undo: (() => void)[] = [];
afterEach(() => {
	for (const step of undo.splice(0)) step();
});

/** Answers requests one by one as told; the last answer is for all that follow. */
async function play(...answers: Answer[]): Promise<Rig & { requests: number; server: Server }> {
	let requests = 0;
	const server = createServer((_, response) => answers[Math.min(requests++, answers.length - 1)]!(response));
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const rig = open(`http://127.0.0.1:${(server.address() as AddressInfo).port}/live/a.flv?token=secret`);
	undo.push(
		() => server.close(),
		() => server.closeAllConnections(),
	);
	Object.defineProperty(rig, "requests", { get: () => requests });
	return Object.assign(rig as Rig & { requests: number }, { server });
}

function open(src: string): Rig {
	const rig = new Rig(src);
	undo.push(() => rig.connection.destroy());
	return rig;
}

const FLV = { "Content-Type": "video/x-flv" };
const stream: Answer = (response) => {
	response.writeHead(200, { ...FLV, "Penstock-Session": "s3cret", "Penstock-Viewer": "v1" }).write(clip);
};
const refuse =
	(status: number, headers: Record<string, string> = {}, body = ""): Answer =>
	(response) =>
		void response.writeHead(status, headers).end(body);

describe("a connection", () => {
	it("reads a stream and tells whose it is", async () => {
		const rig = await play(stream);
		expect(await rig.next("connected")).toEqual({
			...{ kind: "connected", session: "s3cret", viewer: "v1", contentType: "video/x-flv" },
		});
		await rig.units(60);
		expect(rig.decode.video).toMatchObject({ codec: "h264", width: 320, height: 180 });
		const counts = await rig.counts();
		expect(counts.faults).toBe(0);
		expect(counts.receivedBytes).toBeGreaterThan(10_000);
		expect(counts.bitrateBps).toBeGreaterThan(0);
		expect(rig.told[0]).toEqual({ kind: "connecting" });
	});

	it.each([
		[404, "CHANNEL_NOT_FOUND", 'no stream at "/live/a.flv".'],
		[406, "PACKAGING_UNFIT", "the packaging has no form for AV1."],
	])("takes %d for an answer, with the server's own words", async (status, code, message) => {
		const body = JSON.stringify({ error: { code, message: `${code}: ${message}` } });
		const rig = await play(refuse(status, { "Content-Type": "application/json" }, body));
		const { problem } = await rig.next("failed");
		expect(problem).toMatchObject({ code: "REFUSED", status, serverCode: code });
		expect(problem.message).toContain(message);
		expect(problem.message).not.toContain("secret");
		expect(problem).not.toHaveProperty("retryInMs");
		expect(rig.ends).toBe(1);
		rig.clock.advance(3_600_000);
		expect(rig.requests).toBe(1);
	});

	it.each([408, 429, 500, 503])("asks again after %d, when the server wants it", async (status) => {
		const rig = await play(refuse(status, { "Retry-After": "5" }, "busy\nnow"), stream);
		const { problem } = await rig.waitOut();
		expect(problem).toMatchObject({ code: "REFUSED", status });
		expect(problem.message).toContain("busy now");
		expect(problem.retryInMs).toBeGreaterThanOrEqual(5000);
		await rig.next("connected");
		expect(rig.reconnections).toBe(0);
	});

	it("waits longer each time while nobody is there", async () => {
		const rig = open(`http://127.0.0.1:${await freePort()}/live/a.flv`);
		const delays: number[] = [];
		for (let i = 0; i < 7; i++) {
			const { problem } = await rig.waitOut();
			expect(problem.code).toBe("NETWORK");
			expect(problem.message).toMatch(/cannot be reached/);
			delays.push(problem.retryInMs!);
		}
		expect(delays[0]).toBeLessThanOrEqual(625);
		expect(delays[3]).toBeGreaterThanOrEqual(3000);
		expect(Math.max(...delays)).toBeLessThanOrEqual(10_000);
	});

	it("goes on where a response broke off in the middle of an access unit", async () => {
		const cut: Answer = (response) => {
			response.writeHead(200, FLV).write(clip.subarray(0, clip.length - 100), () => response.destroy());
		};
		const rig = await play(cut, stream);
		const { problem } = await rig.waitOut();
		expect(problem).toMatchObject({ code: "NETWORK" });
		expect(problem.message).toMatch(/broke off/);
		const before = rig.accessUnits.length;
		expect(before).toBeGreaterThan(20);
		await rig.next("connected");
		expect(rig.reconnections).toBe(1);
		await rig.units(before + 20);
	});

	it("takes an orderly end for a restart, and for the end where there is no such stream then", async () => {
		const ending: Answer = (response) => void response.writeHead(200, FLV).end(clip);
		const rig = await play(ending, ending, refuse(404));
		for (let i = 0; i < 2; i++) {
			const { problem } = await rig.waitOut();
			expect(problem).toMatchObject({ code: "NETWORK" });
			expect(problem.message).toMatch(/has ended the stream/);
			expect(problem.retryInMs).toBeLessThanOrEqual(1250);
		}
		expect(await rig.next("ended")).toEqual({ kind: "ended" });
		expect(rig.ends).toBe(1);
		expect(rig.reconnections).toBe(1);
	});

	it("takes a response that said how long it is for a recording", async () => {
		const rig = await play((response) => {
			response.writeHead(200, { ...FLV, "Content-Length": String(wholeClip.length) }).end(wholeClip);
		});
		await rig.next("ended");
		expect(rig.accessUnits.filter(({ track }) => track === "video").length).toBe(120);
	});

	it("says so where there is no answer, and that a browser may have no connection left", async () => {
		const rig = await play(() => {});
		await once(rig.server, "request");
		rig.clock.advance(12_000);
		const { problem } = await rig.next("waiting");
		expect(problem.code).toBe("NO_ANSWER");
		expect(problem.message).toMatch(/six to one host/);
	});

	it("asks again when nothing has come for ten seconds", async () => {
		const rig = await play(stream);
		await rig.units(60);
		rig.clock.advance(9_900);
		expect(rig.told.some(({ kind }) => kind === "waiting")).toBe(false);
		rig.clock.advance(10_000);
		const { problem } = await rig.next("waiting");
		expect(problem.code).toBe("NO_ANSWER");
		expect(problem.message).toMatch(/^Nothing came .* for 10 s/);
	});

	it("says so where bytes come and nothing in them can be played", async () => {
		const rig = await play((response) => void response.writeHead(200, FLV).write(Buffer.alloc(100_000, "noise")));
		await rig.next("connected");
		const { faults, lastFault } = await rig.counts();
		expect(faults).toBeGreaterThan(0);
		expect(lastFault).toMatch(/^FLV_SYNTAX/);
		rig.clock.advance(10_000);
		const { problem } = await rig.next("waiting");
		expect(problem.code).toBe("BROKEN_STREAM");
		expect(problem.message).toMatch(/nothing in them can be played \(FLV_SYNTAX/);
	});

	it("refuses what is no stream by its type", async () => {
		const rig = await play(refuse(200, { "Content-Type": "text/html" }, "<h1>Welcome</h1>"));
		const { problem } = await rig.next("failed");
		expect(problem.code).toBe("NOT_A_STREAM");
		expect(problem.message).toContain('"text/html"');
	});

	it("reads no further while its output is full", async () => {
		const rig = await play((response) => {
			response.writeHead(200, FLV);
			for (let at = 0; at < wholeClip.length; at += 10_000) response.write(wholeClip.subarray(at, at + 10_000));
		});
		rig.backlogged = true;
		await rig.units(1);
		const held = (): number => rig.accessUnits.length;
		const full = held();
		for (let i = 0; i < 20; i++) {
			rig.clock.advance(20);
			await new Promise(setImmediate);
		}
		expect(held()).toBe(full);
		expect(full).toBeLessThan(200);
		rig.backlogged = false;
		rig.clock.advance(20);
		while (held() < 300) {
			await once(rig, "unit");
			rig.clock.advance(20);
		}
	});

	it("leaves at once and says nothing more", async () => {
		const closed = Promise.withResolvers<void>();
		const rig = await play((response) => {
			response.on("close", () => closed.resolve());
			stream(response);
		});
		await rig.units(20);
		rig.connection.destroy();
		const before = rig.told.length;
		await closed.promise;
		rig.clock.advance(3_600_000);
		expect(rig.told.length).toBe(before);
		expect(rig.clock.time.pending).toBe(0);
		expect(rig.requests).toBe(1);
	});
});
