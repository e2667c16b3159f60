import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { ResponseReader } from "./http-response.ts";
import { type BodyChunk, openViewer } from "./http-viewer.ts";
import { makeTempDir } from "./temp-dir.ts";

let closeServer: () => void = () => undefined;
afterEach(() => closeServer());

async function serve(listener: RequestListener): Promise<string> {
	const server = createServer(listener).listen(0, "127.0.0.1");
	await once(server, "listening");
	closeServer = () => {
		server.close();
		server.closeAllConnections();
	};
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that says exactly these bytes. */
async function serveRaw(answer: (socket: Socket) => void): Promise<string> {
	const server = createTcpServer((socket) => socket.on("error", () => undefined).once("data", () => answer(socket)));
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	closeServer = () => server.close();
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a viewer", () => {
	it("sees status, header, each chunk of the server and when it came", async () => {
		let asked = "";
		const url = await serve((request, response) => {
			asked = `${request.method} ${request.url} ${request.headers["x-test"]} ${request.socket.remotePort}`;
			response.writeHead(200, { "Content-Type": "video/mp2t", "Set-Cookie": ["a", "b"] });
			response.write("one");
			setTimeout(() => response.end("three"), 30);
		});
		const viewer = await openViewer(`${url}/live/a.ts?x=1`, { headers: { "X-Test": "yes" } });
		expect(asked).toBe(`GET /live/a.ts?x=1 yes ${viewer.localPort}`);
		expect(viewer.status).toBe(200);
		expect(viewer.headers).toMatchObject({ "content-type": "video/mp2t", "set-cookie": "a, b" });
		expect(viewer.rawHead).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
		const chunks: BodyChunk[] = [];
		for await (const chunk of viewer) chunks.push(chunk);
		expect(chunks.map(({ bytes }) => bytes.toString())).toEqual(["one", "three"]);
		expect(chunks[0]!.at).toBeGreaterThanOrEqual(viewer.sentAt);
		expect(chunks[1]!.at - chunks[0]!.at).toBeGreaterThan(20);
		expect(await viewer.ended).toEqual({ kind: "complete" });
	});

	it.each([
		["with a length", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", "body", "complete"],
		["until the end of the connection", "HTTP/1.1 200 OK\r\n\r\nbody", "body", "complete"],
		["empty", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "", "complete"],
		["in chunks with extensions and a trailer", chunked("4;x=y\r\nbody\r\n0\r\nDigest: 1\r\n\r\n"), "body", "complete"],
		["cut in a chunk", chunked("4\r\nbody\r\n9\r\ncut"), "body", "cut"],
		["cut between chunks", chunked("4\r\nbody\r\n"), "body", "cut"],
		["cut before its length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody", "body", "cut"],
	])("reads a body %s", async (_what, answer, body, ending) => {
		const viewer = await openViewer(await serveRaw((socket) => socket.end(answer)));
		expect((await viewer.bytes()).toString()).toBe(body);
		expect((await viewer.ended).kind).toBe(ending);
	});

	it.each([
		["a chunk longer than its size", chunked("3\r\nbody\r\n0\r\n\r\n"), /longer than its size/],
		["a size that is no number", chunked("zz\r\nbody\r\n"), /not a chunk size/],
		["bytes after the end", chunked("0\r\n\r\nmore"), /after the end/],
	])("calls the response cut at %s", async (_what, answer, because) => {
		const viewer = await openViewer(await serveRaw((socket) => socket.end(answer)));
		await viewer.bytes();
		expect(await viewer.ended).toMatchObject({ kind: "cut", because: expect.stringMatching(because) });
	});

	it("of a HEAD request waits for no body", async () => {
		const url = await serve((_request, response) => response.writeHead(200, { "Content-Length": 1_000 }).end());
		const viewer = await openViewer(url, { method: "HEAD" });
		expect((await viewer.bytes()).length).toBe(0);
		expect(await viewer.ended).toEqual({ kind: "complete" });
	});

	it("that pauses makes the server wait, and then gets every byte", async () => {
		const total = 64 * 2 ** 20;
		const { promise: stuck, resolve: onStuck } = Promise.withResolvers<void>();
		const url = await serve((_request, response) => {
			let sent = 0;
			const go = (): void => {
				while (sent < total) {
					sent += 2 ** 16;
					if (!response.write(Buffer.alloc(2 ** 16, sent >> 16))) {
						setTimeout(() => response.writableNeedDrain && onStuck(), 50);
						return void response.once("drain", go);
					}
				}
				response.end();
			};
			go();
		});
		let received = 0;
		const viewer = await openViewer(url, { onChunk: ({ bytes }) => (received += bytes.length) });
		viewer.pause();
		await stuck;
		expect(received).toBeLessThan(total / 2);
		viewer.resume();
		expect(await viewer.ended).toEqual({ kind: "complete" });
		expect(received).toBe(total);
	});

	it("saves an endless response until it has enough, and is gone then", async () => {
		const { promise: left, resolve: onLeft } = Promise.withResolvers<void>();
		const url = await serve((request, response) => {
			const timer = setInterval(() => response.write("tick"), 5);
			request.socket.on("close", () => {
				clearInterval(timer);
				onLeft();
			});
		});
		const path = join(makeTempDir("viewer"), "saved");
		const viewer = await openViewer(url);
		expect(await viewer.saveTo(path, (totalBytes) => totalBytes >= 20)).toBe(20);
		expect(readFileSync(path, "utf8")).toBe("tick".repeat(5));
		expect(await viewer.ended).toEqual({ kind: "closed" });
		await left;
	});

	it("says when nobody answers", async () => {
		const url = await serveRaw(() => undefined);
		await expect(openViewer(url, { timeoutMs: 30 })).rejects.toThrow(/was not answered: no header within 30 ms/);
		closeServer();
		await expect(openViewer(url)).rejects.toThrow(/was not answered: connect ECONNREFUSED/);
		const other = await serveRaw((socket) => socket.end("SSH-2.0-x\r\n\r\n"));
		await expect(openViewer(other)).rejects.toThrow(/not a status line/);
	});
});

describe("the response reader", () => {
	it("gives the same chunks however the bytes are cut", () => {
		const bytes = Buffer.from(chunked("4\r\nbody\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"));
		for (let cut = 1; cut < bytes.length; cut++) {
			const seen: string[] = [];
			const reader = new ResponseReader("GET", {
				onHead: ({ status }) => seen.push(`${status}`),
				onBody: (body) => seen.push(body.toString()),
				onComplete: () => seen.push("complete"),
			});
			for (let at = 0; at < bytes.length; at += cut) reader.push(bytes.subarray(at, at + cut));
			expect(seen).toEqual(["200", "body", "abcdefghijklmnopqrstuvwxyz", "complete"]);
			expect(reader.end()).toBe(true);
		}
	});

	it("refuses a response that is framed in two ways", () => {
		const reader = new ResponseReader("GET", { onHead: () => {}, onBody: () => {}, onComplete: () => {} });
		const head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n";
		expect(() => reader.push(Buffer.from(head))).toThrow(/framed in two ways/);
	});
});

function chunked(body: string): string {
	return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
}
