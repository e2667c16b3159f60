import fc from "fast-check";
import { expect, test } from "vitest";
import { name, picture } from "../../test/kit/access-units.ts";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import type { Name } from "../base/name.ts";
import { milliseconds } from "../base/units.ts";
import { Channel } from "../channel/channel.ts";
import type { Allocate, Packaging } from "../media/packaging.ts";
import type { Decision } from "../switching/state.ts";
import { SwitchControl } from "../switching/switch-control.ts";
import { tourPolicy } from "../switching/tour.ts";
import { LaneSet } from "./lane-set.ts";
import type { Transport } from "./transport.ts";
import { Viewer } from "./viewer.ts";

const HIGH = name("high");
const LOW = name("low");

/** Packets of two bytes, which are their number; `high` takes three for an access unit, `low` one, a hole two. */
const numbered: Packaging = {
	extension: "num",
	contentType: "application/octet-stream",
	numbering: {
		count: (piece) => piece.length / 2,
		shift(piece, offset) {
			const view = new DataView(piece.buffer, piece.byteOffset, piece.length);
			for (let at = 0; at < piece.length; at += 2) view.setUint16(at, view.getUint16(at) + offset);
		},
	},
	refusal: () => undefined,
	responseStart: () => undefined,
	openUnit({ rendition }) {
		let number = 0;
		const put = (packets: number, allocate: Allocate): Uint8Array => {
			const piece = allocate(packets * 2);
			const view = new DataView(piece.buffer, piece.byteOffset, piece.length);
			for (let at = 0; at < piece.length; at += 2) view.setUint16(at, number++);
			return piece;
		};
		return {
			write: (_, allocate) => put(rendition === HIGH ? 3 : 1, allocate),
			close: (allocate) => put(1, allocate),
		};
	},
	hole(_, allocate) {
		const piece = allocate(4);
		piece.set([0, 0, 0, 1]);
		return piece;
	},
};

/** Takes everything at once, while it is open. */
class Sink implements Transport {
	readonly buffers: Buffer[] = [];
	open = true;
	progress = 0;

	get idle(): boolean {
		return this.open;
	}

	look(): undefined {
		return undefined;
	}

	send(bytes: Buffer): void {
		this.buffers.push(bytes);
	}

	sendAll(buffers: readonly Buffer[]): void {
		this.buffers.push(...buffers);
	}

	end(): void {}

	destroy(): void {}

	get numbers(): number[] {
		const all = Buffer.concat(this.buffers);
		return Array.from({ length: all.length / 2 }, (_, index) => all.readUInt16BE(index * 2));
	}
}

function rig(): {
	channel: Channel;
	watch: () => { sink: Sink; viewer: Viewer; want: (to: Name) => void };
	clock: ManualClock;
} {
	const clock = new ManualClock();
	const channel = new Channel({
		renditions: [HIGH, LOW],
		unitMs: milliseconds(1000),
		ringMs: milliseconds(6000),
		clock,
	});
	const lanes = new LaneSet(channel);
	const watch = () => {
		let next: Decision = { kind: "hold", because: { cause: "policy", text: "test" } };
		const viewer = new Viewer({
			...{ id: "v", lanes, packaging: numbered, chunked: false, wish: "auto", clock },
			maxLag: milliseconds(3000),
			switchPatience: milliseconds(500),
			control: new SwitchControl(tourPolicy({ stay: milliseconds(1000) })),
			decide: () => next,
			onSwitch: () => {},
			onDrop: () => {},
		});
		const sink = new Sink();
		viewer.start(sink);
		const want = (to: Name): void => {
			next = { kind: "switch", to, because: { cause: "policy", text: "test" } };
		};
		return { sink, viewer, want };
	};
	return { channel, watch, clock };
}

function feedUnit(channel: Channel, clock: ManualClock, second: number): void {
	clock.advanceTo(second * 1000);
	for (const rendition of [HIGH, LOW]) channel.appendVideo(rendition, picture(second * 1000, { key: true }));
	for (const rendition of [HIGH, LOW]) channel.appendVideo(rendition, picture(second * 1000 + 500));
}

test("packet numbers run on without a gap, whoever switches, stalls, skips and joins when", () => {
	const step = fc.record({
		who: fc.nat(2),
		what: fc.constantFrom("high", "low", "stall", "resume", "join"),
	});
	fc.assert(
		fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
			const { channel, watch, clock } = rig();
			feedUnit(channel, clock, 1);
			const viewers = [watch()];
			for (const [index, { who, what }] of steps.entries()) {
				const { sink, viewer, want } = viewers[who % viewers.length]!;
				if (what === "join" && viewers.length < 3) viewers.push(watch());
				else if (what === "stall") sink.open = false;
				else if (what === "resume") {
					sink.open = true;
					viewer.pump();
				} else want(what === "high" ? HIGH : LOW);
				feedUnit(channel, clock, index + 2);
			}
			for (const { sink } of viewers) {
				const { numbers } = sink;
				const first = numbers[0]!;
				expect(numbers).toEqual(numbers.map((_, index) => (first + index) % 65_536));
			}
		}),
		{ numRuns: 200 },
	);
});

test("only who has switched gets bytes of its own", () => {
	const { channel, watch, clock } = rig();
	feedUnit(channel, clock, 1);
	const [one, other, switcher, another] = [watch(), watch(), watch(), watch()];
	feedUnit(channel, clock, 2);
	for (const { want } of [switcher, another]) want(HIGH);
	feedUnit(channel, clock, 3);
	const third = watch();
	feedUnit(channel, clock, 4);
	expect(other.sink.buffers.every((buffer, index) => buffer === one.sink.buffers[index])).toBe(true);
	// Who comes later starts with the lane's count, and shares too.
	expect(third.sink.buffers.at(-1)).toBe(one.sink.buffers.at(-1));
	expect(another.sink.buffers.at(-1)).not.toBe(switcher.sink.buffers.at(-1));
	expect(another.sink.numbers).toEqual(switcher.sink.numbers);
	expect(switcher.sink.numbers).toEqual(switcher.sink.numbers.map((_, index) => index));
});
