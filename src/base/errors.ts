/**
 * Every error that a user of Penstock can meet, by its stable code. `docs/errors.md` lists the same codes,
 * and a test holds the two together.
 *
 * A message says which object, which numbers, and what to do: `new PenstockError("CONFIG_VALUE",
 * 'penstock.yaml:7:12: unitMs is 20 but must be from 250 to 10000; …')`. The code leads the text.
 */
export const ERROR_CODES = {
	ACCESS_AWAY: "Whether somebody may publish or play cannot be found out now: a hook or a set of keys is away.",
	ACCESS_CREDENTIALS: "To publish or play this stream something must be shown, and nothing was.",
	ACCESS_EXPIRED: "The signed URL or the token has expired.",
	ACCESS_HOOK: "A hook has said no.",
	ACCESS_RATE: "A source, or all of them together, brought wrong credentials too often.",
	ACCESS_REFUSED: "No right is for what is asked, or what was shown does not fit.",
	ACCESS_REPLAYED: "A URL that is good for one time was used before.",
	ACCESS_SECRET: "A secret of the section access cannot be read or made, or is too short.",
	ACCESS_SETTING: "The section access says something that cannot work.",
	API_HOST: "A request to the API has a Host header that names neither this machine nor api.allowedHosts.",
	API_ORIGIN: "A page of another site tried to change something through the API.",
	API_REQUEST: "A request to the API has a body or a parameter that its schema refuses.",
	API_ROUTE: "The API has no such route.",
	API_UNREACHABLE: "The API of a running Penstock cannot be reached, or does not answer as one.",
	CHANNEL_NOT_FOUND: "No channel has this name.",
	CHANNEL_NOT_READY: "The channel exists but has no picture yet, or its source is away.",
	COMMAND_LINE: "The command line has an option, a value or a command that Penstock does not know.",
	CONFIG_FILE: "The configuration file cannot be read.",
	CONFIG_KEY: "The configuration has a key that Penstock does not know.",
	CONFIG_SYNTAX: "The configuration is not valid YAML.",
	CONFIG_VALUE: "A value in the configuration has the wrong type or lies outside its range.",
	CONNECTIONS_LIMIT: "The listener for viewers has as many connections as http.maxConnections allows.",
	DISTRIBUTION_OFF: "The server distributes no packets.",
	DISTRIBUTOR_EXITED: "The native distributor ended or stopped answering; it is started again with back-off.",
	DISTRIBUTOR_MISSING: "The native distributor was not found, or cannot be run.",
	DISTRIBUTOR_PROTOCOL: "What answers on a control socket does not speak the distributor's protocol.",
	DISTRIBUTOR_REFUSED: "The distributor refused a request.",
	DISTRIBUTOR_UNREACHABLE: "The distributor's control socket cannot be opened, or does not answer in time.",
	ENGINE_UNAVAILABLE: "No engine that was asked for can distribute packets here.",
	FFMPEG_CAPABILITY: "FFmpeg lacks an encoder, filter or protocol that the configuration needs.",
	FFMPEG_EXITED: "The channel's FFmpeg process ended; it is started again with back-off.",
	FFMPEG_HUNG: "The channel's FFmpeg process gave no output for too long and was killed.",
	FFMPEG_MISSING: "FFmpeg or ffprobe was not found, or cannot be run.",
	FFMPEG_TOO_OLD: "FFmpeg is older than the oldest version that Penstock works with.",
	FLV_SYNTAX: "Bytes that should be FLV are not.",
	FMP4_SYNTAX: "Bytes that should be fragmented MP4 are not.",
	HTTP_HEADERS_TOO_LARGE: "The request's header is larger than http.maxHeaderBytes.",
	HTTP_MALFORMED: "The request is not valid HTTP/1.1, or is framed in two ways at once.",
	HTTP_METHOD: "The resource does not know this method.",
	HTTP_TIMEOUT: "The request was not complete in time.",
	INTERNAL: "Penstock itself failed; the log has the cause.",
	LADDER_COPY_UNFIT: "A rendition copies a source whose GOPs are not closed or do not fit the unit.",
	LISTEN_ADDRESS: "An address to listen on is taken, not permitted or not of this machine.",
	MPEGPS_SYNTAX: "Bytes that should be an MPEG program stream are not.",
	MPEGTS_SYNTAX: "Bytes that should be an MPEG transport stream are not.",
	NAME_INVALID: "A name of an app, stream or rendition has a character or a length that is not allowed.",
	NATS_CREDENTIALS: "The file with the credentials for NATS cannot be read, or is none.",
	PACKAGING_UNFIT: "The packaging asked for has no form for a codec of this channel.",
	PACKAGING_UNKNOWN: "The path's extension names no packaging that Penstock has.",
	PAGES_MISSING: "The pages and the player are not there: they have not been built.",
	PAGE_NOT_FOUND: "No page or script of Penstock's has this path.",
	POLICY_MODULE: "The module with the switching policy cannot be loaded, or gives no policy.",
	PUBLISHER_EXISTS: "The stream has a publisher already, and a second one is not let in.",
	PUBLISHER_REPLACED: "Another publisher of the same stream has taken its place.",
	PUBLISHER_SILENT: "A publisher sent no media for too long, and its stream was ended.",
	PUSH_TYPE: "What is published over HTTP is of no type that Penstock takes, or is compressed.",
	RENDITION_NOT_FOUND: "The channel has no rendition of this name.",
	REPORT_MALFORMED: "The body of a report does not follow its form, or a figure lies outside its range.",
	REPORT_RATE: "A session or an address sends more reports than it may.",
	REPORT_ROUTE: "A report server has no such route.",
	REPORT_SESSION: "No viewer has the session that a report names.",
	REPORT_TOO_LARGE: "The body of a report is larger than 16 KiB.",
	REPORT_TYPE: "A report is neither application/cmcd nor application/json, or is compressed.",
	RTMP_CONNECTIONS: "The RTMP listener has as many connections as it takes, in all or of one address.",
	RTMP_LIMIT: "An RTMP message, or how many of them there are, exceeds a limit.",
	RTMP_SYNTAX: "Bytes that should be RTMP are not.",
	RTMP_TIMEOUT: "An RTMP client was connected but did not begin to publish in time.",
	RTMP_UNSUPPORTED: "An RTMP client asks for something that Penstock does not speak.",
	RTP_DATAGRAM: "A datagram that should be an RTP or RTCP packet is not.",
	RTP_LOST: "Packets of an RTP stream are missing, and what they belonged to was left out.",
	RTP_PAYLOAD: "The payload of an RTP packet does not follow its payload format.",
	RTP_PAYLOAD_TOO_LARGE: "An access unit does not fit an RTP packet, and its payload format has no fragments.",
	RTP_SYNTAX: "Bytes that should be RTP packets framed by RFC 4571 are not.",
	RTSP_AUTHENTICATION: "An RTSP request lacks credentials, or brings wrong ones.",
	RTSP_CONNECTIONS: "The RTSP listener has as many connections as it takes, in all or of one address.",
	RTSP_LIMIT: "An RTSP message, or what it describes, is larger than its limit.",
	RTSP_MALFORMED: "Bytes that should be RTSP are not, or a header field does not follow its form.",
	RTSP_METHOD: "The RTSP method is unknown, or not valid in the session's state.",
	RTSP_REFUSED: "The RTSP server of a source refused a request.",
	RTSP_SESSION: "The connection has no RTSP session of this id.",
	RTSP_SLOW: "An RTSP client does not read what it asked for.",
	RTSP_TIMEOUT: "An RTSP client or server was silent for too long.",
	RTSP_TRANSPORT: "None of the transports that an RTSP client offers can be had.",
	RULES_FILE: "A file with rules cannot be read or written, or what it says is wrong.",
	RULE_CONFLICT: "Two rules would take the same packets.",
	RULE_FIXED: "A rule of the configuration, or of an RTSP session, cannot be changed at run time.",
	RULE_INVALID: "A rule, or a part of it, does not follow its form.",
	RULE_LIMIT: "A rule exceeds a limit on receivers, packets or bits per second.",
	RULE_LOOP: "A receiver of a rule is what a rule takes, so that packets would come back or go round.",
	RULE_NETWORK: "A receiver's address lies in no network that is allowed.",
	RULE_NOT_FOUND: "No rule has this name.",
	RULE_STALE: "A rule has changed since it was read.",
	RUNTIME_TOO_OLD: "Node.js is older than the oldest version that Penstock runs on.",
	SDP_MALFORMED: "A session description (SDP) does not follow its form, or exceeds a limit.",
	SESSION_MALFORMED: "The body of a session's request does not follow its form.",
	SESSION_NOT_FOUND: "No viewer has the session that a request names.",
	SESSION_RATE: "A session or an address sends more requests about a session than it may.",
	SESSION_TOO_LARGE: "The body of a session's request is larger than 1 KiB.",
	SESSION_TYPE: "A session's request is not application/json, or is compressed.",
	SOURCE_NO_AUDIO: "The source of a channel without video has no audio stream.",
	SOURCE_NO_VIDEO: "The source has no video stream.",
	SOURCE_TIMESTAMPS: "The source's time stamps jumped or ran backwards; its ladder is started afresh.",
	SOURCE_UNREACHABLE: "The source cannot be opened or sends nothing.",
	SOURCE_UNSUPPORTED: "The source's URL has a scheme or a form that Penstock does not open.",
	STREAM_UNREACHABLE: "The stream to be played cannot be opened, or the server refused it.",
	STREAM_UNSUPPORTED: "An elementary stream has a codec or a form that Penstock does not carry.",
	URL_FORBIDDEN: "A URL may not be opened for its scheme, its host or the address behind it.",
	VIEWERS_LIMIT: "The server has as many viewers as delivery.maxViewers allows.",
	VIEWER_NOT_FOUND: "No viewer has this id (it may have left).",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error with a stable code and a message that tells what, where and what to do. */
export class PenstockError extends Error {
	readonly code: ErrorCode;

	constructor(code: ErrorCode, detail: string, options?: { cause?: unknown }) {
		super(`${code}: ${detail}`, options);
		this.name = "PenstockError";
		this.code = code;
	}
}

/** The message of anything that was thrown. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** The same as a part of another sentence: without the code in front and the full stop behind. */
export const clauseOf = (thrown: unknown): string =>
	thrown instanceof PenstockError ? thrown.message.slice(thrown.code.length + 2).replace(/\.$/, "") : messageOf(thrown);
