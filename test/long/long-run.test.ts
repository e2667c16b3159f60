/**
 * Both renderers for some minutes, in Chromium as people have it: what a hidden tab, a network that stands still and a
 * connection that is cut leave behind is neither delay nor memory. `npm run soak:player` is the same for half an hour.
 */
import { beforeAll, expect, test } from "vitest";
import { type ByRenderer, type LongPlay, pass, RENDERERS, type Spell, startLongPlay } from "../kit/long-play.ts";

const SETTLING_MS = 10_000;
const WINDOW_MS = 10_000;
const HIDDEN_MS = 25_000;
const OUTAGE_MS = 5000;
/** Of the playing that is observed. */
const WHOLE_MS = 165_000;
/** How much later than at the start a picture may be shown, medians over 10 s. */
const MOST_DELAY_MS = 50;
/** A busy machine delays pictures for a while, and what was gathered in an outage goes in a moment: creeping never ends. */
const MOST_WINDOWS = 6;
const MOST_HEAP_GROWTH_BYTES = 2 ** 20;

let play: LongPlay;
let start: ByRenderer<Spell>;
let heapAtStart: ByRenderer<number>;
let startedAt: number;

beforeAll(async () => {
	play = await startLongPlay();
	startedAt = performance.now();
	await pass(SETTLING_MS);
	start = await play.observe(WINDOW_MS);
	heapAtStart = await play.heapBytes();
});

const describeSpell = ({ delayP50Ms, delayP95Ms, pictures, dropped, stalls, underruns, sight }: Spell): string =>
	`${sight.state}, delay ${delayP50Ms} ms (p95 ${delayP95Ms}), ${pictures} pictures, dropped ${dropped}, ` +
	`stalls ${stalls}, underruns ${underruns}`;

function tell(what: string, spells: ByRenderer<Spell>): string {
	const lines = RENDERERS.map((renderer) => `${what}: ${renderer} ${describeSpell(spells[renderer])}`);
	console.info(lines.join("\n"));
	return lines.join("; ");
}

/** Both play with the delay that they had at the start. */
async function expectSettled(what: string): Promise<void> {
	let told = "";
	for (let window = 1; window <= MOST_WINDOWS; window++) {
		const now = await play.observe(WINDOW_MS);
		told = tell(`${what}, window ${window}`, now);
		const isSettled = RENDERERS.every((renderer) => {
			const { delayP50Ms, pictures, sight } = now[renderer];
			const late = delayP50Ms - start[renderer].delayP50Ms;
			return sight.state === "playing" && pictures > 0 && late <= MOST_DELAY_MS;
		});
		if (isSettled) return;
	}
	expect.fail(`not as at the start (${tell("start", start)}): ${told}`);
}

test("both play", () => {
	tell("start", start);
	for (const renderer of RENDERERS) {
		const { sight, pictures, problems } = start[renderer];
		expect(sight.statistics?.renderer).toBe(renderer);
		expect(pictures).toBeGreaterThan(WINDOW_MS / 1000);
		expect(problems).toEqual([]);
	}
});

test("a hidden tab plays on, and shows what is new as soon as it is seen", async () => {
	const [hidden] = await Promise.all([play.observe(HIDDEN_MS), play.hide(HIDDEN_MS)]);
	tell("hidden", hidden);
	for (const renderer of RENDERERS) expect(hidden[renderer].problems).toEqual([]);
	await expectSettled("seen again");
}, 120_000);

test("a network that passes nothing for 5 s is a stall, and no delay afterwards", async () => {
	play.relay.hold();
	const held = await play.observe(OUTAGE_MS);
	play.relay.pass();
	tell("held", held);
	for (const renderer of RENDERERS) {
		expect(held[renderer].stalls).toBeGreaterThan(0);
		expect(held[renderer].problems).toEqual([]);
	}
	await play.untilPlaying();
	await expectSettled("passing again");
}, 120_000);

test("a connection that is cut is opened again when the network is there", async () => {
	play.relay.cut();
	const cut = await play.observe(OUTAGE_MS);
	play.relay.pass();
	tell("cut", cut);
	for (const renderer of RENDERERS) {
		expect(cut[renderer].problems.map(({ code }) => code)).toContain("NETWORK");
	}
	await play.untilPlaying();
	await expectSettled("connected again");
}, 120_000);

test("after minutes there is neither more delay nor more memory than at the start", async () => {
	while (performance.now() - startedAt < WHOLE_MS) tell("on", await play.observe(WINDOW_MS));
	await expectSettled("end");
	const heapAtEnd = await play.heapBytes();
	for (const renderer of RENDERERS) {
		const [from, to] = [heapAtStart[renderer], heapAtEnd[renderer]];
		console.info(`${renderer}: JavaScript heap ${(from / 2 ** 20).toFixed(2)} MiB, then ${(to / 2 ** 20).toFixed(2)}`);
		expect(to - from).toBeLessThan(MOST_HEAP_GROWTH_BYTES);
	}
}, 240_000);
