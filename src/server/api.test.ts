import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { Secret } from "../access/secret.ts";
import { PenstockError } from "../base/errors.ts";
import { bitsPerSecond, milliseconds } from "../base/units.ts";
import { createApi } from "./api.ts";
import type { DistributionModel } from "./api-distribution-model.ts";
import { guardRequest } from "./api-guard.ts";
import { ApiLogin } from "./api-login.ts";
import {
	type ApiModel,
	type ChannelSnapshot,
	channelList,
	type DecisionSnapshot,
	decisionList,
	health,
	type ServerSnapshot,
	serverSnapshot,
	type ViewerSnapshot,
	viewerList,
} from "./api-model.ts";
import { type PlayerSnapshot, type PlayersModel, playerList } from "./api-players-model.ts";
import {
	type AccessFigures,
	type PublisherSnapshot,
	type PublishingModel,
	publisherList,
} from "./api-publishing-model.ts";
import type { FiguresRequest, ViewersQuery } from "./api-requests.ts";
import { Pages } from "./pages.ts";

const rendition = (name: string): ChannelSnapshot["renditions"][number] => ({
	name,
	configuredBps: 1_000_000,
	measuredBps: 990_000,
	units: 12,
	aligned: true,
	misaligned: name === "low" ? 2 : 0,
	missing: 0,
	late: 0,
	overlong: 0,
	droppedAccessUnits: 0,
});

const channel = (overrides: Partial<ChannelSnapshot> = {}): ChannelSnapshot => ({
	app: "live",
	stream: "demo",
	state: "running",
	live: true,
	onDemand: false,
	source: "test pattern",
	unitMs: 1000,
	ringMs: 8000,
	newestUnit: { number: 11, timeMs: 11_000 },
	renditions: [rendition("high"), rendition("low")],
	drift: { count: 0 },
	ladder: { state: "running", pid: 7, restarts: 3, speed: 1 },
	viewers: 1,
	urls: { ts: "/live/demo.ts" },
	...overrides,
});

const viewer = (id: string): ViewerSnapshot => ({
	id,
	channel: "live/demo",
	packaging: "ts",
	remoteAddress: "127.0.0.1",
	userAgent: "test",
	connectedAt: "2026-01-01T00:00:00.000Z",
	rendition: "low",
	wish: "auto",
	unit: 11,
	lagMs: 20,
	bytesSent: 1000,
	switches: 0,
	lastSwitches: [],
	drops: { behind: 0 },
	figures: {},
	told: {},
});

const DECISION: DecisionSnapshot = {
	at: "2026-01-01T00:00:01.000Z",
	moment: "unit-end",
	current: "low",
	kind: "switch",
	to: "high",
	cause: "network",
	text: "12 Mbit/s",
	inputs: {
		network: {
			...{ capacityBps: 12_000_000, capacityAgeMs: 20, basis: "train", overdueMs: 0, outstandingBytes: 1400 },
			outstandingMediaMs: 0,
			...{ roundTripMs: 3.5, minRoundTripMs: 2, variability: 0.1, receiverLimited: 0 },
		},
		viewer: { hidden: { value: false, ageMs: 100, source: "reported" } },
		server: { cpuIdle: 0.6, duress: { level: "freeze", text: "too much" } },
		lagMs: 0,
	},
};

/** A model of one channel and one viewer that keeps what it is told. */
class SmallModel implements ApiModel {
	channelNow = channel();
	here: ViewerSnapshot[] = [viewer("v1")];
	figures: FiguresRequest = {};
	query: ViewersQuery = {};
	draining = false;
	duress: "freeze" | "shed" | undefined;
	troubles: readonly string[] = [];
	distribution: DistributionModel | undefined;
	publishing: PublishingModel | undefined;
	players: PlayersModel | undefined;
	access: (() => AccessFigures) | undefined;

	channels(): readonly ChannelSnapshot[] {
		return [this.channelNow];
	}
	server(host: string): ServerSnapshot {
		return {
			...{ version: "1.2.3", nodeVersion: "24.0.0", startedAt: "2026-01-01T00:00:00.000Z", policy: "adaptive" },
			...{ draining: this.draining, viewers: this.here.length, players: 0, distribution: false },
			...{ machine: { cpuIdle: 0.75 }, totals: this.totals() },
			...{ troubles: [...this.troubles], mediaOrigins: [`http://${host}:8080`] },
		};
	}
	viewers(query: ViewersQuery) {
		this.query = query;
		return { viewers: this.here, total: this.here.length };
	}
	viewer(id: string): ViewerSnapshot | undefined {
		return this.here.find((one) => one.id === id);
	}
	decisions(id: string): readonly DecisionSnapshot[] | undefined {
		return this.viewer(id) && [DECISION];
	}
	setWish(id: string, wish: string): void {
		if (!["auto", "high", "low"].includes(wish)) {
			throw new PenstockError("RENDITION_NOT_FOUND", `no rendition ${JSON.stringify(wish)}.`);
		}
		this.here = this.here.map((one) => (one.id === id ? { ...one, wish } : one));
	}
	setFigures(_id: string, figures: FiguresRequest): void {
		this.figures = { ...this.figures, ...figures };
	}
	setLimit(id: string, maxBps: number | null): void {
		this.here = this.here.map((one) => {
			const { maxBps: _, ...rest } = one;
			return one.id !== id ? one : maxBps === null ? rest : { ...rest, maxBps };
		});
	}
	kick(id: string): void {
		this.here = this.here.filter((one) => one.id !== id);
	}
	totals() {
		return {
			viewersAccepted: 5,
			viewersRefused: 1,
			bytesSent: 4321,
			switches: [{ direction: "up", cause: "network", count: 4 }],
			decisions: [{ kind: "hold", direction: "none", cause: "server", count: 8 }],
			policyErrors: 9,
			drops: [{ reason: "behind", count: 2 }],
			left: [{ reason: "closed", count: 3 }],
			requestsRefused: [{ code: "HTTP_MALFORMED", count: 6 }],
			reports: [{ server: "network", result: "stale", count: 7 }],
		};
	}
	machine() {
		return {
			...{ cpuIdle: 0.75, memoryUsed: 0.5, eventLoopDelayMs: milliseconds(3) },
			...{ egress: bitsPerSecond(5e6), egressLimit: bitsPerSecond(9e6), encoderSpeed: 0.9 },
			...(this.duress && { duress: { level: this.duress, text: "too much" } }),
		};
	}
}

let model: SmallModel;
let api: FastifyInstance;

const open = (listenHost = "127.0.0.1", allowedHosts: string[] = [], login?: ApiLogin): Promise<FastifyInstance> =>
	createApi({
		config: { listen: { host: listenHost, port: 0 }, allowedHosts, listChannelsTo404: true, login: undefined },
		...{ model, login },
		pages: new Pages(new Map()),
		log: pino({ level: "silent" }),
		version: "1.2.3",
	});

beforeEach(async () => {
	model = new SmallModel();
	api = await open();
});
afterEach(() => api.close());

type Method = "GET" | "PUT" | "DELETE" | "POST" | "OPTIONS" | "HEAD";

async function ask(method: Method, url: string, payload?: object | string, headers: Record<string, string> = {}) {
	const response = await api.inject({
		method,
		url,
		headers: {
			host: "127.0.0.1:9998",
			...(payload === undefined ? {} : { "content-type": "application/json" }),
			...headers,
		},
		...(payload === undefined ? {} : { payload }),
	});
	const isJson = response.headers["content-type"]?.toString().startsWith("application/json") ?? false;
	return {
		status: response.statusCode,
		headers: response.headers,
		text: response.body,
		json: isJson ? response.json() : undefined,
	};
}

describe("channels and viewers", () => {
	it("are shown as their schemas say", async () => {
		const channels = await ask("GET", "/api/v1/channels");
		expect(channels.status).toBe(200);
		expect(channels.headers["cache-control"]).toBe("no-store");
		expect(channelList.parse(channels.json)).toEqual({ channels: [channel()] });
		expect((await ask("GET", "/api/v1/channels/live/demo")).json).toEqual(channel());
		expect(viewerList.parse((await ask("GET", "/api/v1/viewers")).json)).toEqual({
			viewers: [viewer("v1")],
			total: 1,
		});
		expect((await ask("GET", "/api/v1/viewers/v1")).json).toEqual(viewer("v1"));
	});

	it("that are not there are a 404 which says what there is", async () => {
		const { status, json } = await ask("GET", "/api/v1/channels/live/nothing");
		expect(status).toBe(404);
		expect(json).toEqual({
			error: {
				code: "CHANNEL_NOT_FOUND",
				message: 'CHANNEL_NOT_FOUND: no channel "live/nothing"; there is live/demo.',
			},
		});
		for (const [method, path, body] of [
			["GET", "/api/v1/viewers/v9", undefined],
			["DELETE", "/api/v1/viewers/v9", undefined],
			["PUT", "/api/v1/viewers/v9/rendition", { rendition: "low" }],
			["PUT", "/api/v1/viewers/v9/figures", { cpuIdle: 1 }],
			["PUT", "/api/v1/viewers/v9/limit", { maxBps: null }],
		] as const) {
			const answer = await ask(method, path, body);
			expect([answer.status, answer.json.error.code]).toEqual([404, "VIEWER_NOT_FOUND"]);
		}
	});
});

const PUBLISHER: PublisherSnapshot = {
	id: "7",
	channel: "live/demo",
	protocol: "rtmp",
	remoteAddress: "192.0.2.1",
	principal: "key:studio",
	since: "2026-01-01T00:00:00.000Z",
	video: { codec: "avc1.4D400D", width: 320, height: 180 },
	bytes: 5000,
	bitrateBps: 800_000,
	accessUnits: 12,
	dropped: 3,
	faults: 1,
};

/** One publisher, until it is kicked. */
function onePublisher(): PublishingModel {
	let here = [PUBLISHER];
	return {
		publishers: () => here,
		kick: (id) => {
			const found = here.some((one) => one.id === id);
			here = here.filter((one) => one.id !== id);
			return found;
		},
		received: () => [{ channel: "live/demo", bytes: 5000 }],
		refusals: () => [{ protocol: "http", code: "PUBLISHER_EXISTS", count: 2 }],
		rtmpFaults: () => [{ code: "RTMP_LIMIT", count: 4 }],
	};
}

describe("publishers", () => {
	it("are shown as their schema says, and ended once", async () => {
		await api.close();
		model.publishing = onePublisher();
		api = await open();
		expect(publisherList.parse((await ask("GET", "/api/v1/publishers")).json)).toEqual({ publishers: [PUBLISHER] });
		expect((await ask("GET", "/api/v1/publishers/7")).json).toEqual(PUBLISHER);
		expect((await ask("DELETE", "/api/v1/publishers/7")).status).toBe(204);
		const gone = await ask("DELETE", "/api/v1/publishers/7");
		expect([gone.status, gone.json.error.code]).toEqual([404, "PUBLISHER_NOT_FOUND"]);
		expect((await ask("GET", "/api/v1/publishers/7")).status).toBe(404);
	});

	it("are none where nobody is let in", async () => {
		expect((await ask("GET", "/api/v1/publishers")).json).toEqual({ publishers: [] });
		expect((await ask("DELETE", "/api/v1/publishers/7")).status).toBe(404);
	});

	it("and what the gate has said are counted in the metrics", async () => {
		await api.close();
		model.publishing = onePublisher();
		const hooks = { yes: 1, no: 2, away: 3, kept: 4, lost: 5 };
		const answers = [{ verb: "play", protocol: "http", outcome: "expired", count: 6 }];
		model.access = () => ({ answers, evaluated: 9, hooks });
		api = await open();
		const { text } = await ask("GET", "/metrics");
		for (const line of [
			'penstock_publishers{channel="live/demo",protocol="rtmp"} 1',
			'penstock_published_bytes_total{channel="live/demo"} 5000',
			'penstock_publishers_refused_total{protocol="http",code="PUBLISHER_EXISTS"} 2',
			'penstock_rtmp_faults_total{code="RTMP_LIMIT"} 4',
			'penstock_access_answers_total{verb="play",protocol="http",outcome="expired"} 6',
			"penstock_access_evaluated_total 9",
			'penstock_hook_calls_total{result="away"} 3',
		]) {
			expect(text).toContain(`${line}\n`);
		}
	});
});

const PLAYER: PlayerSnapshot = {
	id: "rtsp-3",
	channel: "live/demo",
	remoteAddress: "192.0.2.2",
	principal: "user:ann",
	since: "2026-01-01T00:00:00.000Z",
	playing: true,
	media: [
		{ kind: "video", transport: "udp", receiver: "192.0.2.2:5000", packets: 90, bytes: 9000 },
		{ kind: "audio", transport: "multicast", receiver: "239.255.80.1:5002" },
	],
};

/** One player, until it is kicked. */
function onePlayer(): PlayersModel {
	let here = [PLAYER];
	return {
		get size() {
			return here.length;
		},
		list: async ({ channel }) => {
			const players = here.filter((one) => channel === undefined || channel === one.channel);
			return { players, total: players.length };
		},
		one: async (id) => here.find((one) => one.id === id),
		kick: (id) => {
			const found = here.some((one) => one.id === id);
			here = here.filter((one) => one.id !== id);
			return found;
		},
		left: () => [{ reason: "PLAYER_KICKED", count: 2 }],
	};
}

describe("players of RTSP", () => {
	it("are shown as their schema says, and ended once", async () => {
		await api.close();
		model.players = onePlayer();
		api = await open();
		const whole = { players: [PLAYER], total: 1 };
		expect(playerList.parse((await ask("GET", "/api/v1/players")).json)).toEqual(whole);
		expect((await ask("GET", "/api/v1/players?channel=live/demo")).json).toEqual(whole);
		expect((await ask("GET", "/api/v1/players?channel=live/other")).json).toEqual({ players: [], total: 0 });
		expect((await ask("GET", "/api/v1/players?limit=0")).json.error.code).toBe("API_REQUEST");
		expect((await ask("GET", "/api/v1/players/rtsp-3")).json).toEqual(PLAYER);
		expect((await ask("GET", "/metrics")).text).toContain(
			'penstock_rtsp_players_left_total{reason="PLAYER_KICKED"} 2\n',
		);
		expect((await ask("DELETE", "/api/v1/players/rtsp-3")).status).toBe(204);
		const gone = await ask("DELETE", "/api/v1/players/rtsp-3");
		expect([gone.status, gone.json.error.code]).toEqual([404, "PLAYER_NOT_FOUND"]);
		expect((await ask("GET", "/api/v1/players/rtsp-3")).status).toBe(404);
	});

	it("are none where RTSP is not spoken", async () => {
		expect((await ask("GET", "/api/v1/players")).json).toEqual({ players: [], total: 0 });
		expect((await ask("DELETE", "/api/v1/players/rtsp-3")).status).toBe(404);
	});
});

describe("where the API asks for its token", () => {
	const TOKEN = "a token of sixteen bytes and more";
	const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
	const basic = (user: string, password: string) => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` });
	const source = { value: new Secret(TOKEN.replaceAll(" ", "_")) };
	const right = TOKEN.replaceAll(" ", "_");
	let clock: ManualClock;

	beforeEach(async () => {
		await api.close();
		clock = new ManualClock();
		api = await open("127.0.0.1", [], await ApiLogin.open({ source, secretsFolder: "/nowhere" }, clock));
	});

	it("SEC6: nothing is told and nothing done without it: routes, metrics, health, pages", async () => {
		for (const [method, path] of [
			["GET", "/api/v1/channels"],
			["GET", "/api/v1/server"],
			["GET", "/api/v1/openapi.json"],
			["GET", "/metrics"],
			["GET", "/healthz"],
			["GET", "/"],
			["GET", "/nothing"],
			["DELETE", "/api/v1/viewers/v1"],
		] as const) {
			const { status, json, headers } = await ask(method, path);
			expect([path, status, json.error.code]).toEqual([path, 401, "API_CREDENTIALS"]);
			expect(headers["www-authenticate"]).toMatch(/^Basic realm=/);
		}
		expect(model.here).toHaveLength(1);
	});

	it("it comes as Bearer, or as the password of any user", async () => {
		for (const headers of [bearer(right), basic("", right), basic("operator", right)]) {
			expect((await ask("GET", "/api/v1/channels", undefined, headers)).status).toBe(200);
		}
		for (const headers of [bearer(""), bearer(`${right}x`), basic(right, ""), { authorization: `Digest ${right}` }]) {
			expect((await ask("GET", "/api/v1/channels", undefined, headers)).status).toBe(401);
		}
	});

	it("SEC20: who guesses waits, and a page that goes on with the wrong one does not count", async () => {
		for (let index = 0; index < 50; index++) {
			expect((await ask("GET", "/api/v1/channels", undefined, bearer("the-same-wrong-one"))).status).toBe(401);
		}
		for (let index = 0; index < 9; index++) await ask("GET", "/", undefined, bearer(`guess-${index}`));
		const held = await ask("GET", "/api/v1/channels", undefined, bearer(right));
		expect([held.status, held.json.error.code]).toEqual([429, "API_RATE"]);
		clock.advance(1000);
		expect((await ask("GET", "/api/v1/channels", undefined, bearer(right))).status).toBe(200);
	});
});

describe("the list of viewers", () => {
	it("is asked for by channel and by part", async () => {
		expect((await ask("GET", "/api/v1/viewers?channel=live/demo&limit=1000&offset=20")).status).toBe(200);
		expect(model.query).toEqual({ channel: "live/demo", limit: 1000, offset: 20 });
		await ask("GET", "/api/v1/viewers");
		expect(model.query).toEqual({});
	});

	it.each([
		["limit=0", 'limit is "0" but must be at least 1'],
		["limit=1001", 'limit is "1001" but must be at most 1000'],
		["limit=all", 'limit is "all" but must be a number'],
		["limit=1.5", 'limit is "1.5" but must be a whole number'],
		["offset=-1", 'offset is "-1" but must be at least 0'],
		["channel=a&channel=b", "channel is a list of 2 but must be text"],
		["chanel=live/demo", 'unknown key "chanel"; did you mean "channel"?'],
	])("is refused for %s", async (query, part) => {
		const { status, json } = await ask("GET", `/api/v1/viewers?${query}`);
		expect([status, json.error.code]).toEqual([400, "API_REQUEST"]);
		expect(json.error.message).toContain(`the query does not fit: ${part}`);
	});
});

describe("the server", () => {
	it("is shown as its schema says, with where streams are by the name that was asked", async () => {
		model.troubles = ["NATS is away"];
		const { status, json } = await ask("GET", "/api/v1/server", undefined, { host: "localhost:9998" });
		expect([status, serverSnapshot.parse(json)]).toEqual([200, json]);
		expect(json).toMatchObject({ mediaOrigins: ["http://localhost:8080"], troubles: ["NATS is away"] });
		expect(json.totals).toEqual(model.totals());
	});
});

describe("decisions", () => {
	it("of a viewer are shown with what they were made from", async () => {
		const { status, json } = await ask("GET", "/api/v1/viewers/v1/decisions");
		expect([status, decisionList.parse(json)]).toEqual([200, { decisions: [DECISION] }]);
		const gone = await ask("GET", "/api/v1/viewers/v9/decisions");
		expect([gone.status, gone.json.error.code]).toEqual([404, "VIEWER_NOT_FOUND"]);
	});
});

describe("commands", () => {
	it("give a viewer a rendition and leave it to the policy again", async () => {
		expect((await ask("PUT", "/api/v1/viewers/v1/rendition", { rendition: "high" })).json.wish).toBe("high");
		expect((await ask("PUT", "/api/v1/viewers/v1/rendition", { rendition: "auto" })).json.wish).toBe("auto");
		const unknown = await ask("PUT", "/api/v1/viewers/v1/rendition", { rendition: "ultra" });
		expect([unknown.status, unknown.json.error.code]).toEqual([404, "RENDITION_NOT_FOUND"]);
	});

	it("report a viewer's figures (S6), all or some", async () => {
		await ask("PUT", "/api/v1/viewers/v1/figures", { bandwidthBps: 10e6, cpuIdle: 0.95, memoryUsed: 0.2 });
		expect((await ask("PUT", "/api/v1/viewers/v1/figures", { cpuIdle: 0.5 })).status).toBe(200);
		expect(model.figures).toEqual({ bandwidthBps: 10e6, cpuIdle: 0.5, memoryUsed: 0.2 });
	});

	it("take everything that a viewer can report", async () => {
		const all: Required<FiguresRequest> = {
			...{ bandwidthBps: 10e6, cpuIdle: 0.95, memoryUsed: 0.2, bufferMs: 800, droppedShare: 0.01 },
			...{ smoothUpTo: "high", hidden: true, maxBitrateBps: 3e6 },
		};
		expect((await ask("PUT", "/api/v1/viewers/v1/figures", all)).status).toBe(200);
		expect(model.figures).toEqual(all);
		expect((await ask("PUT", "/api/v1/viewers/v1/figures", { hidden: false })).status).toBe(200);
		expect(model.figures.hidden).toBe(false);
	});

	it("narrow a viewer's link and widen it again", async () => {
		const limit = async (maxBps: number | null) => (await ask("PUT", "/api/v1/viewers/v1/limit", { maxBps })).json;
		expect(await limit(1_000_000)).toMatchObject({ id: "v1", maxBps: 1_000_000 });
		expect(await limit(null)).toEqual(viewer("v1"));
	});

	it("end a viewer", async () => {
		const { status, text } = await ask("DELETE", "/api/v1/viewers/v1");
		expect([status, text]).toEqual([204, ""]);
		expect(model.here).toEqual([]);
	});

	it.each([
		["rendition", {}, "rendition is missing; it must be text"],
		["rendition", { rendition: 3 }, "rendition is 3 but must be text"],
		["rendition", { rendition: "low", force: true }, 'unknown key "force"'],
		["rendition", { renditon: "low" }, 'did you mean "rendition"?'],
		["rendition", [], "it is a list of 0 but must be a map of keys and values"],
		["figures", {}, "a map with at least one of bandwidthBps, cpuIdle, memoryUsed"],
		["limit", {}, "maxBps is missing; it must be a number or null"],
		["limit", { maxBps: "1M" }, 'maxBps is "1M" but must be a number or null'],
		["limit", { maxBps: 9999 }, "maxBps is 9999 but must be at least 10000"],
		["limit", { maxBps: 1e11 }, "maxBps is 100000000000 but must be at most 10000000000"],
		["limit", { maxBps: 1000000.5 }, "maxBps is 1000000.5 but must be a whole number or null"],
		["figures", { cpuIdle: 90 }, "cpuIdle is 90 but must be at most 1"],
		["figures", { bandwidthBps: -1 }, "bandwidthBps is -1 but must be at least 0"],
		["figures", { droppedShare: 1.5 }, "droppedShare is 1.5 but must be at most 1"],
		["figures", { bufferMs: -1 }, "bufferMs is -1 but must be at least 0"],
		["figures", { hidden: "yes" }, 'hidden is "yes" but must be true or false'],
		["figures", { smoothUpTo: 2 }, "smoothUpTo is 2 but must be text"],
		["figures", { bandwidthBps: "10M" }, 'bandwidthBps is "10M" but must be a number'],
	])("refuse a %s of %j", async (what, body, part) => {
		const { status, json } = await ask("PUT", `/api/v1/viewers/v1/${what}`, body);
		expect([status, json.error.code]).toEqual([400, "API_REQUEST"]);
		expect(json.error.message).toContain(part);
		expect(model.here[0]!.wish).toBe("auto");
		expect(model.figures).toEqual({});
	});

	it("refuse what is no JSON, of another type, or larger than 16 KiB", async () => {
		const path = "/api/v1/viewers/v1/figures";
		const broken = await ask("PUT", path, "{", {});
		const form = await ask("PUT", path, "cpuIdle=1", { "content-type": "application/x-www-form-urlencoded" });
		const text = await ask("PUT", path, '{"cpuIdle":1}', { "content-type": "text/plain" });
		const none = await ask("PUT", path);
		const large = await ask("PUT", path, JSON.stringify({ cpuIdle: 1, pad: "x".repeat(17_000) }));
		expect([broken, form, text, none, large].map(({ status }) => status)).toEqual([400, 415, 415, 400, 413]);
		for (const { json } of [broken, form, text, none, large]) expect(json.error.code).toBe("API_REQUEST");
		expect(model.figures).toEqual({});
	});
});

describe("routes", () => {
	it("that do not exist are answered with those that do", async () => {
		const { status, json } = await ask("GET", "/api/v1/streams");
		expect([status, json.error.code]).toEqual([404, "API_ROUTE"]);
		for (const one of ["GET /api/v1/channels", "PUT /api/v1/viewers/:id/figures", "GET /metrics", "GET /healthz"]) {
			expect(json.error.message).toContain(one);
		}
	});

	it("say which methods they know", async () => {
		for (const [method, path, allow] of [
			["POST", "/api/v1/channels", "GET, HEAD"],
			["DELETE", "/api/v1/viewers/v1/rendition", "PUT"],
			["POST", "/api/v1/viewers/v1?x=1", "GET, HEAD, DELETE"],
		] as const) {
			const { status, headers, json } = await ask(method, path);
			expect([status, headers["allow"], json.error.code]).toEqual([405, allow, "HTTP_METHOD"]);
		}
	});

	it("take a path that is no text as a bad request", async () => {
		const { status, json } = await ask("GET", "/api/v1/viewers/%zz");
		expect([status, json.error.code]).toEqual([400, "API_REQUEST"]);
	});

	it("are described by an OpenAPI document that names no other host", async () => {
		const { json, text } = await ask("GET", "/api/v1/openapi.json");
		expect(json).toMatchObject({ openapi: "3.1.0", info: { title: "Penstock", version: "1.2.3" } });
		expect(Object.keys(json.paths).toSorted()).toEqual([
			"/api/v1/channels",
			"/api/v1/channels/{app}/{stream}",
			"/api/v1/distribution",
			"/api/v1/openapi.json",
			"/api/v1/players",
			"/api/v1/players/{id}",
			"/api/v1/publishers",
			"/api/v1/publishers/{id}",
			"/api/v1/rules",
			"/api/v1/rules/{name}",
			"/api/v1/server",
			"/api/v1/viewers",
			"/api/v1/viewers/{id}",
			"/api/v1/viewers/{id}/decisions",
			"/api/v1/viewers/{id}/figures",
			"/api/v1/viewers/{id}/limit",
			"/api/v1/viewers/{id}/rendition",
			"/healthz",
			"/metrics",
		]);
		const { requestBody, responses } = json.paths["/api/v1/viewers/{id}/rendition"].put;
		expect(requestBody.content["application/json"].schema).toMatchObject({
			type: "object",
			properties: { rendition: { type: "string" } },
			required: ["rendition"],
			additionalProperties: false,
		});
		expect(Object.keys(responses)).toEqual(["200", "400", "404"]);
		expect(text).not.toMatch(/https?:\/\//);
	});
});

describe("a page of another site", () => {
	const hostIs = async (host: string): Promise<number> =>
		(await ask("GET", "/api/v1/channels", undefined, { host })).status;

	it("cannot read under a name of its own (DNS rebinding)", async () => {
		const { status, json } = await ask("GET", "/api/v1/channels", undefined, { host: "evil.example:9998" });
		expect([status, json.error.code]).toEqual([403, "API_HOST"]);
		expect(json.error.message).toContain("api.allowedHosts");
		for (const path of ["/metrics", "/healthz", "/nothing"]) {
			expect((await ask("GET", path, undefined, { host: "evil.example" })).status).toBe(403);
		}
	});

	it.each(["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.2:9998", "[::1]:9998"])(
		"is not what asks %s",
		async (host) => {
			expect(await hostIs(host)).toBe(200);
		},
	);

	it.each([
		"127.0.0.1.evil.example",
		"localhost.evil.example",
		"192.0.2.1",
		"a@localhost",
		"localhost:x",
		"[::1",
		"[::2]",
	])("may be what asks %j", async (host) => {
		expect(await hostIs(host)).toBe(403);
	});

	it("may be what has no Host header", () => {
		const settings = { listenHost: "127.0.0.1", allowedHosts: [] };
		for (const host of [undefined, ""]) {
			expect(() => guardRequest({ method: "GET", host, origin: undefined }, settings)).toThrow(/^API_HOST: /);
		}
	});

	it("may use names that the configuration allows, and any address where the API listens on all", async () => {
		await api.close();
		api = await open("0.0.0.0", ["penstock.example"]);
		expect(
			await Promise.all(["penstock.example:9998", "192.0.2.1", "[2001:db8::1]", "evil.example"].map(hostIs)),
		).toEqual([200, 200, 200, 403]);
	});

	it("cannot change anything", async () => {
		for (const origin of ["https://evil.example", "null", "http://127.0.0.1:8080", "https://127.0.0.1:9998"]) {
			const { status, json } = await ask("DELETE", "/api/v1/viewers/v1", undefined, { origin });
			expect([status, json.error.code]).toEqual([403, "API_ORIGIN"]);
		}
		expect(model.here).toHaveLength(1);
		const own = await ask("DELETE", "/api/v1/viewers/v1", undefined, { origin: "http://127.0.0.1:9998" });
		expect(own.status).toBe(204);
	});

	it("gets no leave to read by CORS", async () => {
		const { headers } = await ask("GET", "/api/v1/viewers", undefined, { origin: "https://evil.example" });
		expect(headers["access-control-allow-origin"]).toBeUndefined();
		expect((await ask("OPTIONS", "/api/v1/viewers/v1")).status).toBe(405);
	});
});

describe("health", () => {
	it("is good while every channel that should run has a picture", async () => {
		const { status, json } = await ask("GET", "/healthz");
		expect([status, health.parse(json)]).toEqual([200, { status: "ok" }]);
	});

	it("says what is down", async () => {
		model.channelNow = channel({
			state: "backing-off",
			live: false,
			ladder: { state: "backing-off", restarts: 4, lastError: "FFMPEG_EXITED: code 1." },
		});
		const { status, headers, json } = await ask("GET", "/healthz");
		expect([status, headers["retry-after"]]).toEqual([503, "5"]);
		expect(json).toEqual({ status: "down", down: ["channel live/demo is backing-off: FFMPEG_EXITED: code 1."] });
	});

	it("does not mind a channel on demand that nobody watches", async () => {
		model.channelNow = channel({ state: "stopped", live: false, onDemand: true });
		expect((await ask("GET", "/healthz")).status).toBe(200);
	});

	it("does not count a channel down that nobody publishes, and one down that somebody does", async () => {
		await api.close();
		model.publishing = onePublisher();
		api = await open();
		model.channelNow = channel({ published: true, live: false, state: "starting" });
		expect((await ask("GET", "/healthz")).status).toBe(503);
		model.publishing.kick(PUBLISHER.id);
		expect((await ask("GET", "/healthz")).status).toBe(200);
	});

	it("says what troubles the server, though all is served", async () => {
		model.troubles = ["NATS is away"];
		const { status, json } = await ask("GET", "/healthz");
		expect([status, health.parse(json)]).toEqual([200, { status: "ok", troubles: ["NATS is away"] }]);
	});

	it("is over when the server drains", async () => {
		model.draining = true;
		expect((await ask("GET", "/healthz")).json).toEqual({ status: "down", down: ["the server is draining"] });
	});
});

describe("metrics", () => {
	it.each([
		["freeze", 1],
		["shed", 2],
	] as const)("show how hard pressed the server is: %s", async (level, value) => {
		model.duress = level;
		expect((await ask("GET", "/metrics")).text.split("\n")).toContain(`penstock_server_duress ${value}`);
	});

	it("are the model's figures of this moment", async () => {
		const first = await ask("GET", "/metrics");
		expect(first.headers["content-type"]).toContain("text/plain");
		for (const line of [
			'penstock_channel_up{channel="live/demo"} 1',
			'penstock_viewers{channel="live/demo",rendition="high"} 0',
			'penstock_viewers{channel="live/demo",rendition="low"} 1',
			'penstock_units_total{channel="live/demo",rendition="low"} 12',
			'penstock_alignment_faults_total{channel="live/demo",rendition="low",kind="misaligned"} 2',
			'penstock_ffmpeg_restarts_total{channel="live/demo"} 3',
			'penstock_switches_total{direction="up",cause="network"} 4',
			'penstock_decisions_total{kind="hold",direction="none",cause="server"} 8',
			"penstock_policy_errors_total 9",
			"penstock_egress_bps 5000000",
			"penstock_egress_limit_bps 9000000",
			"penstock_encoder_speed_min 0.9",
			"penstock_server_duress 0",
			'penstock_drops_total{reason="behind"} 2',
			'penstock_viewers_left_total{reason="closed"} 3',
			'penstock_requests_refused_total{code="HTTP_MALFORMED"} 6',
			'penstock_reports_total{server="network",result="stale"} 7',
			"penstock_bytes_sent_total 4321",
			"penstock_viewers_accepted_total 5",
			"penstock_machine_cpu_idle 0.75",
			"penstock_event_loop_delay_p99_seconds 0.003",
		]) {
			expect(first.text.split("\n")).toContain(line);
		}
		expect(first.text).toMatch(/^process_cpu_user_seconds_total /m);
		model.channelNow = channel({ live: false });
		model.here = [];
		const second = (await ask("GET", "/metrics")).text.split("\n");
		expect(second).toContain('penstock_channel_up{channel="live/demo"} 0');
		expect(second).toContain('penstock_viewers{channel="live/demo",rendition="low"} 0');
		expect(second).toContain('penstock_ffmpeg_restarts_total{channel="live/demo"} 3');
	});

	it("of two servers in one process do not mix", async () => {
		const other = await open();
		expect((await other.inject({ url: "/metrics", headers: { host: "localhost" } })).body).toContain(
			"penstock_viewers",
		);
		await other.close();
		expect((await ask("GET", "/metrics")).text).toContain("penstock_bytes_sent_total 4321");
	});
});
