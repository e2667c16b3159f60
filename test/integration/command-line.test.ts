/**
 * What the built command says when it cannot start: one sentence on standard error whose first line is worth reading,
 * nothing on standard output, and an exit code that a script can act on. `cli.test.ts` has the commands themselves.
 */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { startCli } from "../kit/penstock.ts";
import { runToEnd } from "../kit/processes.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const folder = makeTempDir("command-line");
const AT_RUN_TIME = 1;
const CONFIGURATION = 2;

function file(name: string, text: string, mode = 0o644): string {
	const path = join(folder, name);
	writeFileSync(path, text);
	chmodSync(path, mode);
	return path;
}

interface Said {
	readonly code: number | null;
	readonly stdout: string;
	readonly first: string;
	readonly stderr: string;
}

async function say(...args: readonly string[]): Promise<Said> {
	const running = startCli(args, { PENSTOCK_DEBUG: undefined });
	const { code } = await running.exited;
	const { stdout, stderr } = running;
	return { code, stdout, first: stderr.split("\n", 1)[0]!, stderr };
}

/** Addresses that nobody has, so that only the fault under test keeps the server from starting. */
const LISTEN = 'http: { listen: "127.0.0.1:0" }\napi: { listen: "127.0.0.1:0" }\n';
const CHANNELS = "channels: { demo: { source: test } }\n";

/** An FFmpeg that answers as the case says, for the questions that Penstock asks. */
const fakeFfmpeg = (name: string, version: string, encoders = " V....D libx264  H.264\n A....D aac  AAC\n"): string =>
	file(
		name,
		`#!/bin/sh
case "$2" in
	-version) echo '${version}' ;;
	-encoders) printf '%s' '${encoders}' ;;
	-filters) for name in split scale format aresample testsrc2 color geq overlay sine; do echo " T.. $name V->V x"; done ;;
	-protocols) printf 'Input:\\n  file\\nOutput:\\n  file\\n' ;;
esac
`,
		0o755,
	);

const withFfmpeg = (path: string): string => `${LISTEN}ffmpeg: { path: ${path} }\n${CHANNELS}`;

const CASES: readonly (readonly [string, string, number, string])[] = [
	[
		"FFmpeg that is not there",
		withFfmpeg(join(folder, "none")),
		AT_RUN_TIME,
		`penstock: FFMPEG_MISSING: ${join(folder, "none")} cannot be run (spawn ${join(folder, "none")} ENOENT); install FFmpeg 5.1 or newer (apt-get install ffmpeg), or set its path in the configuration.`,
	],
	[
		"FFmpeg that is a folder",
		withFfmpeg(folder),
		AT_RUN_TIME,
		`penstock: FFMPEG_MISSING: ${folder} cannot be run (spawn ${folder} EACCES); install FFmpeg`,
	],
	[
		"FFmpeg that is another program",
		withFfmpeg(fakeFfmpeg("other", "hello, I am no encoder")),
		AT_RUN_TIME,
		`other cannot be run (it does not answer as FFmpeg does: hello, I am no encoder); install FFmpeg`,
	],
	[
		"FFmpeg that is too old",
		withFfmpeg(fakeFfmpeg("old", "ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright (c) 2000-2021")),
		AT_RUN_TIME,
		`penstock: FFMPEG_TOO_OLD: ${join(folder, "old")} is version 4.4.2-0ubuntu0.22.04.1, but 5.1 is the oldest that works; install FFmpeg 5.1 or newer`,
	],
	[
		"FFmpeg without libx264",
		withFfmpeg(fakeFfmpeg("poor", "ffmpeg version 7.1 Copyright", " A....D aac  AAC\n")),
		AT_RUN_TIME,
		"penstock: FFMPEG_CAPABILITY: channel live/demo needs the encoder libx264, which FFmpeg 7.1 was built without; install",
	],
	[
		"broken YAML",
		"channels:\n  demo: { source: test\nhttp: {}\n",
		CONFIGURATION,
		"penstock: CONFIG_SYNTAX: broken-yaml.yaml:3:1: Flow map in block collection must be sufficiently indented and end with a }.",
	],
	[
		"an unknown key",
		`${LISTEN}delivry: { maxViewers: 2 }\n${CHANNELS}`,
		CONFIGURATION,
		'penstock: CONFIG_KEY: an-unknown-key.yaml:3:1: unknown key "delivry"; did you mean "delivery"?',
	],
	[
		"a value out of its range",
		`${LISTEN}channels:\n  demo:\n    source: test\n    unitMs: 20\n`,
		CONFIGURATION,
		"penstock: CONFIG_VALUE: a-value-out-of-its-range.yaml:6:13: channels.demo.unitMs is 20 but must be",
	],
	["an empty file", "", CONFIGURATION, "penstock: CONFIG_VALUE: an-empty-file.yaml"],
];

describe.each(["serve", "check"])("penstock %s", (command) => {
	test.each(CASES)("of a configuration with %s", async (what, text, exitCode, sentence) => {
		const { code, stdout, first, stderr } = await say(
			command,
			"-c",
			file(`${what.replaceAll(" ", "-").toLowerCase()}.yaml`, text),
		);
		expect([code, first]).toEqual([exitCode, expect.stringContaining(sentence)]);
		expect(first).toMatch(/^penstock: [A-Z_]+: .*[.?]$/);
		expect(stderr).toBe(`${first}\n`);
		// What would be served is told before FFmpeg is asked.
		if (command === "serve" || exitCode === CONFIGURATION) expect(stdout).toBe("");
	});
});

test("penstock serve tells all problems of a configuration at once, in the order of the file", async () => {
	const text = "htt: {}\nchannels:\n  demo: { source: test, unitms: 5 }\napi: { listen: 99999999 }\n";
	const { code, stderr } = await say("serve", "-c", file("many.yaml", text));
	expect(code).toBe(CONFIGURATION);
	const [first, ...rest] = stderr.trimEnd().split("\n");
	expect(first).toBe("penstock: CONFIG_KEY: many.yaml has 3 problems:");
	expect(rest).toEqual([
		'  many.yaml:1:1: unknown key "htt"; did you mean "http"?',
		expect.stringMatching(/^ {2}many\.yaml:3:\d+: unknown key "unitms" in channels\.demo; did you mean "unitMs"\?$/),
		expect.stringMatching(/^ {2}many\.yaml:4:16: api\.listen is 99999999 but must be an address/),
	]);
});

test("the built command has its help, its version and its exit codes, too", async () => {
	const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
		version: string;
	};
	expect(await say("--version")).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" });
	expect(await say("--help")).toMatchObject({
		code: 0,
		stdout: expect.stringContaining("penstock serve -c penstock.yaml"),
		stderr: "",
	});
	expect(await say("serve", "--help")).toMatchObject({
		code: 0,
		stdout: expect.stringContaining('(default: "penstock.yaml")'),
	});
	expect(await say()).toMatchObject({
		code: CONFIGURATION,
		stdout: "",
		stderr: expect.stringContaining("Usage: penstock"),
	});
	const good = await say("check", "-c", file("good.yaml", LISTEN + CHANNELS));
	expect(good).toMatchObject({ code: 0, stdout: expect.stringMatching(/good\.yaml is good\n$/), stderr: "" });
});

test("help that nobody reads to its end is no failure", async () => {
	const cli = fileURLToPath(new URL("../../dist/cli/penstock.js", import.meta.url));
	// The far end of the pipe is closed before the command writes.
	const pipe = `"${process.execPath}" "${cli}" --help; echo "code $?" >&2`;
	const shell = await runToEnd("sh", ["-c", `{ ${pipe}; } | exec sleep 0`]);
	expect(shell.stderr.trim()).toBe("code 0");
});
