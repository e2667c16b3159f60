/**
 * Why a distributor did not send a packet, or a copy of one: the closed list of docs/wire/distributor.md, in its order.
 * The first eleven are the parser's and mean that the packet went to the kernel.
 */
export const DROP_REASONS = [
	"short-frame",
	"nested-vlan",
	"ethertype",
	"ip-header",
	"ip-options",
	"ip-checksum",
	"fragment",
	"ip-extension",
	"not-udp",
	"udp-length",
	"no-media",
	"no-rule",
	"wrong-source",
	"wrong-media",
	"checksum",
	"jumbo",
	"missed",
	"own-frame",
	"draining",
	"too-large",
	"no-neighbour",
	"packet-rate",
	"bit-rate",
	"queue-full",
	"no-buffer",
	"send-failed",
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

/** Packets by reason; a reason without a count is left out. */
export type DropCounts = Partial<Readonly<Record<DropReason, number>>>;
