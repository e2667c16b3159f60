/** The real NATS server, in a process of its own, on loopback. */
import { type RunningProcess, startProcess } from "./processes.ts";

export const NATS_TOKEN = "only-those-who-know-this";

export async function startNats(port: number): Promise<RunningProcess> {
	const running = startProcess("nats-server", ["-a", "127.0.0.1", "-p", String(port), "--auth", NATS_TOKEN]);
	await running.waitForLine(/Server is ready/);
	return running;
}
