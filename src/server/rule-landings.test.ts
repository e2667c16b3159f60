import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { makeTempDir } from "../../test/kit/temp-dir.ts";
import type { PenstockError } from "../base/errors.ts";
import { DEFAULT_LIMITS } from "../distribution/rule-limits.ts";
import { RuleTable } from "../distribution/rule-table.ts";
import { ChannelLandings } from "./rule-landings.ts";

const rule = (media: string) => ({ name: "cam-1", match: "127.0.0.1:5004", media, receivers: [] });
const SOURCE = { kind: "rule", rule: "cam-1" } as const;

function rig() {
	const table = new RuleTable({ clock: new ManualClock(), limits: DEFAULT_LIMITS });
	const waits: PenstockError[] = [];
	const landings = new ChannelLandings(table, "live/cam");
	const land = (source = {}, signal = new AbortController().signal) =>
		landings.land({ ...SOURCE, ...source }, signal, (why) => void waits.push(why));
	const ports = () => table.tapsOf("cam-1").map(({ receiver }) => receiver.port);
	return { table, landings, land, waits, ports };
}

test("a channel gets a rule's packets at a port of the loopback, at one after the other, until it leaves", async () => {
	const { table, landings, land, ports, waits } = rig();
	table.put(rule("ts"));
	const first = await land();
	expect([first.kind, ports()]).toEqual(["ts", [first.port]]);
	const second = await land();
	expect(ports()).toEqual([second.port]);
	expect(table.tapsOf("cam-1")).toMatchObject([{ owner: "channel live/cam", receiver: { address: "127.0.0.1" } }]);
	landings.leave();
	landings.leave();
	expect([ports(), waits]).toEqual([[], []]);
});

test("RTP lands at an even port, with a description of a transport stream or the user's own", async () => {
	const { table, land } = rig();
	table.put(rule("rtp"));
	const plain = await land();
	expect(plain.port % 2).toBe(0);
	expect(plain).toMatchObject({ kind: "rtp", sdp: expect.stringContaining(`m=video ${plain.port} RTP/AVP 33\r\n`) });
	const sdpFile = join(makeTempDir("landing"), "cam.sdp");
	writeFileSync(sdpFile, "v=0\nm=audio 9 RTP/AVP 97\na=rtpmap:97 opus/48000/2\n");
	const own = await land({ sdpFile });
	expect(own).toMatchObject({ sdp: expect.stringContaining(`m=audio ${own.port} RTP/AVP 97\r\na=rtpmap:97 opus`) });
});

test("a rule that is not there is waited for, and the wait ends with the channel", async () => {
	const { table, land, waits, ports } = rig();
	const landing = land();
	await expect.poll(() => waits.map(({ code }) => code)).toEqual(["SOURCE_UNREACHABLE"]);
	table.put({ ...rule("ts"), name: "cam-2", match: "127.0.0.1:5006" });
	table.put(rule("ts"));
	const { port } = await landing;
	expect(ports()).toEqual([port]);
	const ended = new AbortController();
	const other = rig();
	const given = other.land({}, ended.signal);
	ended.abort();
	await expect(given).rejects.toThrow(/abort/);
	other.table.put(rule("ts"));
	expect(other.ports()).toEqual([]);
});

test("what cannot be read as media is refused with the reason", async () => {
	const { table, land, ports } = rig();
	table.put(rule("rtcp"));
	await expect(land()).rejects.toThrow(/SOURCE_UNSUPPORTED: channel live\/cam: rule cam-1 is of RTCP alone/);
	table.put(rule("rtp"));
	const missing = land({ sdpFile: "/nowhere/cam.sdp" });
	await expect(missing).rejects.toThrow(
		/SOURCE_UNREACHABLE: channel live\/cam: \/nowhere\/cam\.sdp cannot be read: ENOENT/,
	);
	expect(ports()).toEqual([]);
});
