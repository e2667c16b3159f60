/**
 * What a server can know of a link: on links of known rates, with round trips of 30 and 80 ms, the rate as it is told
 * by the burst at a unit's start and by when that was acknowledged, looked at in several ways; as a share of the true
 * rate. `--quick` takes BBR, 30 ms and units of 0.5 s; `--json FILE` keeps every burst.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createShapedLink } from "../test/kit/shaped-link.ts";
import type { SenderReport, SenderSettings, SentBurst } from "./kit/link-sender.ts";
import { quantile } from "./kit/report.ts";

interface Case {
	readonly kind: "tun" | "tbf";
	readonly rateBps: number;
	readonly meanBps: number;
	readonly rttMs: number;
	readonly congestion: "bbr" | "cubic";
	readonly unitMs: number;
}

interface Measured {
	readonly of: Case;
	readonly report: SenderReport;
}

const SENDER = fileURLToPath(new URL("./kit/link-sender.ts", import.meta.url));
const PORT = 7000;
/** IP and TCP with time stamps, of each packet of 1500 bytes. */
const PAYLOAD_SHARE = 1448 / 1500;
const SETTLE_MS = 2000;
/** Links measured at the same time: each needs a few per cent of a core, and punctually. */
const AT_ONCE = 3;
const RECEIVER = `require("net").connect(${PORT}, process.argv[1]).on("error", () => {}).resume()`;

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, json: { type: "string" } } });

function cases(): Case[] {
	const [means, rates] = [
		[0.5e6, 1.2e6, 3e6],
		[1e6, 2e6, 4e6, 6e6, 10e6, 20e6],
	];
	const all: Case[] = [];
	for (const kind of ["tun", "tbf"] as const)
		for (const rttMs of kind === "tun" ? [30, 80] : [0])
			for (const congestion of ["bbr", "cubic"] as const)
				for (const unitMs of [500, 1000])
					for (const rateBps of rates)
						for (const meanBps of means.filter((mean) => mean < 0.9 * rateBps))
							all.push({ kind, rateBps, meanBps, rttMs, congestion, unitMs });
	if (!values.quick) return all.filter(({ kind, congestion }) => kind === "tun" || congestion === "bbr");
	return all.filter(
		({ kind, rttMs, congestion, unitMs }) => kind === "tun" && rttMs === 30 && congestion === "bbr" && unitMs === 500,
	);
}

async function measure(of: Case): Promise<Measured> {
	const { kind, rateBps, meanBps, rttMs, congestion, unitMs } = of;
	// Half a second of the link, and room for a burst of the largest rendition.
	const queueBytes = Math.max(100_000, rateBps / 16);
	const link = await createShapedLink({ kind, down: { rateBps, queueBytes }, rttMs });
	try {
		const durationMs = values.quick ? 6000 : 10_000;
		const settings: SenderSettings = { port: PORT, durationMs, settleMs: SETTLE_MS, meanBps, unitMs, congestion };
		const sender = link.start(link.near, process.execPath, [SENDER, JSON.stringify(settings)], { keepBytes: 2 ** 24 });
		await sender.waitForLine(/^listening$/);
		const receiver = link.start(link.far, process.execPath, ["-e", RECEIVER, link.near.address]);
		const [, text] = await sender.waitForLine(/^report (.+)$/, durationMs + 20_000);
		await receiver.stop();
		return { of, report: JSON.parse(text!) as SenderReport };
	} finally {
		await link.remove();
	}
}

async function measureAll(list: readonly Case[]): Promise<Measured[]> {
	const rest = [...list];
	const measured: Measured[] = [];
	const work = async (): Promise<void> => {
		for (let next = rest.shift(); next !== undefined; next = rest.shift()) measured.push(await measure(next));
	};
	await Promise.all(Array.from({ length: AT_ONCE }, work));
	return measured;
}

interface TimedBurst extends SentBurst {
	readonly of: Case;
	/** What the link lets through of a stream's own bytes. */
	readonly trueBps: number;
}

const burstsOf = (measured: readonly Measured[]): TimedBurst[] =>
	measured.flatMap(({ of, report }) =>
		report.bursts.map((burst) => ({ ...burst, of, trueBps: of.rateBps * PAYLOAD_SHARE })),
	);

/** Shares of the true rate at p10, p50 and p90, and how many bursts gave none. */
function shares(bursts: readonly TimedBurst[], method: string): string {
	const found: number[] = [];
	for (const { estimates, trueBps } of bursts) {
		const estimate = estimates[method];
		if (typeof estimate === "number") found.push(estimate / trueBps);
	}
	if (found.length === 0) return "-";
	const [low, middle, high] = [0.1, 0.5, 0.9].map((share) => quantile(found, share).toFixed(2));
	const none = Math.round(100 * (1 - found.length / bursts.length));
	return `${middle} (${low}–${high})${none > 0 ? ` ${none}% none` : ""}`;
}

function table(title: string, bursts: readonly TimedBurst[], keyOf: (burst: TimedBurst) => string): void {
	if (bursts.length === 0) return;
	const methods = Object.keys(bursts[0]!.estimates);
	const keys = [...new Set(bursts.map(keyOf))];
	console.log(`\n${title}: estimate / true rate, p50 (p10–p90)\n`);
	console.log(`| method | ${keys.join(" | ")} |`);
	console.log(`| --- |${" --- |".repeat(keys.length)}`);
	for (const method of methods) {
		const cells = keys.map((key) =>
			shares(
				bursts.filter((burst) => keyOf(burst) === key),
				method,
			),
		);
		console.log(`| ${method} | ${cells.join(" | ")} |`);
	}
	console.log(`| bursts | ${keys.map((key) => bursts.filter((burst) => keyOf(burst) === key).length).join(" | ")} |`);
}

const measured = await measureAll(cases());
const bursts = burstsOf(measured);
/** As long on the way as `fast` says, or less. */
const duration = ({ bytes, trueBps }: TimedBurst): string => {
	const ms = (bytes * 8000) / trueBps;
	const limits = [5, 10, 20, 40, 80, 1e9];
	return `train ≤ ${limits.find((limit) => ms <= limit)} ms`.replace("≤ 1000000000", "> 80");
};
const tun = bursts.filter(({ of }) => of.kind === "tun").sort((a, b) => a.bytes / a.trueBps - b.bytes / b.trueBps);
table("tun link, by how long the burst takes on the link", tun, duration);
table("tun link, by congestion control and round trip", tun, ({ of }) => `${of.congestion} ${of.rttMs} ms`);
const paced = (burst: TimedBurst): string => (burst.pacingBps < 1.25 * burst.trueBps ? "paced < 1.25 ×" : "not paced");
table("tun link, by pacing rate against the link's", tun, paced);
table(
	"tc tbf, by rate",
	bursts.filter(({ of }) => of.kind === "tbf"),
	({ of }) => `${of.rateBps / 1e6} Mbit/s`,
);
const looks = measured.map(({ report }) => report.looksPerSecond);
console.log(
	`\nlooks of the server's tracker: ${quantile(looks, 0.5).toFixed(1)} a second, at most ${quantile(looks, 1).toFixed(1)}`,
);
console.log(`bursts that could not be timed: ${measured.reduce((sum, { report }) => sum + report.untimed, 0)}`);
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(measured));
process.exit(0);
