/**
 * A viewer of a push stream that decides for itself: every half second its rule looks at what has arrived, and another
 * rendition means another GET. A push stream is limited by its encoder, so what arrives tells of the network only when
 * the stream is late; to learn whether the next rendition would do, the client downloads it beside its own for half a
 * second. A sketch of the idea behind LAS (Live Adaptive Streaming), not of a product.
 *
 * In the client's favour: the test shares one connection, so that it pays no second handshake, and a switch loses and
 * repeats nothing: the old response ends with its unit, the new one starts with the next. A new GET costs a handshake,
 * the request's way, and slow start; it begins to flow when the old response has left the network, since the model's
 * link carries one connection at a time.
 */
import { ClientLink, type PushOrder } from "./client-link.ts";
import type { Contender, RunResult, World } from "./model.ts";
import { Player } from "./player.ts";

const RULE_EVERY_MS = 500;
/** Of what the network takes, what a rendition may need. */
const UTILISATION = 0.8;
/** What arrived in so long a time counts. */
const WINDOW_MS = 1000;
/** Media that arrives so much later than its encoder gave it, and a round trip, is late. */
const LATE_MS = 250;
const TEST_MS = 500;
/** From a change or a test to the next test. */
const PATIENCE_MS = 5000;
/** Of the player's target buffer: with less there is no test. */
const TEST_BUFFER = 0.8;
/** And with less than this a test has failed. */
const LEAST_BUFFER = 0.5;

interface Arrival extends PushOrder {
	readonly at: number;
}

interface Test {
	readonly rung: number;
	readonly orderedAt: number;
	firstAt: number | undefined;
	/** Of the stream and of the test, since the first. */
	bytes: number;
	/** When the test's media was no longer late: from then on its encoder sets the pace. */
	caughtUpAt: number | undefined;
}

export const lasContender = (name: string): Contender => ({
	name,
	run: (world) => new LasRun(world).run(name),
});

class LasRun {
	readonly #world: World;
	readonly #player: Player;
	readonly #link: ClientLink;
	/** What is on its way or has just come. */
	readonly #coming: Arrival[] = [];
	readonly #window: { readonly at: number; readonly bytes: number }[] = [];
	#rung = 0;
	/** Of the newest media: how long after its encoder gave it it was here. */
	#ageMs = 0;
	#test: Test | undefined;
	#quietSince: number;
	#switchUntil = 0;

	constructor(world: World) {
		this.#world = world;
		this.#player = new Player(world);
		this.#quietSince = world.joinAt;
		this.#link = new ClientLink(world, (at, order) => this.#coming.push({ at, ...order }));
	}

	run(contender: string): RunResult {
		const { joinAt, endAt } = this.#world;
		for (let now = joinAt; now < endAt; now += RULE_EVERY_MS / 10) {
			this.#link.runUntil(now);
			this.#arrive(now);
			this.#followTest(now);
			if (Math.round((now - joinAt) / (RULE_EVERY_MS / 10)) % 10 === 0) this.#rule(now);
		}
		this.#link.runUntil(endAt);
		this.#arrive(endAt);
		return this.#player.result(contender);
	}

	#arrive(now: number): void {
		while (this.#coming.length > 0 && this.#coming[0]!.at <= now) {
			const arrival = this.#coming.shift()!;
			this.#window.push({ at: arrival.at, bytes: arrival.bytes });
			this.#countTest(arrival);
			if (arrival.isTest) continue;
			this.#ageMs = arrival.at - arrival.from;
			this.#player.receive(arrival.at, arrival.from, arrival.to, arrival.rung, arrival.bytes);
		}
		this.#player.advance(now);
		while (this.#window.length > 0 && this.#window[0]!.at <= now - WINDOW_MS) this.#window.shift();
	}

	#rule(now: number): void {
		if (now < this.#switchUntil || this.#test !== undefined) return;
		const { rungs } = this.#world.setting.ladder;
		if (this.#isLate(this.#ageMs, now)) {
			const rateBps = (this.#window.reduce((sum, { bytes }) => sum + bytes, 0) * 8000) / WINDOW_MS;
			const fitting = rungs.findLastIndex(({ bitrateBps }) => bitrateBps <= UTILISATION * rateBps);
			if (this.#rung > 0 && fitting < this.#rung) this.#switchTo(Math.max(0, fitting), now);
			return;
		}
		const mayTest = this.#player.bufferedMs >= TEST_BUFFER * this.#world.setting.bufferMs;
		if (this.#rung === rungs.length - 1 || now - this.#quietSince < PATIENCE_MS || !mayTest) return;
		this.#test = { rung: this.#rung + 1, orderedAt: now, firstAt: undefined, bytes: 0, caughtUpAt: undefined };
		this.#link.startTest(this.#rung + 1, now);
	}

	#isLate(ageMs: number, now: number): boolean {
		return ageMs > LATE_MS + this.#world.link.roundTrip(now);
	}

	#countTest(arrival: Arrival): void {
		const test = this.#test;
		if (test === undefined) return;
		if (test.firstAt !== undefined && test.caughtUpAt === undefined) test.bytes += arrival.bytes;
		if (!arrival.isTest) return;
		test.firstAt ??= arrival.at;
		if (!this.#isLate(arrival.at - arrival.from, arrival.at)) test.caughtUpAt ??= arrival.at;
	}

	/** After half a second of test media, up, if both streams together came fast enough for the better one. */
	#followTest(now: number): void {
		const test = this.#test;
		if (test === undefined) return;
		// The test must not starve the stream: it has failed before that.
		const failed = this.#player.bufferedMs < LEAST_BUFFER * this.#world.setting.bufferMs;
		if (!failed && now < (test.firstAt ?? now + TEST_MS) + TEST_MS) return;
		this.#test = undefined;
		this.#quietSince = now;
		this.#link.endTest(now);
		if (failed) return;
		const lastedMs = (test.caughtUpAt ?? now) - (test.firstAt ?? now);
		const rateBps = lastedMs > 0 ? (test.bytes * 8000) / lastedMs : 0;
		if (this.#world.setting.ladder.rungs[test.rung]!.bitrateBps <= UTILISATION * rateBps)
			this.#switchTo(test.rung, now);
	}

	#switchTo(rung: number, now: number): void {
		this.#rung = rung;
		this.#quietSince = now;
		this.#switchUntil = this.#link.get(rung, now);
	}
}
