/**
 * Completes package-lock.json after an `npm install` from a registry that does not have the packages of every platform:
 * npm then leaves those optional packages out of the lock, and `npm ci` refuses a lock that lacks them.
 * Adds each one that is missing, with the exact version that its parent names and the platform that its own name says,
 * but without a checksum, which only the package could give. `--check` changes nothing and fails if one is missing.
 */
import { readFileSync, writeFileSync } from "node:fs";

interface LockEntry {
	readonly version?: string;
	readonly dev?: boolean;
	readonly optional?: boolean;
	readonly peer?: boolean;
	readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
	packages: Record<string, LockEntry>;
}

const SYSTEMS = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const PROCESSORS = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "x64"];

/** `@scope/binding-linux-arm-musleabihf` → os linux, cpu arm, libc musl. */
function platformOf(name: string): { os: string[]; cpu: string[]; libc?: string[] } {
	const words = name.slice(name.lastIndexOf("/") + 1).split("-");
	const os = words.filter((word) => SYSTEMS.includes(word));
	const cpu = words.filter((word) => PROCESSORS.includes(word));
	if (os.length !== 1 || cpu.length !== 1) {
		throw new Error(`package-lock.json lacks ${name}, whose name tells no platform; add it by hand.`);
	}
	if (words.some((word) => word.startsWith("musl"))) return { os, cpu, libc: ["musl"] };
	return words.some((word) => word.startsWith("gnu")) ? { os, cpu, libc: ["glibc"] } : { os, cpu };
}

/** The entries that `lock` should have besides its own, by their path. */
function missingEntries({ packages }: Lock): [string, LockEntry][] {
	return Object.entries(packages).flatMap(([parent, entry]) =>
		Object.entries(entry.optionalDependencies ?? {}).flatMap(([name, version]): [string, LockEntry][] => {
			const path = `node_modules/${name}`;
			if (path in packages || `${parent}/${path}` in packages) return [];
			const { dev, peer } = entry;
			return [[path, { version, ...platformOf(name), ...(dev && { dev }), optional: true, ...(peer && { peer }) }]];
		}),
	);
}

const lock: Lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const missing = missingEntries(lock);
if (process.argv[2] === "--check") {
	for (const [path] of missing)
		process.stderr.write(`package-lock.json lacks ${path}; run node scripts/complete-lock.ts\n`);
	process.exitCode = missing.length === 0 ? 0 : 1;
} else if (missing.length > 0) {
	const entries = [...Object.entries(lock.packages), ...missing].sort(([a], [b]) => a.localeCompare(b, "en"));
	writeFileSync(
		"package-lock.json",
		`${JSON.stringify({ ...lock, packages: Object.fromEntries(entries) }, null, 2)}\n`,
	);
	process.stdout.write(`package-lock.json: added ${missing.length} optional packages of other platforms\n`);
}
