/** What MPEG-TS keeps as every packaging does, and what only a transport stream has: clocks, counters, packets. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { anySequence, anyUnit, fresh } from "../../../test/kit/random-units.ts";
import { describeReader, readAll } from "../../../test/kit/reader-contract.ts";
import { writeResponse } from "../../../test/kit/switching-units.ts";
import { mpegTs } from "./mpegts.ts";
import { NO_PCR, PACKET_BYTES, packetCounter, packetHasPayload, packetPcr, packetPid } from "./packet.ts";
import { MOST_PES_BYTES } from "./pes-assembler.ts";
import { AUDIO_PID, VIDEO_PID } from "./program.ts";
import { MpegTsReader } from "./reader.ts";

const NO_FAULTS = {
	syncLosses: 0,
	skippedBytes: 0,
	continuityErrors: 0,
	badPackets: 0,
	psiCrcErrors: 0,
	badPes: 0,
	badPayloads: 0,
};
/** A start code of three bytes becomes a length of four. */
const GROWTH = 4 / 3;

describeReader("MPEG-TS", {
	packaging: mpegTs,
	open: (sink) => new MpegTsReader(sink),
	codes: ["MPEGTS_SYNTAX", "STREAM_UNSUPPORTED"],
	mostHeld: (pushed) => Math.min(2 * MOST_PES_BYTES + 564, pushed * GROWTH),
	heldAtRest: 0,
	heldAtEnd: 0,
	growth: GROWTH,
	tick: 1,
	wrap: 2 ** 33,
	tracksAhead: false,
	carriesPreSkip: false,
	firstWaits: true, // until sync is proven by 377 bytes
	closesUnits: true,
	bridgesHoles: true,
	lure: Uint8Array.of(1, 2, 0x47),
	counts: ({ counts }) => counts,
	cleanCounts: (response, units) => {
		// A hole announces its jump on every PID: PAT, PMT and tracks.
		const jumps = units.filter(({ overHole }) => overHole).map(({ head }) => 2 + Object.keys(head.decode).length);
		const discontinuities = jumps.reduce((sum, jump) => sum + jump, 0);
		return { ...NO_FAULTS, discontinuities, packets: response.length / PACKET_BYTES };
	},
});

const RUNS = { numRuns: 150 };

test("program clock references never go back and begin 100 ms before the first DTS", () => {
	fc.assert(
		fc.property(anyUnit(), (unit) => {
			const writer = mpegTs.openUnit(unit.head);
			let last = Number.NEGATIVE_INFINITY;
			for (const accessUnit of unit.accessUnits) {
				const bytes = writer.write(accessUnit, fresh);
				for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
					const pcr = packetPcr(bytes, at);
					if (pcr === NO_PCR) continue;
					expect(packetPid(bytes, at)).toBe(unit.head.decode.video ? VIDEO_PID : AUDIO_PID);
					const near = Math.round((accessUnit.dts - pcr) / 2 ** 33) * 2 ** 33 + pcr;
					expect(near).toBeGreaterThanOrEqual(last);
					if (last === Number.NEGATIVE_INFINITY) expect(near).toBe(accessUnit.dts - 9000);
					last = near;
				}
			}
		}),
		RUNS,
	);
});

test("units of different renditions have not one jump of a continuity counter, by a count without the reader", () => {
	fc.assert(
		fc.property(anySequence, (units) => {
			const bytes = writeResponse(mpegTs, units);
			const next = new Map<number, number>();
			for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
				const pid = packetPid(bytes, at);
				const counter = packetCounter(bytes, at);
				const expected = next.get(pid) ?? counter;
				if (packetHasPayload(bytes, at)) expect(counter).toBe(expected);
				else expect(counter).toBe((expected + 15) % 16);
				next.set(pid, packetHasPayload(bytes, at) ? (counter + 1) % 16 : expected);
			}
		}),
		RUNS,
	);
});

test("a unit closes with at most 15 packets for each PID", () => {
	fc.assert(
		fc.property(anyUnit(), (unit) => {
			const writer = mpegTs.openUnit(unit.head);
			for (const accessUnit of unit.accessUnits) writer.write(accessUnit, fresh);
			expect((writer.close(fresh)?.length ?? 0) / PACKET_BYTES).toBeLessThanOrEqual(30);
			expect(writer.close(fresh)).toBeUndefined();
		}),
		RUNS,
	);
});

test("noise never makes the reader throw", () => {
	fc.assert(
		fc.property(
			fc.array(fc.uint8Array({ minLength: 0, maxLength: 183 }), { maxLength: 60 }),
			fc.nat(3),
			(list, pid) => {
				// Every piece is made a packet, so that what is behind the sync byte is tried as well.
				const pids = [0, 0x1000, VIDEO_PID, AUDIO_PID];
				const start = anyUnit({ tracks: "h264+aac" });
				const chunks = list.map((noise, index) => {
					const out = new Uint8Array(PACKET_BYTES).fill(0xff);
					out.set(noise, 4);
					out.set([0x47, 0x40 | (pids[pid]! >> 8), pids[pid]! & 0xff, 0x10 | (index & 0xf)]);
					return out;
				});
				const lead = fc.sample(start, { numRuns: 1, seed: pid })[0]!;
				readAll((sink) => new MpegTsReader(sink), writeResponse(mpegTs, [lead]), ...chunks);
			},
		),
		RUNS,
	);
});
