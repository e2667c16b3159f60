import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cleanUp } from "./cleanup.ts";
import { freePort } from "./ports.ts";
import { runToEnd, startProcess } from "./processes.ts";
import { makeTempDir } from "./temp-dir.ts";

const node = (script: string): [string, string[]] => [process.execPath, ["-e", script]];

/** Whether a process runs: a zombie that nobody has collected yet does not. */
const runs = (pid: number): boolean => {
	try {
		return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
	} catch {
		return false;
	}
};

describe("a child process", () => {
	it("gives its output, its exit code and what it was told", async () => {
		const ended = await runToEnd(
			...node("process.stdin.pipe(process.stdout); console.error('oh'); process.exitCode = 3"),
			{
				input: "hello",
			},
		);
		expect(ended).toMatchObject({ code: 3, signal: null, stdout: "hello", stderr: "oh\n" });
	});

	it("is waited for by what it says, before or after the question", async () => {
		const child = startProcess(...node("console.log('port 1234'); console.error('ready'); setInterval(() => {}, 1e3)"));
		expect((await child.waitForLine(/port (\d+)/))[1]).toBe("1234");
		await child.waitForLine(/ready/);
		expect((await child.waitForLine(/port (\d+)/))[1]).toBe("1234");
		expect(await child.stop()).toEqual({ code: null, signal: "SIGTERM" });
	});

	it("that ends without the line fails the waiting, with its last words", async () => {
		const child = startProcess(...node("console.error('no such file')"));
		await expect(child.waitForLine(/ready/)).rejects.toThrow(/ended without a line like \/ready\/[\s\S]*no such file/);
		const silent = startProcess(...node("setInterval(() => {}, 1e3)"));
		await expect(silent.waitForLine(/ready/, 50)).rejects.toThrow(/ran for 50 ms without a line/);
	});

	it("that ignores SIGTERM is killed, and so is what it started", async () => {
		const child = startProcess("sh", ["-c", 'trap "" TERM; sleep 1000 & echo child $!; wait; sleep 1000']);
		const grandchild = Number((await child.waitForLine(/child (\d+)/))[1]);
		expect(runs(grandchild)).toBe(true);
		expect((await child.stop(50)).signal).toBe("SIGKILL");
		await expect.poll(() => runs(grandchild)).toBe(false);
	});

	it("keeps the end of a long output, and no more of it than asked", async () => {
		const script = "for (let i = 0; i < 20000; i++) console.log('line ' + i)";
		const { stdout } = await runToEnd(...node(script), { keepBytes: 1_000 });
		expect(stdout).toHaveLength(1_000);
		expect(stdout.endsWith("line 19999\n")).toBe(true);
	});

	it("that takes too long is killed", async () => {
		await expect(runToEnd(...node("setInterval(() => {}, 1e3)"), { timeoutMs: 50 })).rejects.toThrow(
			/not done after 50 ms/,
		);
	});

	it("whose program is missing says what to install", () => {
		expect(() => startProcess("ffmpeg", [], {})).not.toThrow();
		expect(() => startProcess("no-such-player", [])).toThrow(/"no-such-player" is not on the PATH/);
		const path = process.env["PATH"];
		try {
			process.env["PATH"] = "/nonexistent";
			expect(() => startProcess("mpv", [])).toThrow(/on Debian: apt-get install mpv/);
		} finally {
			process.env["PATH"] = path;
		}
	});
});

describe("the clean-up", () => {
	it("ends processes and takes directories away, also those of a process that just exits", async () => {
		const child = startProcess("sleep", ["1000"]);
		const directory = makeTempDir("cleanup");
		cleanUp();
		expect(existsSync(directory)).toBe(false);
		expect((await child.exited).signal).toBe("SIGKILL");

		const kit = JSON.stringify(join(import.meta.dirname, "processes.ts"));
		const script = `import { startProcess } from ${kit}; console.log(startProcess("sleep", ["1000"]).pid); process.exit()`;
		const parent = await runToEnd(process.execPath, ["--input-type=module", "-e", script], {
			env: { VITEST: undefined },
		});
		const orphan = Number(parent.stdout);
		expect(orphan).toBeGreaterThan(1);
		await expect.poll(() => runs(orphan)).toBe(false);
	});
});

describe("a free port", () => {
	it("can be listened on, and is given once", async () => {
		const ports = await Promise.all(Array.from({ length: 20 }, freePort));
		expect(new Set(ports).size).toBe(20);
		const server = createServer().listen(ports[7], "127.0.0.1");
		await once(server, "listening");
		server.close();
	});
});
