import { expect, test } from "vitest";
import { ManualClock } from "../../../test/kit/manual-clock.ts";
import { parseRtcp, type ReportBlock } from "../../media/rtp/rtcp.ts";
import { meterFor, ReceiverReports } from "./receiver-reports.ts";

const BLOCK: ReportBlock = {
	...{ ssrc: 7, fractionLost: 64, cumulativeLost: 1, extendedHighest: 13 },
	...{ interarrivalJitter: 5, lastSenderReport: 0, delaySinceSenderReport: 0 },
};

function reporting(block: ReportBlock | undefined) {
	const clock = new ManualClock();
	const sent: { readonly atMs: number; readonly bytes: Uint8Array }[] = [];
	let closed = 0;
	const path = {
		send: (bytes: Uint8Array) => void sent.push({ atMs: clock.now(), bytes }),
		close: () => void closed++,
	};
	const flows = new Map([[0, { takeBlock: () => block }]]);
	const reports = new ReceiverReports({ clock, random: () => 0.5, flows, paths: new Map([[0, () => path]]) });
	return { clock, sent, reports, closed: () => closed };
}

test("the first report comes after half of RFC 3550's interval, the others after the whole of it", () => {
	const { clock, sent } = reporting(BLOCK);
	clock.advance(20_000);
	const interval = 5000 / (Math.E - 1.5);
	const due = [0.5, 1.5, 2.5, 3.5, 4.5].map((times) => times * interval).filter((at) => at < 20_000);
	expect(sent.length).toBe(due.length);
	for (const [index, { atMs }] of sent.entries()) expect(Math.abs(atMs - due[index]!)).toBeLessThan(10);
});

test("each is a compound of one source: what came, and who says it", () => {
	const { clock, sent } = reporting(BLOCK);
	clock.advance(9000);
	const [first, second] = sent.map(({ bytes }) => parseRtcp(bytes));
	expect(first).toMatchObject([
		{ kind: "receiverReport", blocks: [BLOCK] },
		{ kind: "sourceDescription", names: [{ cname: "penstock" }] },
	]);
	expect(second).toEqual(first);
});

test("where nobody can tell what came, the report says that we are there", () => {
	const { clock, sent } = reporting(undefined);
	clock.advance(3000);
	expect(parseRtcp(sent[0]!.bytes)).toMatchObject([
		{ kind: "receiverReport", blocks: [] },
		{ kind: "sourceDescription", names: [{ cname: "penstock" }] },
	]);
});

test("behind the end nothing is sent, and no timer waits", () => {
	const { clock, sent, reports, closed } = reporting(BLOCK);
	reports.end();
	clock.advance(60_000);
	expect([sent.length, closed(), clock.time.pending]).toEqual([0, 1, 0]);
});

test("a medium is measured by the clock of its first format, and by that of pictures where none can be read", () => {
	const medium = { kind: "audio", port: 0, protocol: "RTP/AVP", formats: ["97"] };
	const jitterOf = (rtpmap: string): number => {
		const clock = new ManualClock();
		const meter = meterFor(clock, { ...medium, attributes: [{ name: "rtpmap", value: rtpmap }] });
		const packet = (number: number) => Uint8Array.from([0x80, 97, 0, number, 0, 0, 0, 0, 0, 0, 0, 7, 1]);
		meter.push(packet(1));
		clock.advance(16);
		meter.push(packet(2));
		return meter.takeBlock()!.interarrivalJitter;
	};
	expect([jitterOf("97 opus/48000/2"), jitterOf("nothing of it")]).toEqual([48, 90]);
});
