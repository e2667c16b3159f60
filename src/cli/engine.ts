/** Which Node.js Penstock runs on. Nothing is imported here, so that an old one reads it. */
const OLDEST_MAJOR = 24;

/** What to tell a user of this version, for example `20.20.2`; undefined where it is new enough. */
export function engineProblem(version: string): string | undefined {
	if (Number.parseInt(version, 10) >= OLDEST_MAJOR) return undefined;
	return `RUNTIME_TOO_OLD: this is Node.js ${version}, but ${OLDEST_MAJOR} is the oldest that works; install a newer one.`;
}
