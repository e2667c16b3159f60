import { beforeEach, describe, expect, test } from "vitest";
import { name } from "../../../test/kit/access-units.ts";
import { ManualClock } from "../../../test/kit/manual-clock.ts";
import { PenstockError } from "../../base/errors.ts";
import { milliseconds } from "../../base/units.ts";
import { Viewers } from "../../delivery/viewers.ts";
import type { MediaLink, RtspPeer } from "../../rtsp/application.ts";
import { createLog } from "../log.ts";
import { FedFlow } from "./fed-flow.ts";
import { Players } from "./players.ts";
import type { RelayPlayer } from "./relay-player.ts";
import { RelayedStream } from "./relayed-stream.ts";

const PACKET = Uint8Array.from([0x80, 96, 0, 7, 0, 0, 0, 0, 1, 2, 3, 4, 0x65, 0x88]);

let viewers: Viewers;
let players: Players;
let lines: Record<string, unknown>[];
/** Who has left. */
let told: string[];

beforeEach(() => {
	const clock = new ManualClock();
	lines = [];
	told = [];
	viewers = new Viewers({ clock, maxViewers: 2, stallTimeout: milliseconds(15_000) });
	players = new Players({
		places: viewers,
		clock,
		log: createLog({ level: "info", format: "json" }, { write: (line) => lines.push(JSON.parse(line)) }),
		onFault: () => undefined,
	});
});

/** A stream of one medium, on connections alone. */
function streamOf(stream: string): { readonly stream: RelayedStream; readonly flow: FedFlow } {
	const flow = new FedFlow(undefined, undefined);
	const media = [{ kind: "video", port: 0, protocol: "RTP/AVP", formats: ["96"], attributes: [] }];
	const description = { name: stream, attributes: [], media };
	return {
		flow,
		stream: new RelayedStream({ label: `live/${stream}`, description, flows: [flow], multicast: undefined }),
	};
}

function peerOf(id: number): RtspPeer {
	const address = `192.0.2.${id}`;
	return {
		...{ address, localAddress: "192.0.2.100", principal: "user:ann", clientId: `rtsp-${id}` },
		request: { verb: "play", app: name("live"), stream: name("cam"), protocol: "rtsp", address, credentials: {} },
	};
}

/** @param takes whether its client reads */
function join(id: number, stream: RelayedStream, takes: () => boolean = () => true): RelayPlayer {
	const link: MediaLink = {
		...{ send: takes, queuedBytes: 0, alive: () => undefined },
		// As a connection does.
		end: (error) => session.close(error),
	};
	const release = players.reserve();
	if (release instanceof PenstockError) throw release;
	const onLeft = (): void => void told.push(`left ${id}`);
	const session = players.join({ stream, peer: peerOf(id), link, onLeft }, release);
	return session;
}

describe("players", () => {
	test("are shown with what they were sent: RTP that their clients took, and no RTCP", async () => {
		const { stream, flow } = streamOf("cam");
		let reads = true;
		const player = join(1, stream, () => reads);
		const who = {
			...{ id: "rtsp-1", channel: "live/cam", remoteAddress: "192.0.2.1", principal: "user:ann" },
			since: "2026-01-01T00:00:00.000Z",
		};
		expect(await players.one("rtsp-1")).toEqual({ ...who, playing: false, media: [] });
		await player.setUp(0, { kind: "interleaved" });
		await player.start();
		flow.push("rtp", PACKET);
		flow.push("rtcp", PACKET);
		reads = false;
		flow.push("rtp", PACKET);
		const media = [{ kind: "video", transport: "tcp", packets: 1, bytes: PACKET.length }];
		expect(await players.one("rtsp-1")).toEqual({ ...who, playing: true, media });
		await player.pause();
		expect((await players.one("rtsp-1"))?.playing).toBe(false);
	});

	test("are listed by stream, and a part at a time", async () => {
		const [cam, door] = [streamOf("cam").stream, streamOf("door").stream];
		join(1, cam);
		join(2, door);
		const ids = async (query: Parameters<Players["list"]>[0]): Promise<unknown> => {
			const list = await players.list(query);
			return [list.players.map(({ id }) => id), list.total];
		};
		expect(await ids({})).toEqual([["rtsp-1", "rtsp-2"], 2]);
		expect(await ids({ channel: "live/door" })).toEqual([["rtsp-2"], 1]);
		expect(await ids({ limit: 1 })).toEqual([["rtsp-1"], 2]);
		expect(await ids({ offset: 1 })).toEqual([["rtsp-2"], 2]);
	});

	test("have places among all who watch, and give them back once", () => {
		const { stream } = streamOf("cam");
		const first = join(1, stream);
		const release = viewers.reserve();
		expect(() => join(2, stream)).toThrow(/^VIEWERS_LIMIT: the server has 2 viewers/);
		expect([players.size, viewers.totals.refused]).toEqual([1, 1]);
		release();
		join(2, stream);
		expect(() => viewers.reserve()).toThrow(/^VIEWERS_LIMIT/);
		first.close(undefined);
		first.close(undefined);
		viewers.reserve();
		expect(() => viewers.reserve()).toThrow(/^VIEWERS_LIMIT/);
	});

	test("are ended by the operator once, and told apart from those who go", async () => {
		const { stream } = streamOf("cam");
		join(1, stream);
		join(2, stream).close(undefined);
		expect([players.kick("rtsp-1"), players.kick("rtsp-1"), players.kick("rtsp-2")]).toEqual([true, false, false]);
		expect([await players.one("rtsp-1"), stream.players.size]).toEqual([undefined, 0]);
		expect(players.left()).toEqual([
			{ reason: "closed", count: 1 },
			{ reason: "PLAYER_KICKED", count: 1 },
		]);
		expect(told).toEqual(["left 2", "left 1"]);
		expect(lines.filter(({ msg }) => msg === "player left")).toMatchObject([
			{ player: "rtsp-2", channel: "live/cam" },
			{ player: "rtsp-1", code: "PLAYER_KICKED", why: expect.stringMatching(/by the operator/) },
		]);
	});
});
