/** `penstock check`: what a configuration would serve, and whether FFmpeg and a policy of one's own are fit for it. */
import type { Config } from "../server/config.ts";
import { summarizeConfig } from "../server/config-summary.ts";
import { checkFfmpeg } from "../server/ffmpeg-check.ts";
import { nodeClock } from "../server/node-time.ts";
import { createPolicy } from "../server/policies.ts";

/**
 * @returns the exit code
 * @throws PenstockError POLICY_MODULE, FFMPEG_MISSING, FFMPEG_TOO_OLD, FFMPEG_CAPABILITY
 */
export async function check(config: Config, file: string): Promise<number> {
	const { name } = await createPolicy(config.policy, () => {});
	process.stdout.write(`${summarizeConfig(config)}\n`);
	if (config.policy.kind === "module") process.stdout.write(`policy    "${name}" can be loaded\n`);
	const version = await checkFfmpeg(config, nodeClock());
	process.stdout.write(`FFmpeg    ${version}, has what these channels need\n${file} is good\n`);
	return 0;
}
