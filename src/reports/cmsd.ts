/** The answer to a report as a header field: `CMSD-Dynamic: "penstock";etp=9600;mb=4000;rtt=24` (CTA-5006). */
import { encodeCmsdDynamic } from "@svta/cml-cmsd";
import { SfItem } from "@svta/cml-structured-field-values";
import type { SessionAnswer } from "../wire/report-message.ts";

export function cmsdDynamic({ etpKbps, mbKbps, du, rttMs }: SessionAnswer): string {
	const params = {
		...(etpKbps !== undefined && { etp: etpKbps }),
		...(mbKbps !== undefined && { mb: mbKbps }),
		...(du === true && { du }),
		...(rttMs !== undefined && { rtt: rttMs }),
	};
	return encodeCmsdDynamic([new SfItem("penstock", params)]);
}
