/** What people write and read of engines and rules: the same in the configuration and on the command line. */
import { ENGINE_KINDS } from "../wire/distributor-answer.ts";

export { endpointText, RULE_MEDIA } from "../wire/distributor-rule.ts";

/** `auto` takes the best that works. */
export const ENGINE_NAMES = ["auto", ...ENGINE_KINDS] as const;

/** Of the native distributor, whose names they are. */
export const BACKENDS = ["af_xdp", "af_packet", "memif", "pcap", "ring", "null", "pci"] as const;
