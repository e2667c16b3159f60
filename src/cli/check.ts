/**
 * `penstock check`: what a configuration would serve, whether FFmpeg and a policy of one's own are fit for it, and whether
 * its rules are right.
 */
import type { Config } from "../server/config.ts";
import { summarizeConfig } from "../server/config-summary.ts";
import { configuredRules } from "../server/distribution-rules.ts";
import { checkFfmpeg } from "../server/ffmpeg-check.ts";
import { nodeClock } from "../server/node-time.ts";
import { createPolicy } from "../server/policies.ts";

/**
 * @returns the exit code
 * @throws PenstockError POLICY_MODULE, FFMPEG_MISSING, FFMPEG_TOO_OLD, FFMPEG_CAPABILITY, RULES_FILE
 */
export async function check(config: Config, file: string): Promise<number> {
	const { name } = await createPolicy(config.policy, () => {});
	process.stdout.write(`${summarizeConfig(config)}\n`);
	if (config.policy.kind === "module") process.stdout.write(`policy    "${name}" can be loaded\n`);
	const { distribution, channels, templates } = config;
	const clock = nodeClock();
	if (distribution !== undefined) {
		const { length } = await configuredRules(distribution, clock);
		process.stdout.write(`rules     ${length} in all, and none against another\n`);
	}
	if (channels.length + templates.length > 0) {
		process.stdout.write(`FFmpeg    ${await checkFfmpeg(config, clock)}, has what these channels need\n`);
	}
	process.stdout.write(`${file} is good\n`);
	return 0;
}
