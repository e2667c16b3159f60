import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../test/kit/manual-clock.ts";
import { RtmpMachine } from "../../../test/kit/rtmp-machine.ts";
import {
	AAC_HEADER,
	AVC_HEADER,
	aacFrame,
	avcPicture,
	HANDSHAKE,
	hex,
	RtmpScript,
} from "../../../test/kit/rtmp-script.ts";
import { PenstockError } from "../../base/errors.ts";
import { milliseconds } from "../../base/units.ts";
import type { AccessUnit, DecodeInformation } from "../../media/access-unit.ts";
import { type AmfValue, readValues, writeValues } from "../../media/flv/amf0.ts";
import type { AccessRequest } from "../../wire/access.ts";
import { type PublicationSink, Publications } from "../publications.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { RtmpConnection } from "./connection.ts";
import type { RtmpMessage } from "./message.ts";

const IDLE_MS = 10_000;
const SETUP_MS = 8000;

class Rig {
	readonly clock = new ManualClock();
	readonly script = new RtmpScript();
	readonly accessUnits: AccessUnit[] = [];
	readonly decodes: DecodeInformation[] = [];
	readonly ends: (string | undefined)[] = [];
	readonly faults: string[] = [];
	readonly requests: AccessRequest[] = [];
	readonly messages: RtmpMessage[] = [];
	readonly closes: (string | undefined)[] = [];
	readonly connection: RtmpConnection;
	readonly publications: Publications;
	goneOn = 0;
	#handshakeLeft = 1 + 2 * 1536;
	readonly #reader = new ChunkReader({
		message: (message) => this.messages.push(message),
		fault: (error) => {
			throw error;
		},
	});

	constructor({ grants = true } = {}) {
		const refused = new PenstockError("NAME_INVALID", "the token is wrong.");
		this.publications = new Publications({
			...{ clock: this.clock, second: "take-over", open: () => this.#sink() },
			gate: {
				ask: async () => (grants ? { kind: "granted", principal: "me" } : { kind: "refused", error: refused }),
			},
		});
		const times = { setupTimeout: milliseconds(SETUP_MS), idleTimeout: milliseconds(IDLE_MS) };
		this.connection = new RtmpConnection(
			{ clock: this.clock, address: "192.0.2.1", random: (count) => new Uint8Array(count), ...times },
			{
				send: (bytes) => this.#sent(bytes),
				ask: (request) => this.requests.push(request),
				goOn: () => this.goneOn++,
				close: (because) => this.closes.push(because?.code),
			},
		);
	}

	#sink(): PublicationSink {
		return {
			accessUnit: (accessUnit) => this.accessUnits.push(accessUnit),
			decodeInformation: (decode) => this.decodes.push(decode),
			fault: ({ code }) => this.faults.push(code),
			end: (because) => this.ends.push(because?.code),
		};
	}

	#sent(bytes: Uint8Array): void {
		const shaken = Math.min(this.#handshakeLeft, bytes.length);
		this.#handshakeLeft -= shaken;
		this.#reader.push(bytes.subarray(shaken));
	}

	push(...pieces: readonly Uint8Array[]): this {
		for (const piece of pieces) this.connection.push(piece);
		return this;
	}

	/** Lets the gate answer. */
	async answered(): Promise<this> {
		const admission = await this.publications.ask(this.requests.at(-1)!, this.connection);
		this.connection.answer(admission);
		return this;
	}

	async publishing(): Promise<this> {
		return await this.push(this.script.beginning()).answered();
	}

	video(body: Uint8Array, ms = 0): Uint8Array {
		return this.script.message(9, body, { ms, streamId: 1 });
	}

	audio(body: Uint8Array, ms = 0): Uint8Array {
		return this.script.message(8, body, { ms, streamId: 1, chunkStream: 6 });
	}

	/** Commands that were sent to the client: name, transaction, and what follows, maps as objects. */
	get said(): unknown[][] {
		return this.messages.filter(({ type }) => type === 20).map(({ body }) => readValues(body, LIMITS)!.map(plain));
	}

	/** Codes of what the client was told. */
	get codes(): unknown[] {
		return this.said.map((values) => (values.at(-1) as { code?: string } | null)?.code).filter(Boolean);
	}
}

const LIMITS = { depth: 16, values: 1000 };
const plain = (value: AmfValue): unknown => (value instanceof Map ? Object.fromEntries(value) : value);

describe("the way to a publication", () => {
	test("connect, createStream and publish are answered, with leave asked in between", async () => {
		const rig = new Rig();
		rig.push(HANDSHAKE, rig.script.connect("live"), rig.script.command("releaseStream", null, "cam"));
		rig.push(rig.script.command("FCPublish", null, "cam"), rig.script.command("createStream", null));
		expect(rig.messages.map(({ type }) => type).slice(0, 3)).toEqual([5, 6, 20]);
		expect(rig.said.map(([name, transaction]) => [name, transaction])).toEqual([
			["_result", 1],
			["_result", 2],
			["_result", 3],
			["onFCPublish", 0],
			["_result", 4],
		]);
		expect(rig.said[0]![3]).toMatchObject({ code: "NetConnection.Connect.Success", objectEncoding: 0 });
		expect(rig.said[4]![3]).toBe(1);
		rig.push(rig.script.publish("cam?token=abc"));
		expect(rig.requests).toMatchObject([
			{ verb: "publish", app: "live", stream: "cam", protocol: "rtmp", address: "192.0.2.1" },
		]);
		expect(rig.requests[0]!.credentials.query?.get("token")).toBe("abc");
		expect(rig.connection.isWaiting).toBe(true);
		await rig.answered();
		expect([rig.codes.at(-1), rig.connection.isWaiting, rig.goneOn]).toEqual(["NetStream.Publish.Start", false, 1]);
		expect(rig.connection.publication?.info.principal).toBe("me");
	});

	test("a client of Enhanced RTMP is told which codecs are carried, and others are not bothered", () => {
		const enhanced = new Rig();
		enhanced.push(HANDSHAKE, enhanced.script.connect("live", [["fourCcList", ["*"]]]));
		const said = enhanced.said[0]![3] as Record<string, unknown>;
		expect(said["fourCcList"]).toEqual(["avc1", "hvc1", "av01", "mp4a", "Opus"]);
		expect(said["capsEx"]).toBe(0);
		const old = new Rig();
		old.push(HANDSHAKE, old.script.connect());
		expect(old.said[0]![3]).not.toHaveProperty("fourCcList");
	});

	test("what a client sends while it is being asked for waits, and is not lost", async () => {
		const rig = new Rig();
		const media = [rig.video(AVC_HEADER), rig.video(avcPicture(true, 1), 40)];
		rig.push(Buffer.concat([rig.script.beginning(), ...media]), rig.video(avcPicture(false, 2), 80));
		expect(rig.accessUnits).toEqual([]);
		await rig.answered();
		expect(rig.accessUnits.map(({ dts }) => dts / 90)).toEqual([40, 80]);
	});

	test("SEC4: without leave the client is told so in RTMP's words, and nothing of it is taken", async () => {
		const rig = new Rig({ grants: false });
		rig.push(rig.script.beginning(), rig.video(AVC_HEADER), rig.video(avcPicture(true, 1)));
		await rig.answered();
		rig.push(rig.video(avcPicture(true, 1)));
		expect(rig.codes.at(-1)).toBe("NetStream.Publish.BadName");
		expect([rig.closes, rig.accessUnits, rig.ends]).toEqual([["NAME_INVALID"], [], []]);
	});

	test("SEC4: media before leave was asked for is left out", () => {
		const rig = new Rig();
		rig.push(HANDSHAKE, rig.script.connect(), rig.video(AVC_HEADER), rig.video(avcPicture(true, 1)));
		expect(rig.connection.counts).toMatchObject({ leftOut: 2, accessUnits: 0 });
	});

	test("who asks to play is told where to go instead", () => {
		const rig = new Rig();
		rig.push(HANDSHAKE, rig.script.connect(), rig.script.command("createStream", null));
		rig.push(rig.script.command("play", null, "cam"));
		expect([rig.codes.at(-1), rig.closes]).toEqual(["NetStream.Play.Failed", ["RTMP_UNSUPPORTED"]]);
	});

	test("a name that is none is refused", () => {
		const rig = new Rig();
		rig.push(rig.script.beginning("../../etc/passwd"));
		expect([rig.codes.at(-1), rig.closes, rig.requests]).toEqual(["NetStream.Publish.BadName", ["NAME_INVALID"], []]);
	});

	test("an unknown command is answered where an answer is wanted", () => {
		const rig = new Rig();
		rig.push(HANDSHAKE, rig.script.connect(), rig.script.command("_checkbw", null));
		expect(rig.said.at(-1)!.slice(0, 2)).toEqual(["_error", 2]);
		expect(rig.connection.isOpen).toBe(true);
	});

	test("an answer that comes when the client has gone ends what it began", async () => {
		const rig = new Rig();
		rig.push(rig.script.beginning());
		const admission = await rig.publications.ask(rig.requests[0]!, rig.connection);
		rig.connection.gone();
		rig.connection.answer(admission);
		expect([rig.ends, rig.publications.list()]).toEqual([[undefined], []]);
	});
});

describe("media", () => {
	test("become access units, with composition times and decode information", async () => {
		const rig = await new Rig().publishing();
		rig.push(rig.video(AVC_HEADER), rig.audio(AAC_HEADER));
		rig.push(
			rig.video(avcPicture(true, 1, 80), 1000),
			rig.audio(aacFrame(9), 1010),
			rig.video(avcPicture(false, 2), 1040),
		);
		expect(rig.accessUnits.map(({ track, pts, dts, key }) => [track, pts / 90, dts / 90, key])).toEqual([
			["video", 1080, 1000, true],
			["audio", 1010, 1010, true],
			["video", 1040, 1040, false],
		]);
		expect(rig.accessUnits[0]!.data).toEqual(hex("00000003 65 01 80"));
		expect(rig.decodes.at(-1)).toMatchObject({ video: { width: 320, height: 180 }, audio: { sampleRateHz: 48_000 } });
		expect(rig.connection.counts).toMatchObject({ videoMessages: 3, audioMessages: 2, accessUnits: 3, mediaBytes: 15 });
	});

	test("run on over the wraps of their time stamps", async () => {
		const rig = await new Rig().publishing();
		rig.push(rig.video(AVC_HEADER));
		// 31 bits, as FFmpeg writes them, and then all 32.
		const times = [2 ** 31 - 20, 20, 60].concat(Array.from({ length: 9 }, (_, n) => 60 + (n + 1) * 2 ** 29));
		for (const ms of times) rig.push(rig.video(avcPicture(true, 1), ms % 2 ** 32));
		const seen = rig.accessUnits.map(({ dts }) => dts / 90);
		const steps = seen.slice(1).map((ms, index) => ms - seen[index]!);
		expect(steps).toEqual([40, 40, ...new Array(9).fill(2 ** 29)]);
	});

	test("of an aggregate come one by one, at its own time", async () => {
		const rig = await new Rig().publishing();
		const part = (type: number, ms: number, body: Uint8Array): Uint8Array => {
			const head = [type, 0, 0, body.length, 0, ms >> 8, ms, 0, 0, 0, 0];
			return Uint8Array.from([...head, ...body, 0, 0, 0, 11 + body.length]);
		};
		const parts = [part(9, 500, AVC_HEADER), part(9, 500, avcPicture(true, 1)), part(9, 540, avcPicture(false, 2))];
		rig.push(rig.script.message(22, Buffer.concat(parts), { ms: 7000, streamId: 1 }));
		expect(rig.accessUnits.map(({ dts }) => dts / 90)).toEqual([7000, 7040]);
		rig.push(rig.script.message(22, Buffer.concat(parts).subarray(0, 30), { ms: 7000, streamId: 1 }));
		expect([rig.closes, rig.ends]).toEqual([["RTMP_SYNTAX"], ["RTMP_SYNTAX"]]);
	});

	test("of several tracks are refused clearly", async () => {
		const rig = await new Rig().publishing();
		rig.push(rig.video(Uint8Array.of(0x96, 0x11, ...Buffer.from("avc1"), 1, 0)));
		expect([rig.closes, rig.codes.at(-1)]).toEqual([["RTMP_UNSUPPORTED"], "NetStream.Failed"]);
		expect(plain(readValues(rig.messages.at(-1)!.body, LIMITS)![3]!)).toMatchObject({
			description: expect.stringContaining("several video tracks") as string,
		});
	});

	test("that are broken are told to the sink, and the connection goes on", async () => {
		const rig = await new Rig().publishing();
		rig.push(rig.video(avcPicture(true, 1)), rig.audio(Uint8Array.of(0x2f, 0)), rig.video(AVC_HEADER));
		rig.push(rig.video(avcPicture(true, 1)));
		expect([rig.faults, rig.accessUnits.length]).toEqual([["FLV_SYNTAX", "STREAM_UNSUPPORTED"], 1]);
	});

	test("audio that comes before its video begins no unit, where metadata say that there is video", async () => {
		const rig = await new Rig().publishing();
		const metadata = writeValues(["@setDataFrame", "onMetaData", new Map<string, AmfValue>([["videocodecid", 7]])]);
		rig.push(rig.script.message(18, metadata, { streamId: 1 }), rig.audio(AAC_HEADER), rig.audio(aacFrame(1)));
		expect([rig.accessUnits.length, rig.connection.counts.dataMessages]).toEqual([1, 1]);
	});
});

describe("the end of a publication", () => {
	test.for(["FCUnpublish", "deleteStream", "closeStream"])("comes by %s, and another may follow", async (name) => {
		const rig = await new Rig().publishing();
		const { script } = rig;
		const command = writeValues([name, 9, null, name === "deleteStream" ? 1 : "cam"]);
		rig.push(script.message(20, command, { chunkStream: 3, streamId: name === "closeStream" ? 1 : 0 }));
		expect([rig.ends, rig.codes.at(-1)]).toEqual([[undefined], "NetStream.Unpublish.Success"]);
		rig.push(script.command("createStream", null), script.publish("other", 2));
		await rig.answered();
		expect(rig.connection.publication?.info.stream).toBe("other");
	});

	test("comes when the connection goes", async () => {
		const rig = await new Rig().publishing();
		rig.connection.gone();
		rig.connection.gone();
		expect([rig.ends, rig.closes, rig.clock.time.pending]).toEqual([[undefined], [], 0]);
	});

	test("comes when another publisher takes over, in words", async () => {
		const rig = await new Rig().publishing();
		await rig.publications.ask(rig.requests[0]!, { isOpen: true, dismiss: () => {} });
		expect(rig.ends).toEqual(["PUBLISHER_REPLACED"]);
		expect([rig.closes, rig.codes.at(-1)]).toEqual([["PUBLISHER_REPLACED"], "NetStream.Failed"]);
	});

	test("comes when no media do, after a ping", async () => {
		const rig = await new Rig().publishing();
		rig.clock.advance(4000);
		rig.push(rig.video(AVC_HEADER), rig.video(avcPicture(true, 1)));
		rig.clock.advance(IDLE_MS / 2);
		expect(rig.messages.at(-1)).toMatchObject({ type: 4 });
		rig.clock.advance(IDLE_MS / 2 - 1);
		// Signs of life, but no media.
		rig.push(rig.video(AVC_HEADER), rig.script.control(3, 1));
		expect(rig.closes).toEqual([]);
		rig.clock.advance(1);
		expect([rig.closes, rig.ends]).toEqual([["PUBLISHER_SILENT"], ["PUBLISHER_SILENT"]]);
		expect(rig.clock.time.pending).toBe(0);
	});
});

describe("limits", () => {
	test.for([
		["says nothing", () => []],
		["stops within the handshake", () => [HANDSHAKE.subarray(0, 700)]],
		["stops behind it", () => [HANDSHAKE]],
		["connects and stops", (script: RtmpScript) => [HANDSHAKE, script.connect()]],
		["connects and only pings", (script: RtmpScript) => [HANDSHAKE, script.connect(), script.control(3, 1)]],
	] as const)("a client that %s is closed in time", ([, pieces]) => {
		const rig = new Rig();
		rig.push(...pieces(rig.script));
		rig.clock.advance(SETUP_MS - 1);
		expect(rig.closes).toEqual([]);
		rig.clock.advance(1);
		expect([rig.closes, rig.clock.time.pending]).toEqual([["RTMP_TIMEOUT"], 0]);
	});

	test("a gate that does not answer has a deadline, too", () => {
		const rig = new Rig();
		rig.push(rig.script.beginning());
		rig.clock.advance(SETUP_MS);
		expect(rig.closes).toEqual(["RTMP_TIMEOUT"]);
	});

	test("SEC7: messages of a byte each are cut off when there are too many", async () => {
		const rig = await new Rig().publishing();
		const one = rig.script.message(9, Uint8Array.of(0), { streamId: 1 });
		let sent = 0;
		for (; rig.closes.length === 0 && sent < 10_000; sent++) rig.push(one);
		expect([rig.closes, rig.ends]).toEqual([["RTMP_LIMIT"], ["RTMP_LIMIT"]]);
		expect(sent).toBeLessThan(6100);
	});

	test("a publisher of 400 messages a second is let be", async () => {
		const rig = await new Rig().publishing();
		rig.push(rig.audio(AAC_HEADER));
		for (let second = 0; second < 60; second++) {
			for (let n = 0; n < 400; n++) rig.push(rig.audio(aacFrame(1)));
			rig.clock.advance(1000);
		}
		expect(rig.closes).toEqual([]);
	});

	test.for([
		["AMF nested too deep", () => [...deep(20)]],
		["AMF of too many keys", () => [...writeValues([keys(300)])]],
		["AMF3", () => [0x11, 1]],
		["AMF that ends early", () => [3, 0, 9, 1]],
	] as const)("SEC7: %s ends the connection", ([, argument]) => {
		const rig = new Rig();
		const body = Uint8Array.from([...writeValues(["connect", 1]), ...argument()]);
		rig.push(HANDSHAKE, rig.script.message(20, body, { chunkStream: 3 }));
		expect(rig.closes).toEqual(["RTMP_SYNTAX"]);
	});

	test("the received bytes are acknowledged by the client's window", async () => {
		const rig = await new Rig().publishing();
		rig.push(rig.script.control(5, 100_000));
		for (let ms = 0; ms < 300; ms++) rig.push(rig.video(new Uint8Array(1000).fill(0x27), ms));
		const acknowledgements = rig.messages.filter(({ type }) => type === 3);
		expect(acknowledgements.length).toBe(3);
		const last = Buffer.from(acknowledgements.at(-1)!.body).readUInt32BE();
		const { receivedBytes } = rig.connection.counts;
		expect(last).toBeGreaterThan(receivedBytes - HANDSHAKE.length - 100_000);
		expect(last).toBeLessThanOrEqual(receivedBytes - HANDSHAKE.length);
	});

	test("a ping is answered with what it said", async () => {
		const rig = await new Rig().publishing();
		rig.push(rig.script.message(4, hex("0006 01020304"), { chunkStream: 2 }));
		expect(rig.messages.at(-1)).toMatchObject({ type: 4, body: hex("0007 01020304") });
	});
});

const deep = (levels: number): Uint8Array => {
	let value: AmfValue = "x";
	for (let level = 0; level < levels; level++) value = [value];
	return writeValues([value]);
};

const keys = (count: number): AmfValue => new Map(Array.from({ length: count }, (_, index) => [`k${index}`, index]));

test("whatever comes, nothing is thrown, the end is told once, and cuts change nothing", () => {
	const script = new RtmpScript();
	const whole = Buffer.concat([
		script.beginning(),
		script.message(9, AVC_HEADER, { streamId: 1 }),
		script.message(8, AAC_HEADER, { streamId: 1 }),
		...[1, 2, 3].map((n) => script.message(9, avcPicture(n === 1, n), { ms: 40 * n, streamId: 1 })),
		script.command("deleteStream", null, 1),
	]);
	const changes = fc.array(fc.tuple(fc.nat(whole.length - 1 - HANDSHAKE.length), fc.nat(255)), { maxLength: 8 });
	const run = (bytes: Uint8Array, cuts: readonly number[]): unknown[] => {
		const accessUnits: AccessUnit[] = [];
		const faults: string[] = [];
		const machine = new RtmpMachine({
			accessUnit: (accessUnit) => accessUnits.push(accessUnit),
			fault: ({ message }) => faults.push(message),
		});
		const { connection, closes } = machine;
		let from = 0;
		for (const to of [...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b)) {
			connection.push(bytes.slice(from, to));
			from = to;
		}
		expect(closes.length).toBeLessThanOrEqual(1);
		expect(machine.sentLate).toBe(0);
		expect(connection.heldBytes).toBeLessThanOrEqual(2 * bytes.length + 16 * 1024);
		connection.gone();
		return [accessUnits, faults, closes.map(String)];
	};
	fc.assert(
		fc.property(changes, fc.array(fc.nat(), { maxLength: 12 }), (made, cuts) => {
			const bytes = Uint8Array.from(whole);
			for (const [at, value] of made) bytes[HANDSHAKE.length + at] = value;
			expect(run(bytes, cuts)).toEqual(run(bytes, []));
		}),
		{ numRuns: 400 },
	);
});
