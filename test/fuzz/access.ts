/**
 * Texts of strangers against the parsers of `access/`: tokens, signed URLs, hook answers, URLs to dial, addresses.
 * `node test/fuzz/access.ts [--inputs N] [--seed S] [--from I]`: a million inputs where nothing else is said. The same
 * seed gives the same inputs. Exit code 1 where a promise was broken, with what is needed to repeat it.
 */
import { isIP } from "node:net";
import { parseArgs } from "node:util";
import { classOf } from "../../src/access/address-class.ts";
import { offeredBy } from "../../src/access/credentials.ts";
import { hookWord } from "../../src/access/hook-message.ts";
import { parseIp, parseNetwork, sourceOf } from "../../src/access/ip-address.ts";
import { shapeOfJwt } from "../../src/access/jwt-shape.ts";
import { parsePattern } from "../../src/access/pattern.ts";
import { parseStrictJson } from "../../src/access/strict-json.ts";
import { UrlGuard } from "../../src/access/url-guard.ts";
import { Random } from "./random.ts";

const base64url = (text: string): string => Buffer.from(text, "utf8").toString("base64url");

const HEADER = '{"alg":"HS256","typ":"JWT","kid":"one"}';
const CLAIMS =
	'{"aud":"penstock","exp":1893456000,"path":["live/*","vod/x"],"verbs":["play"],"a":{"b":[1,{"c":null}]}}';
const SPECIMENS = [
	HEADER,
	CLAIMS,
	`${base64url(HEADER)}.${base64url(CLAIMS)}.${base64url("x".repeat(32))}`,
	"kid=web&expires=1893456000&sign=aGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gMTI&once=1893450000.abcdefghijklmnop",
	"token=abc&token=def",
	'{"code": 0, "data": {"urls": []}}',
	"http://127.0.0.1:8085/hook?x=1",
	"https://[::ffff:10.0.0.1]:443/",
	"http://good.example:8080/a/b",
	"rtsp://user:password@0x7f.1:554/x",
	"::ffff:192.168.1.1",
	"2001:db8:0:0:1::7f00:1",
	"169.254.169.254",
	"10.0.0.0/8",
	"live/cam",
	"*/*",
] as const;
const PIECES = [
	...[
		'"',
		"\\",
		"{",
		"}",
		"[",
		"]",
		":",
		",",
		"\\u0061",
		'"exp":',
		'"__proto__":',
		"null",
		"1e999",
		"-0",
		"0",
		"\u0000",
	],
	...[
		"&",
		"=",
		"%",
		"%00",
		"?",
		"#",
		"@",
		"/",
		"//",
		"..",
		".",
		"::",
		"0x",
		"127.0.0.1",
		"localhost",
		"ffff:",
		"%25",
		"\t",
	],
	...["eyJ", "-", "_", "=", "é", "\ud800", "１", "。", "*", " ", "\n", "x".repeat(300), "[".repeat(50)],
] as const;

/** A specimen or two, changed in a few places; a token now and then, whose parts are changed before they are packed. */
function makeText(random: Random): string {
	if (random.oneIn(4)) {
		const parts = [HEADER, CLAIMS, "signature"].map((part) => (random.oneIn(2) ? part : changed(part, random)));
		return parts.map((part) => base64url(part)).join(".");
	}
	const more = random.oneIn(4) ? random.pick(["&", ".", ",", ""]) + random.pick(SPECIMENS) : "";
	return changed(random.pick(SPECIMENS) + more, random);
}

function changed(specimen: string, random: Random): string {
	let text = specimen;
	for (let changes = random.below(6); changes > 0; changes--) {
		const at = random.below(text.length + 1);
		const end = random.oneIn(2) ? at : Math.min(text.length, at + random.below(8));
		const piece = random.oneIn(3) ? String.fromCharCode(random.below(256)) : random.pick(PIECES);
		text = text.slice(0, at) + (random.oneIn(4) ? "" : piece) + text.slice(end);
	}
	return text;
}

const INSIDE = new UrlGuard({
	...{ schemes: ["http", "https", "rtsp"], hosts: "any", networks: [], userInfo: true },
	resolve: () => Promise.resolve(["127.0.0.1"]),
});

/** What is wrong; undefined where all promises are kept. */
export async function examineText(text: string): Promise<string | undefined> {
	try {
		return (await urlComplaint(text)) ?? jsonComplaint(text) ?? addressComplaint(text) ?? tokenComplaint(text);
	} catch (thrown) {
		return `throws ${String(thrown)}`;
	}
}

/** Names lead inside here, so that only an address that is public may be admitted. */
async function urlComplaint(text: string): Promise<string | undefined> {
	const admission = await INSIDE.admit(text);
	if (admission.kind !== "admitted") return undefined;
	const bytes = parseIp(admission.address);
	return bytes !== undefined && classOf(bytes) === "public" ? undefined : `admits ${admission.address}`;
}

function jsonComplaint(text: string): string | undefined {
	const strict = parseStrictJson(text);
	let plain: unknown;
	let isJson = true;
	try {
		plain = JSON.parse(text);
	} catch {
		isJson = false;
	}
	if (strict.kind === "malformed") return undefined;
	if (!isJson) return "takes for JSON what is none";
	if (JSON.stringify(strict.value) !== JSON.stringify(plain)) return "reads JSON in another way";
	const word = hookWord(200, Buffer.from(text));
	const isZero = plain === 0 || (typeof plain === "object" && (plain as { code?: unknown } | null)?.code === 0);
	return (word.kind === "yes") === isZero ? undefined : `takes the hook's answer for ${word.kind}`;
}

function addressComplaint(text: string): string | undefined {
	const bytes = parseIp(text);
	const isPlain = isIP(text) !== 0 && !text.includes("%");
	if ((bytes !== undefined) !== isPlain) return "and Node disagree whether it is an address";
	if (
		bytes !== undefined &&
		classOf(bytes) === "public" &&
		isIP(text) === 4 &&
		/^(10|127|192\.168|169\.254)\./.test(text)
	) {
		return "takes an address inside for a public one";
	}
	const network = parseNetwork(text);
	if (network !== undefined && network.prefix > 8 * network.bytes.length) return "takes a prefix that is too long";
	return sourceOf(text).length <= 64 ? undefined : "makes a source's name long";
}

function tokenComplaint(text: string): string | undefined {
	const pattern = parsePattern(text);
	if (pattern !== undefined && !/^(\*|[\w][\w-]{0,127})\/(\*|[\w][\w-]{0,127})$/.test(text))
		return "takes it for a pattern";
	const query = new URLSearchParams(text);
	const offered = offeredBy({ query, bearer: text, user: text, password: text });
	if (offered !== undefined && query.getAll("token").length > 1) return "takes a token that stands twice";
	const shape = shapeOfJwt(text);
	if (shape.kind === "malformed") return undefined;
	const parts = text.split(".");
	const header = JSON.parse(Buffer.from(parts[0]!, "base64url").toString()) as { alg?: unknown };
	return parts.length === 3 && header.alg === shape.algorithm ? undefined : "reads a token in another way";
}

export interface AccessFuzz {
	readonly seed: number;
	readonly from: number;
	readonly inputs: number;
}

/** @returns what was found: at most ten of it */
export async function fuzzAccess({ seed, from, inputs }: AccessFuzz): Promise<string[]> {
	const findings: string[] = [];
	// A fault's stack costs more than all the rest of it. What is thrown has one when it is repeated alone.
	const limit = Error.stackTraceLimit;
	if (inputs > 1) Error.stackTraceLimit = 0;
	for (let index = from; index < from + inputs && findings.length < 10; index++) {
		const text = makeText(new Random(seed, index));
		const complaint = await examineText(text);
		if (complaint === undefined) continue;
		findings.push(`input ${index} of seed ${seed}, ${JSON.stringify(text)}: ${complaint}`);
	}
	Error.stackTraceLimit = limit;
	return findings;
}

if (import.meta.main) {
	const { values } = parseArgs({
		options: {
			inputs: { type: "string", default: "1000000" },
			seed: { type: "string", default: "1" },
			from: { type: "string", default: "0" },
		},
	});
	const { inputs, seed, from } = values;
	const start = performance.now();
	const findings = await fuzzAccess({ seed: Number(seed), from: Number(from), inputs: Number(inputs) });
	for (const finding of findings) console.log(finding);
	console.log(`${inputs} inputs in ${((performance.now() - start) / 1000).toFixed(1)} s; ${findings.length} findings`);
	process.exit(findings.length === 0 ? 0 : 1);
}
