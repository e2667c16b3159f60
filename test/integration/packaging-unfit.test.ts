/** A channel in a codec for which not every packaging has a form: a clear refusal, and the way to what works. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { record } from "../kit/recording.ts";
import { TINY_CHANNEL } from "../kit/tiny-ladder.ts";

let penstock: Penstock;

beforeAll(async () => {
	penstock = await startPenstock({
		channels: { new: { ...TINY_CHANNEL, codec: "av1", unitMs: 500 } },
		delivery: { maxViewers: 1 },
	});
	// One that can carry it: from then on everybody knows the codec.
	const recording = await record(`${penstock.http}/live/new.mp4`);
	await recording.until(({ units }) => units.length >= 2);
	recording.viewer.close();
}, 60_000);
afterAll(() => penstock.stop());

test.each(["ts", "rtp"])(
	"AV1 as .%s is refused with the reason and the packagings that would work",
	async (extension) => {
		const response = await fetch(`${penstock.http}/live/new.${extension}`);
		expect(response.status).toBe(406);
		const { error } = (await response.json()) as { error: { code: string; message: string } };
		expect(error.code).toBe("PACKAGING_UNFIT");
		expect(error.message).toMatch(/AV1.*; ask for \/live\/new\.flv, \/live\/new\.mp4\.$/);
		expect((await fetch(`${penstock.http}/live/new.${extension}`, { method: "HEAD" })).status).toBe(406);
	},
);

test("the API names only the packagings that can carry the channel", async () => {
	const { urls } = await penstock.channel("live/new");
	expect(urls).toEqual({ flv: "/live/new.flv", mp4: "/live/new.mp4" });
});

test("who was refused holds no place", async () => {
	await eventually(async () => expect(await penstock.metric("penstock_viewers")).toBe(0));
	const recording = await record(`${penstock.http}/live/new.flv`);
	expect(recording.viewer.status).toBe(200);
	recording.viewer.close();
});
