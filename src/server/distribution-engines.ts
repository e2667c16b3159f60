/**
 * Which engines the configuration lets the distribution plane try, from the fastest: DPDK on a port, with the native
 * sockets in its place while it is away; the native sockets; the sockets of this process.
 */
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "../base/clock.ts";
import type { EngineCandidate } from "../distribution/engine-choice.ts";
import { NativeEngine } from "../distribution/native-engine.ts";
import { NodeEngine } from "../distribution/node-engine.ts";
import { StandbyEngine } from "../distribution/standby-engine.ts";
import { Backoff } from "../ladder/backoff.ts";
import { endWithProcess } from "../ladder/end-with-process.ts";
import type { DistributionConfig, DistributorConfig } from "./config-distribution.ts";

export interface EngineCandidates {
	readonly candidates: readonly EngineCandidate[];
	/** Removes what they needed besides; none of them may run any more. */
	release(): void;
}

export interface EngineSurroundings {
	readonly clock: Clock;
	/** Of Penstock. */
	readonly version: string;
	/** Gets the native distributor's own lines, JSON each. */
	readonly log: (line: string) => void;
}

/** Where `make distributor` leaves it, beside `src` or `dist`. */
const BUILT = "../../native/distributor/build/penstock-distributor";

/** Somebody else's, which is only spoken to. Which engine it is it tells when it is up. */
export const foreignEngine = (socketPath: string, clock: Clock): NativeEngine =>
	new NativeEngine({ kind: "dpdk", socketPath, clock });

export function engineCandidates(
	{ engine: wanted }: Pick<DistributionConfig, "engine">,
	distributor: DistributorConfig,
	around: EngineSurroundings,
): EngineCandidates {
	const node: EngineCandidate = {
		kind: "node",
		engine: new NodeEngine({ clock: around.clock, version: around.version }),
	};
	if (wanted === "node") return { candidates: [node], release: () => undefined };
	// The control sockets lie where nobody else writes.
	const folder = mkdtempSync(join(tmpdir(), "penstock-control-"));
	const native = (kind: "dpdk" | "sockets"): NativeEngine =>
		new NativeEngine({
			...{ kind, clock: around.clock, socketPath: join(folder, `${kind}.sock`) },
			child: {
				command: programOf(distributor),
				arguments: argumentsOf(kind, distributor),
				reap: endWithProcess,
				log: around.log,
				restarts: new Backoff(Math.random),
			},
		});
	const hasPort = distributor.device !== undefined || distributor.backend !== undefined;
	const dpdk = hasPort ? [{ kind: "dpdk", engine: new StandbyEngine(native("dpdk"), native("sockets")) } as const] : [];
	return {
		candidates: [...dpdk, { kind: "sockets", engine: native("sockets") }, node],
		release: () => rmSync(folder, { recursive: true, force: true }),
	};
}

/** As configured, as the environment says, as built, or wherever PATH has it. */
function programOf({ path }: DistributorConfig): string {
	const named = path ?? process.env["PENSTOCK_DISTRIBUTOR_PATH"];
	if (named !== undefined && named !== "") return named;
	const built = fileURLToPath(new URL(BUILT, import.meta.url));
	try {
		accessSync(built, constants.X_OK);
		return built;
	} catch {
		return "penstock-distributor";
	}
}

function argumentsOf(kind: "dpdk" | "sockets", { arguments: more, device, backend }: DistributorConfig): string[] {
	const port = [
		...(backend === undefined ? [] : ["--backend", backend]),
		...(device === undefined ? [] : ["--interface", device]),
	];
	// Two Penstocks on one machine have two DPDKs.
	const own = kind === "dpdk" ? [...port, "--file-prefix", `penstock-${process.pid}`] : [];
	return ["--end-with-parent", ...own, ...more];
}
