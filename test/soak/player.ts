/**
 * The long form of `test/long/long-run.test.ts`: both renderers for half an hour, hidden, stood still and cut now and
 * then. Prints a line a minute and, at the end, whether delay or memory crept.
 *
 *   npm run soak:player -- [--minutes 30] [--json FILE]
 */
import { parseArgs } from "node:util";
import { type Result, report } from "../../bench/kit/report.ts";
import { type ByRenderer, type LongPlay, pass, RENDERERS, type Spell, startLongPlay } from "../kit/long-play.ts";

const MINUTE_MS = 60_000;
const HIDDEN_MS = 25_000;
const OUTAGE_MS = 5000;
/** After what was done to the players. */
const SETTLING_MS = 15_000;
const MIB = 2 ** 20;
/** What the end may have more than the start. */
const MOST_DELAY_MS = 50;
const MOST_HEAP_BYTES = 2 * MIB;

/** What becomes of the players in a minute; in turn. */
const DEEDS = {
	nothing: async () => {},
	hidden: (play) => play.hide(HIDDEN_MS),
	held: async ({ relay }) => {
		relay.hold();
		await pass(OUTAGE_MS);
		relay.pass();
	},
	cut: async ({ relay }) => {
		relay.cut();
		await pass(OUTAGE_MS);
		relay.pass();
	},
} as const satisfies Readonly<Record<string, (play: LongPlay) => Promise<void>>>;
const TURNS = ["nothing", "hidden", "held", "cut", "nothing"] as const satisfies readonly (keyof typeof DEEDS)[];

interface Minute {
	/** When what was done is over. */
	readonly calm: ByRenderer<Spell>;
	readonly heapBytes: ByRenderer<number>;
	readonly processBytes: number;
}

const { values } = parseArgs({ options: { minutes: { type: "string", default: "30" }, json: { type: "string" } } });
const minutes = Number(values.minutes);
if (!Number.isInteger(minutes) || minutes < 2) throw new Error("--minutes is a whole number, 2 or more.");

const play = await startLongPlay();
await pass(SETTLING_MS);
const seen: Minute[] = [];
for (let minute = 0; minute < minutes; minute++) {
	// The first and the last are compared: both are calm.
	const deed = minute === minutes - 1 ? "nothing" : TURNS[minute % TURNS.length]!;
	seen.push(await playMinute(deed));
	console.log(lineOf(minute + 1, deed, seen.at(-1)!));
}
report("soak-player", RENDERERS.flatMap(resultsOf).concat(processResults()), { jsonFile: values.json });
const faults = RENDERERS.flatMap(faultsOf);
for (const fault of faults) console.error(`soak-player: ${fault}`);
process.exit(faults.length === 0 ? 0 : 1);

async function playMinute(deed: keyof typeof DEEDS): Promise<Minute> {
	const endsAt = performance.now() + MINUTE_MS;
	if (deed !== "nothing") {
		await DEEDS[deed](play);
		await play.untilPlaying();
		await pass(SETTLING_MS);
	}
	const calm = await play.observe(Math.max(SETTLING_MS, endsAt - performance.now()));
	return { calm, heapBytes: await play.heapBytes(), processBytes: await play.processBytes() };
}

function lineOf(minute: number, deed: string, { calm, heapBytes, processBytes }: Minute): string {
	const parts = RENDERERS.map((renderer) => {
		const { delayP50Ms, delayP95Ms, dropped, stalls, underruns } = calm[renderer];
		const counts = `dropped ${dropped} stalls ${stalls} underruns ${underruns}`;
		return `${renderer}: ${delayP50Ms} / ${delayP95Ms} ms, ${counts}, heap ${mib(heapBytes[renderer])}`;
	});
	return `${String(minute).padStart(3)} ${deed.padEnd(7)} | ${parts.join(" | ")} | processes ${mib(processBytes)} MiB`;
}

function resultsOf(renderer: (typeof RENDERERS)[number]): Result[] {
	const [first, last] = ends();
	const ms = (name: string, value: number): Result => ({
		...{ name: `${renderer}.${name}`, value, unit: "ms", samples: last.calm[renderer].pictures },
	});
	const bytes = (name: string, value: number): Result => ({
		...{ name: `${renderer}.${name}`, value: value / MIB, unit: "MiB", samples: 1 },
	});
	const sum = (name: "dropped" | "stalls" | "underruns"): Result => {
		const value = seen.reduce((total, { calm }) => total + calm[renderer][name], 0);
		return { name: `${renderer}.calm.${name}`, value, unit: "count", samples: seen.length };
	};
	return [
		ms("start.p50Ms", first.calm[renderer].delayP50Ms),
		ms("end.p50Ms", last.calm[renderer].delayP50Ms),
		bytes("heapStartMiB", first.heapBytes[renderer]),
		bytes("heapEndMiB", last.heapBytes[renderer]),
		...(["dropped", "stalls", "underruns"] as const).map(sum),
	];
}

function processResults(): Result[] {
	const [first, last] = ends();
	const result = (name: string, value: number): Result => ({ name, value: value / MIB, unit: "MiB", samples: 1 });
	return [result("processes.startMiB", first.processBytes), result("processes.endMiB", last.processBytes)];
}

function faultsOf(renderer: (typeof RENDERERS)[number]): string[] {
	const [first, last] = ends();
	const [from, to] = [first.calm[renderer].delayP50Ms, last.calm[renderer].delayP50Ms];
	const [heapFrom, heapTo] = [first.heapBytes[renderer], last.heapBytes[renderer]];
	const faults: string[] = [];
	// Not a number where nothing was shown, and then not within the bound either.
	if (!(to - from <= MOST_DELAY_MS)) faults.push(`${renderer} began with ${from} ms of delay and ended with ${to}.`);
	if (heapTo - heapFrom > MOST_HEAP_BYTES) {
		faults.push(`${renderer} began with ${mib(heapFrom)} MiB in its JavaScript heap and ended with ${mib(heapTo)}.`);
	}
	return faults;
}

/** The first minute and the last. */
function ends(): readonly [Minute, Minute] {
	return [seen[0]!, seen.at(-1)!];
}

function mib(bytes: number): string {
	return (bytes / MIB).toFixed(2);
}
