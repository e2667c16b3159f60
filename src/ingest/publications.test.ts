import { describe, expect, test } from "vitest";
import { name, picture } from "../../test/kit/access-units.ts";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { AccessAnswer, AccessRequest } from "../wire/access.ts";
import { type Admission, type PublicationSink, Publications, type Publisher } from "./publications.ts";

const request = (stream = "cam"): AccessRequest => ({
	...{ verb: "publish", app: name("live"), stream: name(stream), protocol: "rtmp" },
	...{ address: "127.0.0.1", credentials: {} },
});

class Client implements Publisher {
	isOpen = true;
	readonly dismissed: string[] = [];

	dismiss({ code }: PenstockError): void {
		this.dismissed.push(code);
	}
}

interface Rig {
	readonly clock: ManualClock;
	readonly publications: Publications;
	/** One for each stream that was opened: "end CODE" at its end. */
	readonly told: string[][];
	/** What the gate says from now on. */
	answer: () => AccessAnswer | Promise<AccessAnswer>;
	asked: number;
}

function makeRig(second: "refuse" | "take-over" = "refuse"): Rig {
	const clock = new ManualClock();
	const told: string[][] = [];
	const open = (): PublicationSink => {
		const mine: string[] = [];
		told.push(mine);
		return {
			accessUnit: ({ pts }) => mine.push(`${pts / 90}`),
			end: (because) => mine.push(`end ${because?.code ?? ""}`.trim()),
		};
	};
	const rig: Rig = {
		...{ clock, told, asked: 0, answer: () => ({ kind: "granted", principal: "me" }) },
		publications: new Publications({
			...{ clock, second, open },
			gate: {
				ask: async () => {
					rig.asked++;
					return await rig.answer();
				},
			},
		}),
	};
	return rig;
}

const settled = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

function granted(admission: Admission): Extract<Admission, { kind: "admitted" }>["publication"] {
	if (admission.kind === "refused") throw admission.error;
	return admission.publication;
}

const refusal = (admission: Admission): string => (admission.kind === "refused" ? admission.error.code : "admitted");

test("a publisher with leave brings access units until it ends, and nothing after that", async () => {
	const { publications, told } = makeRig();
	const publication = granted(await publications.ask(request(), new Client()));
	expect(publications.list()).toMatchObject([{ app: "live", stream: "cam", principal: "me", protocol: "rtmp" }]);
	const { sink } = publication;
	sink.accessUnit(picture(40));
	publication.end();
	publication.end();
	sink.accessUnit(picture(80));
	expect(told).toEqual([["40", "end"]]);
	expect(publications.list()).toEqual([]);
});

test("SEC4: without leave nothing is opened, whether the gate says no or fails", async () => {
	const rig = makeRig();
	rig.answer = () => ({ kind: "refused", error: new PenstockError("NAME_INVALID", "no.") });
	expect(refusal(await rig.publications.ask(request(), new Client()))).toBe("NAME_INVALID");
	rig.answer = () => {
		throw new Error("broken");
	};
	expect(refusal(await rig.publications.ask(request(), new Client()))).toBe("INTERNAL");
	expect([rig.told, rig.publications.list()]).toEqual([[], []]);
});

describe("a second publisher of a stream", () => {
	test("is refused, and the first goes on", async () => {
		const { publications, told } = makeRig("refuse");
		const [first, second] = [new Client(), new Client()];
		const { sink } = granted(await publications.ask(request(), first));
		expect(refusal(await publications.ask(request(), second))).toBe("PUBLISHER_EXISTS");
		sink.accessUnit(picture(40));
		expect([told, first.dismissed]).toEqual([[["40"]], []]);
		expect(refusal(await publications.ask(request("other"), second))).toBe("admitted");
	});

	test("takes over where that is wanted, and the first is told", async () => {
		const { publications, told } = makeRig("take-over");
		const [first, second] = [new Client(), new Client()];
		const former = granted(await publications.ask(request(), first));
		const latter = granted(await publications.ask(request(), second));
		former.sink.accessUnit(picture(40));
		former.end();
		latter.sink.accessUnit(picture(80));
		expect(told).toEqual([["end PUBLISHER_REPLACED"], ["80"]]);
		expect([first.dismissed, second.dismissed]).toEqual([["PUBLISHER_REPLACED"], []]);
		expect(publications.list()).toMatchObject([{ id: latter.info.id }]);
	});

	test("of a hundred that come at once exactly one is let in", async () => {
		const { publications } = makeRig("refuse");
		const all = await Promise.all(Array.from({ length: 100 }, () => publications.ask(request(), new Client())));
		expect(all.filter(({ kind }) => kind === "admitted")).toHaveLength(1);
		expect(publications.list()).toHaveLength(1);
	});

	test("that has gone while the gate thought pushes nobody out", async () => {
		const { publications, told } = makeRig("take-over");
		granted(await publications.ask(request(), new Client()));
		const gone = new Client();
		const asking = publications.ask(request(), gone);
		gone.isOpen = false;
		expect((await asking).kind).toBe("refused");
		expect(told).toEqual([[]]);
	});
});

describe("a right that ends", () => {
	test("is asked for again, and the publication ends when it is not granted again", async () => {
		const rig = makeRig();
		const client = new Client();
		const until = (): AccessAnswer => ({ kind: "granted", principal: "me", until: rig.clock.wall() + 100_000 });
		rig.answer = until;
		granted(await rig.publications.ask(request(), client));
		rig.clock.advance(99_000);
		await settled();
		expect(rig.asked).toBe(1);
		rig.clock.advance(1000);
		await settled();
		expect([rig.asked, client.dismissed]).toEqual([2, []]);
		rig.answer = () => ({ kind: "refused", error: new PenstockError("NAME_INVALID", "revoked.") });
		rig.clock.advance(100_000);
		await settled();
		expect([client.dismissed, rig.told]).toEqual([["NAME_INVALID"], [["end NAME_INVALID"]]]);
		expect(rig.clock.time.pending).toBe(0);
	});

	test("is asked for within half a minute when the wall clock jumps ahead", async () => {
		const rig = makeRig();
		const hour = 3_600_000;
		rig.answer = () => ({ kind: "granted", principal: "me", until: rig.clock.wall() + hour });
		granted(await rig.publications.ask(request(), new Client()));
		rig.clock.time.jumpWall(2 * hour);
		rig.clock.advance(30_000);
		await settled();
		expect(rig.asked).toBe(2);
	});

	test("is not asked for in a circle by a gate that grants what is over", async () => {
		const rig = makeRig();
		rig.answer = () => ({ kind: "granted", principal: "me", until: 0 });
		granted(await rig.publications.ask(request(), new Client()));
		for (let second = 0; second < 10; second++) {
			rig.clock.advance(1000);
			await settled();
		}
		expect(rig.asked).toBeLessThan(15);
	});

	test("is asked for no more when the publisher has left", async () => {
		const rig = makeRig();
		rig.answer = () => ({ kind: "granted", principal: "me", until: rig.clock.wall() + 10_000 });
		granted(await rig.publications.ask(request(), new Client())).end();
		expect(rig.clock.time.pending).toBe(0);
	});
});

test("a publisher can be sent away, one or all", async () => {
	const { publications, told } = makeRig();
	const clients = [new Client(), new Client()];
	const one = granted(await publications.ask(request("one"), clients[0]!));
	granted(await publications.ask(request("two"), clients[1]!));
	const error = new PenstockError("INTERNAL", "the server ends.");
	expect(publications.dismiss(one.info.id, error)).toBe(true);
	expect(publications.dismiss(one.info.id, error)).toBe(false);
	publications.dismissAll(error);
	expect(told).toEqual([["end INTERNAL"], ["end INTERNAL"]]);
	expect(clients.map(({ dismissed }) => dismissed)).toEqual([["INTERNAL"], ["INTERNAL"]]);
});

test("what opens the stream may refuse it, or fail", async () => {
	const clock = new ManualClock();
	const gate = { ask: async (): Promise<AccessAnswer> => ({ kind: "granted", principal: "me" }) };
	const refusing = (open: () => PenstockError): Publications =>
		new Publications({ gate, clock, second: "refuse", open });
	const notFound = refusing(() => new PenstockError("CHANNEL_NOT_FOUND", "no such channel."));
	expect(refusal(await notFound.ask(request(), new Client()))).toBe("CHANNEL_NOT_FOUND");
	const broken = refusing(() => {
		throw new Error("broken");
	});
	expect(refusal(await broken.ask(request(), new Client()))).toBe("INTERNAL");
});

test("a protocol that has asked the gate itself is admitted without it, and never asked again", async () => {
	const rig = makeRig();
	const first = rig.publications.admit(request(), "camera", new Client());
	expect([granted(first).info.principal, rig.asked]).toEqual(["camera", 0]);
	rig.clock.advance(600_000);
	await settled();
	expect([rig.asked, rig.publications.list().length]).toEqual([0, 1]);
	const second = await rig.publications.ask(request(), new Client());
	expect(second).toMatchObject({ kind: "refused", error: { code: "PUBLISHER_EXISTS" } });
});
