import { expect, test } from "vitest";
import { classOf, mayDial } from "./address-class.ts";
import { type Network, parseIp, parseNetwork } from "./ip-address.ts";
import { UrlGuard, type UrlGuardSettings } from "./url-guard.ts";

const network = (text: string): Network => parseNetwork(text)!;

/** Names that lead inside, as a stranger's own name server would say. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
	"good.example": ["93.184.215.14"],
	"six.example": ["2606:2800:21f:cb07:6820:80da:af6b:8b2c"],
	"inside.example": ["10.0.0.5"],
	"both.example": ["93.184.215.14", "127.0.0.1"],
	"meta.example": ["169.254.169.254"],
	"mapped.example": ["::ffff:10.0.0.1"],
	"scoped.example": ["fe80::1%eth0"],
	"empty.example": [],
};
const resolve = async (host: string): Promise<readonly string[]> => {
	const addresses = NAMES[host] ?? (host === "localhost" ? ["127.0.0.1"] : undefined);
	if (addresses === undefined) throw new Error(`ENOTFOUND ${host}`);
	return await Promise.resolve(addresses);
};
const guard = (settings: Partial<UrlGuardSettings> = {}): UrlGuard =>
	new UrlGuard({ schemes: ["http", "https"], hosts: "any", networks: [], resolve, ...settings });

test.for([
	["1.1.1.1", "public"],
	["127.0.0.1", "loopback"],
	["127.255.255.254", "loopback"],
	["10.1.2.3", "private"],
	["172.16.0.1", "private"],
	["172.31.255.255", "private"],
	["172.32.0.1", "public"],
	["192.168.1.1", "private"],
	["100.64.0.1", "private"],
	["169.254.1.1", "link-local"],
	["169.254.169.254", "metadata"],
	["100.100.100.200", "metadata"],
	["224.0.0.1", "multicast"],
	["0.0.0.0", "special"],
	["255.255.255.255", "special"],
	["198.18.0.1", "special"],
	["::", "special"],
	["::1", "loopback"],
	["::ffff:127.0.0.1", "loopback"],
	["::7f00:1", "special"],
	["fe80::1", "link-local"],
	["fd00::1", "private"],
	["fd00:ec2::254", "metadata"],
	["ff02::1", "multicast"],
	["2002:7f00:1::", "special"],
	["2001::1", "special"],
	["64:ff9b::a00:1", "private"],
	["64:ff9b::a9fe:a9fe", "metadata"],
	["64:ff9b::808:808", "public"],
	["64:ff9b:1::1", "special"],
	["2606:4700::1111", "public"],
	["4000::1", "special"],
] as const)("%s is %s", ([address, kind]) => expect(classOf(parseIp(address)!)).toBe(kind));

test("SEC3: what tells a machine its secrets is dialled only where its very address is named", () => {
	const metadata = parseIp("169.254.169.254")!;
	expect(mayDial(metadata, [network("169.254.0.0/16"), network("0.0.0.0/0")])).toBe(false);
	expect(mayDial(metadata, [network("169.254.169.254")])).toBe(true);
	expect(mayDial(parseIp("169.254.1.1")!, [network("169.254.0.0/16")])).toBe(true);
});

const LOCAL_HOSTS = [
	...["127.0.0.1", "127.1", "127.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1"],
	...["127.0.0.1.", "localhost", "LOCALHOST", "localhost.", "0", "0.0.0.0", "0x0", "00000"],
	...["[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"],
	...["[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fd00::1]", "[fec0::1]", "[ff02::1]"],
	...["10.0.0.1", "10.1", "0xa.0.0.1", "012.0.0.1", "172.16.0.1", "192.168.0.1", "192.168.1", "100.64.0.1"],
	...["169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.43518", "[fd00:ec2::254]"],
	...["[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "100.100.100.200", "192.0.0.192", "255.255.255.255"],
	...["inside.example", "both.example", "meta.example", "mapped.example", "scoped.example", "empty.example"],
	...["１２７.0.0.1", "127。0。0。1", "ⓛocalhost", "%6c%6f%63%61%6c%68%6f%73%74", "127.0.0.1%00.good.example"],
];
const FORMS = [
	...["http://HOST/", "https://HOST/x", "http://HOST:8080/", "http://good.example@HOST/", "http://a:b@HOST/"],
	...["HTTP://HOST/", "http:\\\\HOST\\"],
];
const STRANGE = [
	...["", " ", "good.example", "//good.example/", "http:", "http://", "http:///", "http://:80/", "javascript:alert(1)"],
	...["file:///etc/passwd", "ftp://good.example/", "gopher://good.example/", "data:,x", "unix:/run/docker.sock"],
	...[
		"http+unix://%2Frun%2Fx.sock/",
		"http://good.example:0/",
		"http://good.example:99999/",
		"http://good.example:-1/",
	],
	...["http://good.example/\r\nX: 1", "http://good.example/ x", "http://good.example\t/", "\thttp://good.example/"],
	...["http://good.example\\@inside.example/", "http://good.example\u0000.inside.example/", "http://good..example/"],
	...["http://.good.example/", "http://-/", "http://good.example./", "http://exa mple/", "http://user@good.example/"],
	`http://good.example/${"x".repeat(3000)}`,
	`http://${"a".repeat(64)}.example/`,
	`http://${"a.".repeat(130)}example/`,
];
const HOSTILE = [...FORMS.flatMap((form) => LOCAL_HOSTS.map((host) => form.replace("HOST", host))), ...STRANGE];

test(`SEC3: ${HOSTILE.length} URLs that lead inside, or nowhere, are not admitted, and the public ones are`, async () => {
	expect(HOSTILE.length).toBeGreaterThan(300);
	const admitted: string[] = [];
	for (const url of HOSTILE) if ((await guard().admit(url)).kind === "admitted") admitted.push(url);
	expect(admitted).toEqual([]);
	expect(await guard().admit("http://good.example/")).toMatchObject({ kind: "admitted", address: "93.184.215.14" });
	expect(await guard().admit("https://six.example/")).toMatchObject({ kind: "admitted", port: 443 });
	expect(await guard().admit("https://1.1.1.1:8443/")).toMatchObject({
		kind: "admitted",
		address: "1.1.1.1",
		port: 8443,
	});
});

test("SEC3: a name is resolved once, and what is dialled is what was checked", async () => {
	const answers = [["93.184.215.14"], ["127.0.0.1"]];
	let lookups = 0;
	const rebinding = guard({ resolve: () => Promise.resolve(answers[lookups++] ?? []) });
	expect(await rebinding.admit("http://rebind.example/")).toMatchObject({ address: "93.184.215.14" });
	expect(lookups).toBe(1);
	expect(await rebinding.admit("http://rebind.example/")).toMatchObject({ kind: "refused" });
});

test("what the configuration names may be dialled, and nothing beside it", async () => {
	const named = guard({ networks: [network("10.0.0.0/8")] });
	expect((await named.admit("http://inside.example/")).kind).toBe("admitted");
	expect((await named.admit("http://mapped.example/")).kind).toBe("admitted");
	expect((await named.admit("http://192.168.0.1/")).kind).toBe("refused");
	expect((await named.admit("http://both.example/")).kind).toBe("refused");
});

test("only hosts of the list are admitted, by port where it has one", async () => {
	const listed = guard({ hosts: ["good.example:8080", "six.example"] });
	expect((await listed.admit("http://good.example:8080/")).kind).toBe("admitted");
	expect((await listed.admit("http://GOOD.example:8080/")).kind).toBe("admitted");
	expect((await listed.admit("http://good.example/")).kind).toBe("refused");
	expect((await listed.admit("http://six.example:1234/")).kind).toBe("admitted");
	expect((await listed.admit("http://1.1.1.1/")).kind).toBe("refused");
});

test("a camera's URL may have user and password, and its address is judged all the same", async () => {
	const cameras = guard({ schemes: ["rtsp"], userInfo: true, networks: [network("10.0.0.0/8")] });
	const url = "rtsp://admin:secret@INSIDE.example/stream";
	expect(await cameras.admit(url)).toMatchObject({ kind: "admitted", address: "10.0.0.5", port: 554 });
	for (const host of ["0x7f.1", "2130706433", "127.1", "127.0.0.1", "[::1]", "%31%32%37.0.0.1"]) {
		expect([host, (await cameras.admit(`rtsp://${host}/x`)).kind]).toEqual([host, "refused"]);
	}
});

test("a refusal names scheme, host and address, and nothing else of the URL", async () => {
	const answer = await guard().admit("http://inside.example/hook?secret=canary");
	expect(answer.kind === "refused" && answer.error.message).toMatch(
		/^URL_FORBIDDEN: inside\.example leads to 10\.0\.0\.5, which is a private address; name its network/,
	);
	expect(JSON.stringify(answer)).not.toContain("canary");
	expect(await guard().admit("http://gone.example/")).toEqual({
		kind: "unresolved",
		why: "gone.example cannot be resolved: ENOTFOUND gone.example",
	});
});
