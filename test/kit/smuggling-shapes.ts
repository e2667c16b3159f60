/**
 * Requests that two HTTP parsers may read in two ways, with a second request hidden where one of them would find it.
 * A server must refuse each, or read it in the one way that leaves no second request.
 */

const HOST = "Host: penstock.test\r\n";

/** The request that nobody must answer: its path would be in the answer. */
const HIDDEN = `GET /live/hidden.ts HTTP/1.1\r\n${HOST}\r\n`;
export const HIDDEN_MARK = "hidden";

export interface Shape {
	readonly name: string;
	readonly bytes: string;
}

const CHUNKED_HIDDEN = `0\r\n\r\n${HIDDEN}`;

const get = (path: string, fields: string, behind: string): string =>
	`GET ${path} HTTP/1.1\r\n${HOST}${fields}\r\n${behind}`;

/** Each must be answered by an error and nothing else. */
export const refusedShapes = (path: string): readonly Shape[] => [
	{
		name: "Content-Length and Transfer-Encoding",
		bytes: get(path, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", CHUNKED_HIDDEN),
	},
	{
		name: "Transfer-Encoding and Content-Length",
		bytes: get(path, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", CHUNKED_HIDDEN),
	},
	{
		name: "two Content-Length that differ",
		bytes: get(path, `Content-Length: 0\r\nContent-Length: ${HIDDEN.length}\r\n`, HIDDEN),
	},
	{
		name: "two Content-Length that agree",
		bytes: get(path, "Content-Length: 0\r\nContent-Length: 0\r\n", HIDDEN),
	},
	{ name: "a list in Content-Length", bytes: get(path, "Content-Length: 0, 0\r\n", HIDDEN) },
	{ name: "a signed Content-Length", bytes: get(path, `Content-Length: +${HIDDEN.length}\r\n`, HIDDEN) },
	{ name: "a hexadecimal Content-Length", bytes: get(path, "Content-Length: 0x0\r\n", HIDDEN) },
	{ name: "an empty Content-Length", bytes: get(path, "Content-Length: \r\n", HIDDEN) },
	{ name: "a Content-Length beyond 2⁶⁴", bytes: get(path, "Content-Length: 18446744073709551616\r\n", HIDDEN) },
	{ name: "a body by Content-Length", bytes: get(path, `Content-Length: ${HIDDEN.length}\r\n`, HIDDEN) },
	{ name: "a chunked body", bytes: get(path, "Transfer-Encoding: chunked\r\n", CHUNKED_HIDDEN) },
	{ name: "Transfer-Encoding: xchunked", bytes: get(path, "Transfer-Encoding: xchunked\r\n", CHUNKED_HIDDEN) },
	{ name: "Transfer-Encoding: CHUNKED", bytes: get(path, "TRANSFER-ENCODING: CHUNKED\r\n", CHUNKED_HIDDEN) },
	{ name: "Transfer-Encoding: identity", bytes: get(path, "Transfer-Encoding: identity\r\n", CHUNKED_HIDDEN) },
	{
		name: "chunked before another coding",
		bytes: get(path, "Transfer-Encoding: chunked, identity\r\n", CHUNKED_HIDDEN),
	},
	{
		name: "two Transfer-Encoding",
		bytes: get(path, "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", CHUNKED_HIDDEN),
	},
	{ name: "Transfer-Encoding with a tab", bytes: get(path, "Transfer-Encoding:\tchunked\r\n", CHUNKED_HIDDEN) },
	{ name: "Transfer-Encoding in quotes", bytes: get(path, 'Transfer-Encoding: "chunked"\r\n', CHUNKED_HIDDEN) },
	{ name: "a folded Transfer-Encoding", bytes: get(path, "Transfer-Encoding:\r\n chunked\r\n", CHUNKED_HIDDEN) },
	{ name: "a folded field", bytes: get(path, "X-Odd: a\r\n b\r\n", HIDDEN) },
	{ name: "a folded first field", bytes: `GET ${path} HTTP/1.1\r\n ${HOST}\r\n${HIDDEN}` },
	{ name: "space before the colon", bytes: get(path, "Transfer-Encoding : chunked\r\n", CHUNKED_HIDDEN) },
	{ name: "a field without a colon", bytes: get(path, "Transfer-Encoding chunked\r\n", CHUNKED_HIDDEN) },
	{ name: "a field without a name", bytes: get(path, ": chunked\r\n", HIDDEN) },
	{ name: "NUL in a field's value", bytes: get(path, "X-Odd: a\0b\r\n", HIDDEN) },
	{ name: "NUL in a field's name", bytes: get(path, "X-\0Odd: a\r\n", HIDDEN) },
	{ name: "NUL in the path", bytes: get(`${path}\0`, "", HIDDEN) },
	{ name: "a bare CR in a field", bytes: get(path, "X-Odd: a\rTransfer-Encoding: chunked\r\n", CHUNKED_HIDDEN) },
	{ name: "bare LF throughout", bytes: `GET ${path} HTTP/1.1\nHost: a\n\n${HIDDEN}` },
	{ name: "bare LF behind one field", bytes: `GET ${path} HTTP/1.1\r\nHost: a\nX-Odd: b\r\n\r\n${HIDDEN}` },
	{ name: "a space in the path", bytes: get(`${path} x`, "", HIDDEN) },
	{ name: "another protocol's version", bytes: `GET ${path} HTTP/3.7\r\n${HOST}\r\n${HIDDEN}` },
	{ name: "no version", bytes: `GET ${path}\r\n${HIDDEN}` },
	{ name: "the preface of HTTP/2", bytes: `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${HIDDEN}` },
	{ name: "no Host", bytes: `GET ${path} HTTP/1.1\r\n\r\n${HIDDEN}` },
	{ name: "two Hosts", bytes: get(path, "Host: other.test\r\n", HIDDEN) },
	{
		name: "a chunked body in HTTP/1.0",
		bytes: `GET ${path} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED_HIDDEN}`,
	},
	{
		name: "a POST with a body",
		bytes: `POST ${path} HTTP/1.1\r\n${HOST}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
	},
	{ name: "no HTTP at all", bytes: `\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03${HIDDEN}` },
];

/** Each is a good request for a stream; what stands behind it must never be answered. */
export const streamShapes = (path: string): readonly Shape[] => [
	{ name: "a second request behind it", bytes: get(path, "", HIDDEN) },
	{ name: "two spaces before the version", bytes: `GET ${path}  HTTP/1.1\r\n${HOST}\r\n${HIDDEN}` },
	{ name: "the same request twice", bytes: get(path, "", get(path, "", "")) },
	{ name: "many requests behind it", bytes: get(path, "", HIDDEN.repeat(200)) },
	{ name: "a check of health behind it", bytes: get(path, "", get("/healthz", "", "")) },
	{ name: "half a request behind it", bytes: get(path, "", "GET /live/hid") },
	{ name: "no request behind it", bytes: get(path, "", "\0\xffno HTTP\r\n\r\n") },
	{ name: "a body of no length", bytes: get(path, "Content-Length: 0\r\n", HIDDEN) },
	{ name: "Connection: keep-alive", bytes: get(path, "Connection: keep-alive\r\nKeep-Alive: timeout=600\r\n", HIDDEN) },
	{ name: "an upgrade", bytes: get(path, "Connection: upgrade\r\nUpgrade: h2c\r\n", HIDDEN) },
	{ name: "Expect: 100-continue", bytes: get(path, "Content-Length: 0\r\nExpect: 100-continue\r\n", HIDDEN) },
	{ name: "HTTP/1.0 and keep-alive", bytes: `GET ${path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n${HIDDEN}` },
];
