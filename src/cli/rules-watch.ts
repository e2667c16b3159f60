/** `penstock rules watch`: once a second what each rule gets and sends, from two readings of its counters. */
import type { Clock, Timer } from "../base/clock.ts";
import type { DistributionSnapshot, RuleSummary } from "../server/api-distribution-model.ts";
import type { ApiCaller } from "./api-caller.ts";
import { columns, faultLines, matchText, sumOf } from "./rule-tables.ts";

const EVERY_MS = 1000;
/** On a terminal: to its upper left corner, and away with what was there. */
const AFRESH = "\u001b[H\u001b[J";

interface Reading {
	readonly at: number;
	readonly distribution: DistributionSnapshot;
	readonly rules: readonly RuleSummary[];
}

export interface RuleRates {
	readonly name: string;
	readonly receivers: number;
	readonly receivedPacketsPerSecond: number;
	readonly receivedBitsPerSecond: number;
	readonly sentPacketsPerSecond: number;
	readonly sentBitsPerSecond: number;
	readonly dropsPerSecond: number;
	readonly fault?: string;
}

interface WatchOptions {
	readonly asJson: boolean;
	readonly clock: Clock;
	/** When to stop. */
	readonly ended: Promise<unknown>;
}

/** @throws PenstockError where the API cannot be asked, the first time or later */
export async function watchRules(api: ApiCaller, { asJson, clock, ended }: WatchOptions): Promise<void> {
	let before = await read(api, clock);
	let over = false;
	const end = ended.then(() => {
		over = true;
	});
	for (;;) {
		await nextSecond(clock, end);
		if (over) return;
		const now = await read(api, clock);
		const rates = ratesOf(before, now);
		if (asJson) {
			const { kind, state } = now.distribution.engine;
			process.stdout.write(`${JSON.stringify({ engine: kind, state, rules: rates })}\n`);
		} else {
			process.stdout.write(`${process.stdout.isTTY ? AFRESH : ""}${page(now, rates)}\n`);
		}
		before = now;
	}
}

async function nextSecond(clock: Clock, end: Promise<void>): Promise<void> {
	let timer: Timer | undefined;
	const tick = new Promise<void>((resolve) => {
		timer = clock.after(EVERY_MS, resolve);
	});
	await Promise.race([tick, end]);
	timer?.cancel();
}

async function read(api: ApiCaller, clock: Clock): Promise<Reading> {
	const [distribution, { rules }] = await Promise.all([
		api.call<DistributionSnapshot>({ path: "/api/v1/distribution" }),
		api.call<{ readonly rules: readonly RuleSummary[] }>({ path: "/api/v1/rules" }),
	]);
	return { at: clock.now(), distribution, rules };
}

/** Counters of a rule that is new, or of an engine that began again, count from 0. */
function ratesOf(before: Reading, now: Reading): readonly RuleRates[] {
	const seconds = Math.max(0.001, (now.at - before.at) / 1000);
	const sameRun = before.distribution.engine.instance === now.distribution.engine.instance;
	const old = new Map(sameRun ? before.rules.map((rule) => [rule.name, rule]) : []);
	return now.rules.map((rule) => {
		const was = old.get(rule.name);
		const rate = (value: number, then = 0): number => Math.round(Math.max(0, value - then) / seconds);
		return {
			...{ name: rule.name, receivers: rule.receivers },
			receivedPacketsPerSecond: rate(rule.received.packets, was?.received.packets),
			receivedBitsPerSecond: 8 * rate(rule.received.bytes, was?.received.bytes),
			sentPacketsPerSecond: rate(rule.sent.packets, was?.sent.packets),
			sentBitsPerSecond: 8 * rate(rule.sent.bytes, was?.sent.bytes),
			dropsPerSecond: rate(sumOf(rule.drops), was && sumOf(was.drops)),
			...(rule.fault !== undefined && { fault: rule.fault }),
		};
	});
}

function page({ distribution, rules }: Reading, rates: readonly RuleRates[]): string {
	const { kind, backend, state, trouble } = distribution.engine;
	const engine = kind === backend ? kind : `${kind} (${backend})`;
	const rows = rates.map((rate, index) => [
		...[rate.name, matchText(rules[index]!), String(rate.receivers)],
		...[String(rate.receivedPacketsPerSecond), bits(rate.receivedBitsPerSecond)],
		...[String(rate.sentPacketsPerSecond), bits(rate.sentBitsPerSecond), String(rate.dropsPerSecond)],
	]);
	return [
		`engine ${engine} is ${state}${trouble === undefined ? "" : `: ${trouble}`}`,
		columns([["rule", "takes", "receivers", "in/s", "in", "out/s", "out", "dropped/s"], ...rows], 2),
		...rates.flatMap((rate) =>
			faultLines(rate.fault === undefined ? { name: rate.name } : { ...rate, fault: rate.fault }),
		),
	].join("\n");
}

const bits = (perSecond: number): string =>
	perSecond >= 1e6 ? `${(perSecond / 1e6).toFixed(1)} Mbit/s` : `${(perSecond / 1e3).toFixed(1)} kbit/s`;
