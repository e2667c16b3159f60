/**
 * FFmpeg's own muxers at the same work: the same access units, read from an FLV file and muxed without encoding.
 * Their cost is that of copying into the muxer less that of copying into none, by the kernel's account.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { PackagingName } from "./report.ts";

/** `rtp` goes to a socket that nobody reads: FFmpeg writes RTP packets nowhere else. */
const MUXERS: Readonly<Record<PackagingName | "none", readonly string[]>> = {
	ts: ["-f", "mpegts"],
	flv: ["-f", "flv", "-flvflags", "no_duration_filesize"],
	mp4: ["-f", "mp4", "-movflags", "empty_moov+default_base_moof+frag_every_frame"],
	rtp: ["-f", "rtp_mpegts"],
	none: ["-f", "null"],
};

export interface CpuSeconds {
	readonly user: number;
	readonly system: number;
}

/** Both tracks in one file, as a muxer reads them. */
export function joinTracks(video: string, audio: string, joined: string): void {
	const streams = ["-i", video, "-i", audio, "-map", "0:v", "-map", "1:a", "-c", "copy"];
	execFileSync("ffmpeg", ["-v", "error", "-nostdin", ...streams, "-f", "flv", joined]);
}

const FLV_HEAD_BYTES = 13;

/**
 * The same media so many times one after the other, with times that run on: FFmpeg's own way to loop an input steps
 * back a little at each seam.
 */
export function repeat(file: string, loops: number, loopMs: number, repeated: string): void {
	const once = readFileSync(file);
	writeFileSync(repeated, once);
	const tags: Buffer[] = [];
	for (let at = FLV_HEAD_BYTES; at < once.length; ) {
		const end = at + 11 + once.readUIntBE(at + 1, 3) + 4;
		const isConfiguration = once[at] === 18 || once[at + 12] === 0; // script, sequence headers
		if (!isConfiguration) tags.push(once.subarray(at, end));
		at = end;
	}
	const loop = Buffer.concat(tags);
	for (let i = 1; i < loops; i++) {
		for (let at = 0; at < loop.length; at += 11 + loop.readUIntBE(at + 1, 3) + 4) {
			const ms = loop.readUIntBE(at + 4, 3) + loop[at + 7]! * 2 ** 24 + loopMs;
			loop.writeUIntBE(ms % 2 ** 24, at + 4, 3);
			loop[at + 7] = Math.floor(ms / 2 ** 24);
		}
		appendFileSync(repeated, loop);
	}
}

/** The shell's own clock has milliseconds, where proc(5) has hundredths of a second. */
const TIMED = 'TIMEFORMAT="%3U %3S"; time "$@" 2>/dev/null';

/** The same muxer so many times in one process: what it costs stands out from what reading the file costs. */
export const MUXERS_AT_ONCE = 5;

/** CPU time of reading `file` once and muxing it `MUXERS_AT_ONCE` times. @param port where RTP goes */
export function muxCpu(file: string, muxer: PackagingName | "none", port: number): CpuSeconds {
	const target = muxer === "rtp" ? `rtp://127.0.0.1:${port}` : muxer === "none" ? "-" : "/dev/null";
	// Not even errors are logged: its MP4 muxer has one for each frame of sound that is a fragment.
	const output = ["-c", "copy", ...MUXERS[muxer], "-y", target];
	const outputs = Array.from({ length: MUXERS_AT_ONCE }, () => output).flat();
	const ffmpeg = ["ffmpeg", "-v", "fatal", "-nostdin", "-i", file, ...outputs];
	const { status, stderr } = spawnSync("bash", ["-c", TIMED, "bash", ...ffmpeg], { encoding: "utf8" });
	const [user, system] = stderr.trim().split(" ").map(Number);
	if (status !== 0 || user === undefined || system === undefined) throw new Error(`FFmpeg ended with ${status}`);
	return { user, system };
}

/** Bytes that the muxer makes of the file: of RTP, the packets with two bytes of length before each (RFC 4571). */
export async function muxBytes(file: string, muxer: PackagingName, output: string): Promise<number> {
	const input = ["-v", "error", "-nostdin", ...(muxer === "rtp" ? ["-readrate", "10"] : []), "-i", file];
	const target = (to: string): string[] => [...input, "-c", "copy", ...MUXERS[muxer], "-y", to];
	if (muxer !== "rtp") {
		execFileSync("ffmpeg", target(output));
		return statSync(output).size;
	}
	const socket = await udpPort();
	let bytes = 0;
	socket.on("message", (packet) => (bytes += 2 + packet.length));
	const child = spawn("ffmpeg", target(`rtp://127.0.0.1:${socket.address().port}`), { stdio: "ignore" });
	const [code] = (await once(child, "exit")) as [number];
	// Loopback: what was sent is in the socket's buffer.
	await new Promise(setImmediate);
	socket.close();
	if (code !== 0) throw new Error(`FFmpeg ended with ${code}`);
	return bytes;
}

/** A UDP port; what comes is thrown away unless somebody listens. */
export async function udpPort(): Promise<Socket> {
	const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
	socket.bind(0, "127.0.0.1");
	await once(socket, "listening");
	return socket;
}
