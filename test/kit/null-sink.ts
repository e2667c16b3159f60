/**
 * A sound card that plays to nobody: PulseAudio with a null sink, of a test's own. Firefox has no output built in for
 * machines without one, and what is to play sound and picture does not begin there.
 */
import { join } from "node:path";
import { type RunningProcess, startProcess } from "./processes.ts";
import { makeTempDir } from "./temp-dir.ts";

export interface NullSink {
	/** For a program that is to play there, and for nobody else: HOME and its kin are in a directory of the test's. */
	readonly env: Readonly<Record<string, string>>;
	readonly process: RunningProcess;
}

/** Starts it, and resolves when it takes clients; it ends with the test file. */
export async function startNullSink(): Promise<NullSink> {
	const directory = makeTempDir("pulseaudio");
	const socket = join(directory, "native");
	const env = {
		...{ HOME: directory, XDG_RUNTIME_DIR: directory, XDG_CONFIG_HOME: directory, PULSE_RUNTIME_PATH: directory },
		PULSE_SERVER: `unix:${socket}`,
	};
	// No configuration file, no D-Bus, no shared memory, and no threads with a priority that a container refuses.
	const options = ["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--log-target=stderr"];
	options.push("--disable-shm=yes", "--realtime=no", "--high-priority=no", "-v");
	const modules = [
		"module-null-sink rate=48000 norewinds=1",
		`module-native-protocol-unix auth-anonymous=1 socket=${socket}`,
	];
	const process = startProcess("pulseaudio", [...options, ...modules.flatMap((module) => ["-L", module])], { env });
	await process.waitForLine(/Daemon startup complete/, 15_000);
	return { env, process };
}
