import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { onCleanup } from "../../test/kit/cleanup.ts";
import { errorBody } from "../delivery/http-answer.ts";
import { ChannelClient } from "./channel-client.ts";

const SECRET = "0123456789abcdef";
const DESCRIPTION = {
	...{ app: "live", stream: "demo", live: true, unitMs: 250, urls: { mp4: "/live/demo.mp4" } },
	...{ renditions: [{ name: "high", available: true }], origins: ["http://127.0.0.1:1"] },
};

/** A server of our own that remembers what it was asked. */
async function serve(answer: (path: string) => readonly [status: number, body: string]) {
	const asked: string[] = [];
	const server = createServer((request, response) => {
		asked.push(`${request.method} ${request.url}`);
		request.resume().on("end", () => {
			const [status, body] = answer(request.url!);
			response.writeHead(status).end(body);
		});
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	onCleanup(() => void server.close());
	onCleanup(() => server.closeAllConnections());
	return { asked, base: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const client = (url: string): ChannelClient => new ChannelClient(new URL(url));

test("a wish stands in the stream's address, and none where there is none", () => {
	const plain = client("https://media.example/live/demo.mp4?token=a%20b");
	expect(plain.streamUrl("auto")).toBe("https://media.example/live/demo.mp4?token=a%20b");
	expect(plain.streamUrl("low")).toBe("https://media.example/live/demo.mp4?token=a+b&rendition=low");
	expect(client("https://media.example/live/demo.ts?rendition=low").streamUrl("auto")).toBe(
		"https://media.example/live/demo.ts",
	);
});

test("players take the described origins in turn, with the same path and query", () => {
	const origins = ["http://media.example:8080", "http://media.example:8081"];
	const moved = [0, 1, 2].map((turn) =>
		client("http://media.example:8080/live/demo.mp4?token=t").spread(origins, turn),
	);
	const urls = moved.map((one) => one.streamUrl("auto"));
	expect(urls).toEqual([0, 1, 0].map((index) => `${origins[index]}/live/demo.mp4?token=t`));
	expect(moved[1]!.reportUrl("status")).toBe("http://media.example:8081/report/status");
});

test("without another origin that can be had, the stream stays where it is", () => {
	const stream = client("https://media.example/live/demo.mp4");
	expect(stream.spread([], 3)).toBe(stream);
	expect(stream.spread(["http://media.example:8080", "no origin"], 3)).toBe(stream);
});

test("what belongs to a stream lies beside it, behind a proxy's path as well", async () => {
	expect(client("https://x.example/media/live/demo.live.flv").reportUrl("network")).toBe(
		"https://x.example/media/report/network",
	);
	const { asked, base } = await serve(() => [200, JSON.stringify(DESCRIPTION)]);
	expect(await client(`${base}/media/live/demo.live.flv?token=t`).describe(0)).toEqual(DESCRIPTION);
	expect(asked).toEqual(["GET /media/live/demo.json"]);
});

test("players that begin together ask for the description once, and again later", async () => {
	const { asked, base } = await serve(() => [200, JSON.stringify(DESCRIPTION)]);
	await Promise.all(["mp4", "flv", "ts"].map((extension) => client(`${base}/live/demo.${extension}`).describe(1000)));
	expect(asked).toHaveLength(1);
	await client(`${base}/live/demo.mp4`).describe(60_000);
	expect(asked).toHaveLength(2);
});

test.for([
	["an error", 404, errorBody("CHANNEL_NOT_FOUND", "no stream.")],
	["no JSON", 200, "<html>"],
	["JSON of something else", 200, '{"renditions": "many"}'],
	["renditions without names", 200, '{"renditions": [{}, null], "origins": []}'],
	["nothing but null", 200, "null"],
] as const)("%s is no description", async ([, status, body]) => {
	const { base } = await serve(() => [status, body]);
	expect(await client(`${base}/live/demo.mp4`).describe(0)).toBeUndefined();
});

test("a wish that is taken is no problem; one that is refused is, in the server's words", async () => {
	const { asked, base } = await serve((path) =>
		asked.length === 1 ? [204, ""] : [404, errorBody("RENDITION_NOT_FOUND", `there is no "best" at ${path}.`)],
	);
	const stream = client(`${base}/live/demo.mp4`);
	expect(await stream.wish(SECRET, "low")).toBeUndefined();
	expect(asked).toEqual(["POST /session/rendition"]);
	expect(await stream.wish(SECRET, "best")).toEqual({
		code: "REFUSED",
		status: 404,
		serverCode: "RENDITION_NOT_FOUND",
		message: 'The wish for rendition "best" was refused (404 Not Found): there is no "best" at /session/rendition.',
	});
});

test("a wish that nobody answers is a problem of the network", async () => {
	const problem = await client("http://127.0.0.1:1/live/demo.mp4").wish(SECRET, "low");
	expect(problem).toMatchObject({ code: "NETWORK", message: expect.stringContaining('"low"') });
});
