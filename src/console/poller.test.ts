import { expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { Poller } from "./poller.ts";

/** What a poller needs of a document, and a way to hide it. */
class Visibility extends EventTarget {
	hidden = false;

	set(hidden: boolean): void {
		this.hidden = hidden;
		this.dispatchEvent(new Event("visibilitychange"));
	}
}

function rig() {
	const clock = new ManualClock();
	const page = new Visibility();
	const rounds: { readonly signal: AbortSignal; readonly end: () => void }[] = [];
	const round = (signal: AbortSignal): Promise<void> => {
		const { promise, resolve } = Promise.withResolvers<void>();
		rounds.push({ signal, end: resolve });
		return promise;
	};
	const poller = new Poller(clock, page as unknown as Document, round);
	return { clock, page, poller, rounds };
}

const settled = async (): Promise<void> => {
	for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};

test("a round a second, and none before the one under way has ended", async () => {
	const { clock, poller, rounds } = rig();
	poller.again();
	clock.advance(5_000);
	expect(rounds).toHaveLength(1);
	rounds[0]!.end();
	await settled();
	clock.advance(1);
	expect(rounds).toHaveLength(2);
	rounds[1]!.end();
	await settled();
	clock.advance(999);
	expect(rounds).toHaveLength(2);
	clock.advance(1);
	expect(rounds).toHaveLength(3);
});

test("a hidden page asks nothing, and asks at once when it is shown again", async () => {
	const { clock, page, poller, rounds } = rig();
	poller.again();
	page.set(true);
	expect(rounds[0]!.signal.aborted).toBe(true);
	rounds[0]!.end();
	await settled();
	clock.advance(60_000);
	poller.again();
	expect(rounds).toHaveLength(1);
	page.set(false);
	expect(rounds).toHaveLength(2);
	expect(rounds[1]!.signal.aborted).toBe(false);
});

test("the newest round takes the place of the one under way, which then counts for nothing", async () => {
	const { clock, poller, rounds } = rig();
	poller.again();
	poller.again();
	expect(rounds.map(({ signal }) => signal.aborted)).toEqual([true, false]);
	rounds[0]!.end();
	await settled();
	clock.advance(10_000);
	expect(rounds).toHaveLength(2);
	rounds[1]!.end();
	await settled();
	clock.advance(1);
	expect(rounds).toHaveLength(3);
});
