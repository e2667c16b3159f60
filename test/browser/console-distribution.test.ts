/**
 * The console's pages about the distribution of packets, at a real server whose engine in this process's own language
 * sends a real publisher's packets on: they show what flows, what does not and why, and change who gets it.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startChromium } from "../kit/chromium.ts";
import { eventually } from "../kit/eventually.ts";
import { type Penstock, SMALL_LADDER, SMALL_TEST_SOURCE, startPenstock } from "../kit/penstock.ts";
import { ConsolePage, type Look } from "./console-page.ts";

const HOST = "127.0.0.1";
/** Of the publisher, a packet at a time. */
const EVERY_MS = 5;
/** Less than it publishes. */
const SLOW_PPS = 20;

let browser: Browser;
let penstock: Penstock;
/** Takes packets, and counts them. */
let receiver: Socket;
let slow: Socket;
let received = 0;
let mediaPort: number;
let publishing: ReturnType<typeof setInterval> | undefined;
const sockets = new Set<Socket>();

async function socketAt(): Promise<Socket> {
	const socket = createSocket("udp4");
	sockets.add(socket.once("close", () => sockets.delete(socket)));
	socket.bind({ address: HOST });
	await once(socket, "listening");
	return socket;
}

/** A port that was free a moment ago. */
async function freeUdpPort(): Promise<number> {
	const socket = await socketAt();
	const { port } = socket.address();
	socket.close();
	await once(socket, "close");
	return port;
}

/** RTP for as long as the tests run. */
async function publish(port: number): Promise<void> {
	const socket = await socketAt();
	let number = 0;
	publishing = setInterval(() => {
		const packet = Buffer.alloc(500);
		packet.writeUInt16BE(0x8060, 0);
		packet.writeUInt16BE(number++ & 0xffff, 2);
		socket.send(packet, port, HOST);
	}, EVERY_MS);
}

beforeAll(async () => {
	browser = await startChromium();
	[receiver, slow, mediaPort] = [await socketAt(), await socketAt(), await freeUdpPort()];
	receiver.on("message", () => received++);
	const configured = { name: "configured", match: `${HOST}:${await freeUdpPort()}`, media: "ts", receivers: [] };
	penstock = await startPenstock({ channels: {}, distribution: { engine: "node", rules: [configured] } });
	const receivers = [
		{ address: HOST, port: receiver.address().port },
		{ address: HOST, port: slow.address().port, maxPacketsPerSecond: SLOW_PPS },
	];
	const rule = { match: `${HOST}:${mediaPort}`, media: "rtp", receivers };
	expect((await penstock.call("PUT", "/api/v1/rules/cam-1", rule)).status).toBe(201);
	await publish(mediaPort);
	await eventually(async () => expect(received).toBeGreaterThan(0));
}, 60_000);

afterAll(() => {
	clearInterval(publishing);
	for (const socket of sockets) socket.close();
});

const endpoint = (socket: Socket): string => `${HOST}:${socket.address().port}`;

const LOOKS: readonly Look[] = [360, 1280].flatMap((width) => [
	{ width, scheme: "light" as const },
	{ width, scheme: "dark" as const },
]);

describe.each(LOOKS)("at $width px, $scheme", (look) => {
	test("the rules and a rule open without a complaint, fit the window, and hinder nobody", async () => {
		const console = await ConsolePage.open(browser, penstock.api, "#/", look);
		for (const [hash, heading, row] of [
			["#/distribution", "Distribution", "cam-1"],
			["#/rule/cam-1", "Rule cam-1", endpoint(receiver)],
			["#/rule/configured", "Rule configured", undefined],
		] as const) {
			await console.go(hash);
			await console.page.getByRole("heading", { level: 1, name: heading }).waitFor();
			if (row === undefined) await console.page.getByText("Nobody gets these packets.").waitFor();
			else await console.page.getByRole("row", { name: row }).waitFor();
			expect(await console.page.title(), hash).toBe(`${heading} – Penstock`);
			expect(await console.overflow(), hash).toBe(0);
			expect(await console.seriousFindings(), hash).toEqual([]);
			expect(console.complaints, hash).toEqual([]);
		}
		await console.close();
	}, 120_000);
});

test("the engine, what flows through it and what it does not send are shown, live", async () => {
	const console = await ConsolePage.open(browser, penstock.api, "#/distribution");
	const { page } = console;
	await page.locator(".fact", { hasText: "Engine" }).getByText("up").waitFor();
	await page.locator(".fact", { hasText: "Why this one" }).getByText("engine node, as configured").waitFor();
	const rate = (text: string | null): number => Number(/([\d,.]+) \/s/.exec(text ?? "")?.[1]?.replace(",", "") ?? 0);
	const tile = page.locator(".tile", { hasText: "Media in" }).locator(".figure");
	await eventually(async () => expect(rate(await tile.textContent())).toBeGreaterThan(20), 20_000);
	// One receiver takes all, the other as many as its rule allows.
	const row = page.getByRole("row", { name: "cam-1" });
	await eventually(async () => {
		const [incoming, outgoing] = [row.locator("td").nth(3), row.locator("td").nth(4)];
		const [into, out] = [rate(await incoming.textContent()), rate(await outgoing.textContent())];
		expect(into).toBeGreaterThan(20);
		expect(out).toBeGreaterThan(into);
	}, 20_000);
	await page.getByRole("row", { name: "packet-rate over the receiver's packets per second copy not sent" }).waitFor();
	await page.getByLabel("Find").fill("nothing");
	await page.getByText("No rule fits this search.").waitFor();
	await page.getByLabel("Find").fill("cam rtp");
	await page.getByRole("link", { name: "cam-1" }).click();
	const slowRow = page.getByRole("row", { name: endpoint(slow) });
	await slowRow.getByText(/packet-rate/).waitFor();
	await eventually(async () => {
		const shown = rate(await slowRow.locator("td").nth(1).textContent());
		expect(shown).toBeGreaterThan(SLOW_PPS / 2);
		expect(shown).toBeLessThan(SLOW_PPS * 1.5);
	}, 20_000);
	expect(console.complaints).toEqual([]);
	await console.close();
}, 120_000);

test("a receiver is added and gets packets, and is removed after a question and gets none", async () => {
	const added = await socketAt();
	let arrived = 0;
	added.on("message", () => arrived++);
	const console = await ConsolePage.open(browser, penstock.api, "#/rule/cam-1");
	const { page } = console;
	await page.getByLabel("New receiver").fill(endpoint(added));
	await page.getByRole("button", { name: "Add" }).click();
	await page
		.getByRole("status")
		.getByText(`${endpoint(added)} gets the packets of cam-1.`)
		.waitFor();
	await eventually(async () => expect(arrived).toBeGreaterThan(10));
	await page
		.getByRole("row", { name: endpoint(added) })
		.getByText("ready")
		.waitFor();

	const remove = page.getByRole("button", { name: `Remove ${endpoint(added)} …` });
	await remove.click();
	const dialog = page.getByRole("dialog", { name: "Remove this receiver?" });
	await dialog.getByRole("button", { name: "Cancel" }).click();
	await remove.press("Enter");
	await dialog.getByRole("button", { name: "Remove the receiver" }).click();
	await page
		.getByRole("status")
		.getByText(`${endpoint(added)} was removed from cam-1.`)
		.waitFor();
	const before = received;
	arrived = 0;
	await eventually(async () => expect(received).toBeGreaterThan(before + 20));
	expect(arrived).toBe(0);
	await console.close();
}, 60_000);

test("what the server does not allow is told in its words, and a configured rule offers no change", async () => {
	const console = await ConsolePage.open(browser, penstock.api, "#/rule/cam-1");
	const { page } = console;
	for (const [text, code] of [
		["203.0.113.5:6000", "RULE_NETWORK"],
		["nowhere", "RULE_INVALID"],
	] as const) {
		await page.getByLabel("New receiver").fill(text);
		await page.getByRole("button", { name: "Add" }).click();
		await page.getByRole("status").getByText(code).waitFor();
		expect(await page.getByLabel("New receiver").inputValue()).toBe(text);
	}
	await console.go("#/rule/configured");
	await page.getByText("This rule is changed in the configuration.").waitFor();
	expect(await page.getByLabel("New receiver").count()).toBe(0);
	await console.go("#/rule/none");
	await page.getByText("There is no such rule; it may have been deleted.").waitFor();
	await console.close();
}, 60_000);

test("a server that distributes nothing says so, and one without rules how to make one", async () => {
	const [without, empty] = [
		await startPenstock({
			channels: { demo: { source: SMALL_TEST_SOURCE, onDemand: true, renditions: SMALL_LADDER } },
		}),
		await startPenstock({ channels: {}, distribution: { engine: "node" } }),
	];
	const off = await ConsolePage.open(browser, without.api, "#/distribution");
	await off.page.getByText("This server distributes no packets").waitFor();
	expect(off.complaints).toEqual([]);
	await off.close();
	const none = await ConsolePage.open(browser, empty.api, "#/distribution");
	await none.page.getByText("There are no rules yet; penstock rules add makes one.").waitFor();
	await none.page.getByText("Everything was sent.").waitFor();
	expect(none.complaints).toEqual([]);
	await none.close();
	await Promise.all([without.stop(), empty.stop()]);
}, 60_000);
