/** The witness of the distributor's frames, on golden vectors that neither of the two has made. */
import { expect, test } from "vitest";
import { readUdpFrame } from "./frames.ts";
import { packetVectors, payloadOf } from "./packet-vectors.ts";

const vectors = packetVectors().flatMap(({ view, ...vector }) => (view === undefined ? [] : [{ ...vector, view }]));

test.each(vectors)("$name", ({ view, ...vector }) => {
	const frame = readUdpFrame(Buffer.from(vector.frame, "hex"), 0)!;
	expect(frame.payload.toString("hex")).toBe(payloadOf(vector, view));
	expect(frame.udpChecksumRight).toBe(view.udpChecksum === "right");
	const { source, sourcePort, destination, destinationPort, vlan } = view;
	expect(frame).toMatchObject({ source, sourcePort, destination, destinationPort, ipChecksumRight: true });
	expect(frame.vlan || undefined).toBe(vlan);
});

test("a wrong checksum of the IPv4 header is told", () => {
	const { frame } = packetVectors().find(({ name }) => name === "a wrong checksum of the IPv4 header")!;
	expect(readUdpFrame(Buffer.from(frame, "hex"), 0)?.ipChecksumRight).toBe(false);
});
