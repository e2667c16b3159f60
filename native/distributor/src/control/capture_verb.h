/** A capture from its verb to its event. Call these only while one runs (protocol->capture.file is not NULL). */
#ifndef DIST_CONTROL_CAPTURE_VERB_H
#define DIST_CONTROL_CAPTURE_VERB_H

#include "protocol_state.h"

/** Writes what has come, and ends the capture when it is time. */
void dist_capture_tick(struct dist_protocol *protocol, uint64_t now_ns);
/** Ends it: the file is complete when the event is sent. Without memory it stays, and is ended by the next tick. */
void dist_capture_end(struct dist_protocol *protocol);

#endif
