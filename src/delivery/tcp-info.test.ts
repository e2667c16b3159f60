import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "../../test/kit/eventually.ts";
import { milliseconds } from "../base/units.ts";
import { loadSocketOptions } from "./socket-options.ts";
import { SocketTransport } from "./transport.ts";

const { tcpInfo } = await loadSocketOptions();
const NOW = milliseconds(0);

let near: Socket;
let far: Socket;
beforeEach(async () => {
	const server = createServer({ pauseOnConnect: true });
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address() as { port: number };
	far = connect(address.port, "127.0.0.1");
	far.pause();
	[near] = (await once(server, "connection")) as [Socket];
	server.close();
});
afterEach(() => {
	near.destroy();
	far.destroy();
});

test.runIf(tcpInfo !== undefined)(
	"a glance counts what a whole look counts, while bytes wait and when all are there",
	async () => {
		near.write("a header, which does not count");
		const transport = new SocketTransport(near, { drained: () => {}, closed: () => {} }, tcpInfo);
		await eventually(async () => expect(transport.idle).toBe(true));
		// Far more than two kernels hold, to somebody who does not read.
		const sent = 2 ** 24;
		transport.send(Buffer.alloc(sent));
		await eventually(async () => {
			const before = transport.acknowledged()!;
			const whole = transport.look(NOW)!.ackedBytes;
			const after = transport.acknowledged()!;
			expect([before, after]).toEqual([whole, whole]);
			expect(whole).toBeGreaterThan(0);
			expect(whole).toBeLessThan(sent);
		});
		far.resume();
		await eventually(async () => {
			expect(transport.acknowledged()).toBe(sent);
			expect(transport.look(NOW)!.ackedBytes).toBe(sent);
		});
	},
);

test("a glance at a connection that is over tells nothing", async () => {
	const transport = new SocketTransport(near, { drained: () => {}, closed: () => {} }, tcpInfo);
	near.destroy();
	await once(near, "close");
	expect(transport.acknowledged()).toBeUndefined();
});

test("nor does one where the kernel's account cannot be read", () => {
	expect(new SocketTransport(near, { drained: () => {}, closed: () => {} }).acknowledged()).toBeUndefined();
});
