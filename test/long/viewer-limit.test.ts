/**
 * `PUT /api/v1/viewers/{id}/limit` makes a viewer's link narrow, so that an operator sees the server answer it: the
 * policy finds the link by itself, goes down, and up again when it is wide.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DecisionSnapshot, ViewerSnapshot } from "../../src/server/api-model.ts";
import { eventually } from "../kit/eventually.ts";
import { openViewer } from "../kit/http-viewer.ts";
import { type Penstock, SMALL_LADDER, SMALL_TEST_SOURCE, startPenstock } from "../kit/penstock.ts";

const LIMIT_BPS = 1_000_000;
/** What may lie in the kernel from before, and comes on top. */
const KERNEL_BYTES = 256 * 1024;
const PATIENCE_MS = 60_000;

let penstock: Penstock;

beforeAll(async () => {
	const [high, ...lower] = SMALL_LADDER;
	penstock = await startPenstock({
		// What a machine that is busy with other tests does is not the point here.
		server: { underDuress: "ignore" },
		switching: { policy: "adaptive" },
		channels: {
			demo: { source: SMALL_TEST_SOURCE, unitMs: 500, renditions: [{ ...high, bitrateBps: 2_500_000 }, ...lower] },
		},
	});
});
afterAll(() => penstock.stop());

test("a viewer of .ts with 1 Mbit/s is led down by the policy, gets no more than that, and is led up again", async () => {
	let received = 0;
	const viewer = await openViewer(`${penstock.http}/live/demo.ts`, {
		onChunk: ({ bytes }) => (received += bytes.length),
	});
	const id = viewer.headers["penstock-viewer"]!;
	const limit = (maxBps: number | null) => penstock.call("PUT", `/api/v1/viewers/${id}/limit`, { maxBps });
	const until = (rendition: RegExp): Promise<ViewerSnapshot> =>
		eventually(async () => {
			const snapshot = await penstock.viewer(id);
			expect(snapshot.rendition).toMatch(rendition);
			return snapshot;
		}, PATIENCE_MS);
	expect(await until(/^high$/)).not.toHaveProperty("maxBps");

	const [narrowedAt, wallAt, before] = [performance.now(), Date.now(), received];
	expect(await limit(LIMIT_BPS)).toMatchObject({ status: 200, body: { id, maxBps: LIMIT_BPS } });
	await until(/^(mid|low)$/);
	// By what the connection has shown, and not by what somebody was told.
	await eventually(async () => {
		const { body } = await penstock.call("GET", `/api/v1/viewers/${id}/decisions`);
		const { decisions } = body as { decisions: DecisionSnapshot[] };
		const since = decisions.filter(({ at, cause }) => Date.parse(at) >= wallAt && cause === "network");
		expect(since.some(({ inputs }) => inputs.network!.capacityBps! < 2 * LIMIT_BPS)).toBe(true);
	}, PATIENCE_MS);
	const seconds = (performance.now() - narrowedAt) / 1000;
	expect((received - before) * 8).toBeLessThan(seconds * LIMIT_BPS + 8 * KERNEL_BYTES);

	expect((await limit(null)).body).not.toHaveProperty("maxBps");
	await until(/^high$/);
	viewer.close();
});

test("a limit of a viewer that has left, or that is none, is refused", async () => {
	expect((await penstock.call("PUT", "/api/v1/viewers/nobody/limit", { maxBps: LIMIT_BPS })).status).toBe(404);
	const viewer = await openViewer(`${penstock.http}/live/demo.flv`, { onChunk: () => undefined });
	const path = `/api/v1/viewers/${viewer.headers["penstock-viewer"]!}/limit`;
	for (const maxBps of [0, 9999, -1, "1M", 1e11, undefined]) {
		expect([maxBps, (await penstock.call("PUT", path, { maxBps })).status]).toEqual([maxBps, 400]);
	}
	viewer.close();
});
