/** From turns to results: delays, first pictures, and what is compared with what. */
import { median, quantile, type Result } from "../kit/report.ts";
import { type Contender, RENDERERS } from "./contenders.ts";
import type { Stage } from "./stage.ts";
import { frozenMs, playTurn, type Turn, type TurnTimes } from "./turn.ts";

/** Everybody once a round, and each is the first now and then. */
export async function playRounds(
	stage: Stage,
	contenders: readonly Contender[],
	{ rounds, times }: { readonly rounds: number; readonly times: TurnTimes },
): Promise<readonly Turn[]> {
	const turns: Turn[] = [];
	for (let round = 0; round < rounds; round++) {
		for (let index = 0; index < contenders.length; index++) {
			turns.push(await playTurn(stage, contenders[(index + round) % contenders.length]!, times));
		}
	}
	return turns;
}

const agesOf = ({ sightings }: Turn): number[] => sightings.map(({ ageMs }) => ageMs);

export function delayResults(turns: readonly Turn[]): Result[] {
	const byName = Map.groupBy(turns, ({ contender }) => contender.name);
	const middles = new Map([...byName].map(([name, own]) => [name, quantileOfRounds(own, 0.5)]));
	return [...byName].flatMap(([name, own]) => {
		const samples = own.reduce((sum, { sightings }) => sum + sightings.length, 0);
		const value = middles.get(name)!;
		return [
			{ name: `${name}.p50Ms`, value, unit: "ms", samples, ...against(own[0]!.contender, value, middles) },
			{ name: `${name}.p95Ms`, value: quantileOfRounds(own, 0.95), unit: "ms", samples },
			{ name: `${name}.seenShare`, value: median(own.map((turn) => turn.seenShare)), unit: "ratio", samples },
			{ name: `${name}.frozenShare`, value: frozenShare(own), unit: "ratio", samples },
		];
	});
}

/** Each turn's, and of those the median. */
const quantileOfRounds = (turns: readonly Turn[], share: number): number =>
	median(turns.map((turn) => quantile(agesOf(turn), share)));

function frozenShare(turns: readonly Turn[]): number {
	const watchedMs = turns.reduce((sum, { sightings }) => sum + sightings.at(-1)!.atMs - sightings[0]!.atMs, 0);
	return turns.reduce((sum, { sightings }) => sum + frozenMs(sightings), 0) / watchedMs;
}

function against({ group }: Contender, value: number, middles: ReadonlyMap<string, number>): Partial<Result> {
	const hls = middles.get("hls");
	if (hls === undefined || !isOurs(group)) return {};
	return { vs: "hls.js, same encode, same run; below 1 is less delay", ratio: value / hls };
}

const isOurs = (group: string): boolean => RENDERERS.some((renderer) => renderer === group);

const PEERS = { vsHls: "hls", vsHlsDefault: "hlsDefault", vsNodeMediaServer: "nodeMediaServer" } as const;

/** How many times less delay each kind of renderer has, in the packaging in which it has the most. */
export function comparisons(results: readonly Result[]): Result[] {
	const of = (name: string): Result | undefined => results.find((result) => result.name === `${name}.p50Ms`);
	return RENDERERS.flatMap((renderer) => {
		const ours = results.filter(({ name }) => name.startsWith(`${renderer}.`) && name.endsWith(".p50Ms"));
		if (ours.length === 0) return [];
		const worst = Math.max(...ours.map(({ value }) => value));
		return Object.entries(PEERS).flatMap(([name, peer]) => {
			const theirs = of(peer);
			if (theirs === undefined) return [];
			return [{ name: `${renderer}.${name}`, value: theirs.value / worst, unit: "times", samples: theirs.samples }];
		});
	});
}

/** From the call of play, in a page that is there, to the first picture seen; without a name, that of WebCodecs. */
export function firstFrameResults(turns: readonly Turn[]): Result[] {
	const groups = [...Map.groupBy(turns, ({ contender }) => contender.group)];
	const ours = groups.filter(([group]) => group === RENDERERS[0]).map(([, own]) => ["", own] as const);
	const named = groups.map(([group, own]) => [`.${group}`, own] as const);
	return [...ours, ...named].flatMap(([group, own]) => {
		const taken = own.map(({ firstFrameMs }) => firstFrameMs);
		const result = { unit: "ms", samples: taken.length };
		return [
			{ name: `firstFrame${group}.p50Ms`, value: quantile(taken, 0.5), ...result },
			{ name: `firstFrame${group}.p95Ms`, value: quantile(taken, 0.95), ...result },
		];
	});
}
