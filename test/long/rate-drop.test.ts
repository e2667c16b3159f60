/**
 * A link that falls from 10 to 1 Mbit/s and rises again, with real viewers behind it, none of which reports anything:
 * the server sees it from its own side (S11), sends the low rendition from the next unit on, and climbs again. Bounds
 * are generous, for machines are shared; `npm run bench:switching -- --real` has the figures.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PlayEvent } from "../../src/terminal/figures.ts";
import type { Arrivals } from "../kit/arrivals.ts";
import { type LinkedPenstock, startLinkedPenstock } from "../kit/linked-penstock.ts";
import type { RunningProcess } from "../kit/processes.ts";
import { fallAndRise, type RateDrop } from "../kit/rate-drop.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { unprivileged, VLC_ARGUMENTS } from "../kit/witnesses.ts";

const WIDE_BPS = 10e6;
/** What is asked for: decided in 300 ms, a peak of 1.5 s, back in 6 s, high in 10 s. */
const DECISION_MS = 800;
const PEAK_DELAY_MS = 2500;
const DROP: RateDrop = {
	...{ wideBps: WIDE_BPS, narrowBps: 1e6, narrowMs: 7000, settleMs: 2000, unitMs: 500 },
	...{ patienceMs: 25_000, backUnderMs: 500, bufferMs: 1000 },
};

describe("a link of 10 Mbit/s that falls to 1 and rises again", () => {
	let penstock: LinkedPenstock;
	beforeAll(async () => {
		penstock = await startLinkedPenstock({ link: { down: { rateBps: WIDE_BPS, queueBytes: 200_000 }, rttMs: 30 } });
	});
	afterAll(() => penstock.stop());

	/** Low and back to high, with all that is asked of it. */
	async function expectFallAndRise(arrivals: Arrivals, who: string): Promise<void> {
		const { decision, atUnitEnd, ...figures } = await fallAndRise(penstock, arrivals, DROP);
		console.log(`${who}: ${JSON.stringify(figures, (_, value: unknown) => Math.round(Number(value)) || value)}`);
		expect(decision).toMatchObject({ current: "high", to: "low", cause: "network" });
		expect(atUnitEnd).toMatchObject({ kind: "switch", to: "low" });
		expect(figures.decidedMs).toBeLessThan(DECISION_MS);
		expect(figures.peakDelayMs).toBeLessThan(PEAK_DELAY_MS);
		expect(figures.backMs).toBeLessThan(DROP.narrowMs);
		expect(figures.stalledMs).toBeLessThan(PEAK_DELAY_MS - DROP.bufferMs);
		expect(figures.highArrivedMs).toBeLessThan(DROP.patienceMs);
	}

	test("penstock play is moved to low within a unit, loses no frame, and is back on high in seconds", async () => {
		const { arrivals, url } = await penstock.pass();
		const player = penstock.play(url, ["--count-frames"]);
		await expectFallAndRise(arrivals, "penstock play");
		await arrivals.watchUntil(performance.now() + DROP.settleMs);
		const { figures } = await penstock.viewer(await arrivals.id);
		const reported = Object.values(figures).filter((figure) => figure?.source === "reported");
		await player.stop();
		const events = eventsOf(player);
		const end = events.find((event) => event.event === "end")!;
		expect(end).toMatchObject({ framesLost: 0, faults: 0, decoderWarnings: 0, delayBy: "clock" });
		expect(end.switches).toBeGreaterThanOrEqual(3);
		// By the clock in the picture: of its making, the encoder, the link and the decoder.
		expect(end.delayMs).toBeLessThan(1500);
		expect(reported).toEqual([]);
		await arrivals.process.stop();
	});

	test("so is curl | ffmpeg, which could not report if it wanted to", async () => {
		const { arrivals, url } = await penstock.pass();
		const pipe = `curl --silent --no-buffer '${url}' | ffmpeg -hide_banner -v warning -i - -an -f null -`;
		const player = penstock.startViewer("sh", ["-c", pipe]);
		await expectFallAndRise(arrivals, "curl | ffmpeg");
		expect(player.stderr).not.toMatch(/corrupt|error|Invalid/i);
		await arrivals.process.stop();
		await player.exited;
	});

	test("so is VLC", async () => {
		const { arrivals, url } = await penstock.pass();
		const home = makeTempDir("vlc", 0o777);
		const arguments_ = ["-I", "dummy", ...VLC_ARGUMENTS, "--no-audio", "--vout", "dummy", url];
		const player = penstock.startViewer("setpriv", [...asNobody(), "env", `HOME=${home}`, "vlc", ...arguments_]);
		await expectFallAndRise(arrivals, "VLC");
		await player.stop();
		await arrivals.process.stop();
	});
});

/** Network namespaces are root's, and VLC is not for root. */
function asNobody(): string[] {
	const { user } = unprivileged();
	return user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];
}

const eventsOf = (player: RunningProcess): PlayEvent[] =>
	player.stdout
		.split("\n")
		.filter((line) => line.startsWith("{"))
		.map((line) => JSON.parse(line) as PlayEvent);
