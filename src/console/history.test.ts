import { expect, test } from "vitest";
import { History, HistoryBook, KEEP_MS } from "./history.ts";

const START = 1_700_000_000_000;

test("samples keep their moments, and what was not known stays unknown", () => {
	const history = new History(2);
	history.add(START, [1, undefined]);
	history.add(START + 1_000, [2, 20]);
	expect(history.times).toEqual([START / 1000, START / 1000 + 1]);
	expect(history.columns).toEqual([
		[1, 2],
		[null, 20],
	]);
});

test("ten minutes are kept and no more", () => {
	const history = new History(1);
	for (let second = 0; second <= 2_000; second++) history.add(START + second * 1_000, [second]);
	expect(history.times.at(-1)! - history.times[0]!).toBe(KEEP_MS / 1000);
	expect(history.columns[0]).toHaveLength(KEEP_MS / 1000 + 1);
	expect(history.columns[0]?.at(-1)).toBe(2_000);
});

test("a burst of samples is bounded, too", () => {
	const history = new History(1);
	for (let sample = 0; sample < 5_000; sample++) history.add(START + sample, [sample]);
	expect(history.times.length).toBeLessThanOrEqual(700);
	expect(history.columns[0]?.at(-1)).toBe(4_999);
});

test("times never run backwards, even where the clock does", () => {
	const history = new History(1);
	history.add(START, [1]);
	history.add(START + 1_000, [2]);
	history.add(START - 60_000, [3]);
	history.add(START + 2_000, [4]);
	expect(history.times).toEqual(history.times.toSorted((a, b) => a - b));
	expect(history.columns[0]).toEqual([1, 3, 4]);
});

test("the book forgets the history that was longest untouched", () => {
	const book = new HistoryBook();
	const first = book.open("first", () => new History(1));
	for (let other = 0; other < 200; other++) book.open(`other ${other}`, () => new History(1));
	expect(book.open("first", () => new History(1))).toBe(first);
	for (let other = 200; other < 500; other++) book.open(`other ${other}`, () => new History(1));
	expect(book.open("first", () => new History(1))).not.toBe(first);
});
