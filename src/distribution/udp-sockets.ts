/**
 * UDP sockets of the engine in this process: one that takes a rule's packets, and one for each receiver, connected, so
 * that the kernel picks the way and the source address, and Node.js asks no resolver for every packet. A connected socket
 * gets what its peer sends to its port; so one that sends from another rule's port is not, for the peer may be whom that
 * rule's packets come from.
 * What Node's sockets have no means for: DSCP, VLAN tags, the don't-fragment bit, whole frames.
 */
import { createSocket, type Socket } from "node:dgram";
import { parseAddress } from "../wire/distributor-address.ts";
import type { FlowMatch, Receiver } from "../wire/distributor-rule.ts";

/** Asked for; the kernel gives at most net.core.rmem_max. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

export type PacketHandler = (payload: Buffer, from: { readonly address: string; readonly port: number }) => void;

/**
 * Takes what is sent to an address of this machine, or to a group.
 * The port is shared (SO_REUSEADDR): the sockets of receivers send from the same one.
 */
export async function receivingSocket({ address, port }: FlowMatch, onPacket: PacketHandler): Promise<Socket> {
	const { multicast, family } = parseAddress(address)!;
	refuseGroupOfLink(address);
	const socket = familySocket(family);
	try {
		await bound(socket, port, address);
		if (multicast) socket.addMembership(address);
	} catch (thrown) {
		socket.close();
		throw thrown;
	}
	try {
		socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
	} catch {
		// The kernel's own size stays.
	}
	socket.on("message", onPacket);
	return socket;
}

/** Sends to one receiver, from `sourcePort`. @param connected to it, so that nothing else need be said */
export async function sendingSocket(receiver: Receiver, sourcePort: number, connected: boolean): Promise<Socket> {
	const { address, port, ttl } = receiver;
	const { multicast, family } = parseAddress(address)!;
	refuseGroupOfLink(address);
	const socket = familySocket(family);
	try {
		await bound(socket, sourcePort);
		if (multicast) socket.setMulticastTTL(ttl);
		else socket.setTTL(ttl);
		if (!connected) return socket;
		await new Promise<void>((resolve, reject) => {
			socket.once("error", reject);
			socket.connect(port, address, () => {
				socket.off("error", reject);
				resolve();
			});
		});
	} catch (thrown) {
		socket.close();
		throw thrown;
	}
	return socket;
}

/** A group of IPv6 whose scope is one link, or one interface (RFC 4291, clause 2.7), is another one on each interface. */
function refuseGroupOfLink(address: string): void {
	if (!/^ff[0-9a-f][12]:/.test(address)) return;
	const text = `${address} is a group of one link, and a rule names no interface; take one of wider scope, ff15::/16 say`;
	throw new Error(text);
}

export const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.close(resolve));

function familySocket(family: 4 | 6): Socket {
	const socket = createSocket({ type: family === 4 ? "udp4" : "udp6", reuseAddr: true, ipv6Only: family === 6 });
	// A receiver that is not there answers by ICMP, which comes up here; it is counted where the next packet fails.
	socket.on("error", () => undefined);
	return socket;
}

const bound = (socket: Socket, port: number, address?: string): Promise<void> =>
	new Promise((resolve, reject) => {
		socket.once("error", reject);
		socket.bind({ port, ...(address !== undefined && { address }), exclusive: true }, () => {
			socket.off("error", reject);
			resolve();
		});
	});
