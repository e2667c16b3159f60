/* Each verb gives false and fills request->error, or true and what it sets into request->answer. */
#include "verbs.h"

#include "json_line.h"
#include "log.h"
#include "verb_list.h"

#include <string.h>

#define BATCH_MAX 1000
#define CONTROLLER_BYTES_MAX 64

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static json_t *capabilities(const struct dist_protocol *protocol)
{
	const struct dist_engine_facts *facts = protocol->options.ops->facts(protocol->options.engine);
	return json_pack("{s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b}", "ipv4", facts->ipv4, "ipv6", facts->ipv6, "vlan",
			 facts->vlan, "dscp", facts->dscp, "ttl", facts->ttl, "multicast", facts->multicast, "sourcePort",
			 facts->source_port, "capture", protocol->options.capture);
}

static bool do_hello(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}, {"protocol", true}, {"controller", false}};
	const struct dist_limits *limits = &protocol->options.limits;
	const char *controller = "without a name";
	int64_t version = 0;

	if (!dist_request_check(request, fields, COUNT(fields)) ||
	    !dist_json_integer(request->json, "", "protocol", 0, DIST_JSON_INTEGER_MAX, &version, &request->error) ||
	    !dist_json_text(request->json, "", "controller", CONTROLLER_BYTES_MAX, &controller, &request->error))
		return false;
	if (version != DIST_PROTOCOL_VERSION)
		return dist_error_set(&request->error, "PROTOCOL_UNSUPPORTED",
				      "protocol is %lld, but this distributor speaks %d alone", (long long)version,
				      DIST_PROTOCOL_VERSION);
	if (!request->session->greeted)
		dist_log(DIST_LOG_INFO, "control.hello", "controller %s", controller);
	request->session->greeted = true;
	json_t *answer = request->answer;
	json_object_set_new(answer, "protocol", json_integer(DIST_PROTOCOL_VERSION));
	json_object_set_new(answer, "engine", json_string(protocol->options.ops->name));
	json_object_set_new(answer, "backend",
			    json_string(protocol->options.ops->facts(protocol->options.engine)->backend));
	json_object_set_new(answer, "version", json_string(protocol->options.version));
	json_object_set_new(answer, "instance", json_string(protocol->instance));
	json_object_set_new(answer, "capabilities", capabilities(protocol));
	json_object_set_new(answer, "limits",
			    json_pack("{s:I, s:I, s:I}", "rules", (json_int_t)limits->rules, "receiversPerRule",
				      (json_int_t)limits->receivers_per_rule, "receivers", (json_int_t)limits->receivers));
	return true;
}

static bool do_drain(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}};

	if (!dist_request_check(request, fields, COUNT(fields)))
		return false;
	dist_protocol_drain(protocol);
	return true;
}

static bool do_quit(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}};

	if (!dist_request_check(request, fields, COUNT(fields)))
		return false;
	protocol->quits = true;
	return true;
}

static bool do_batch(struct dist_protocol *protocol, struct dist_request *request);

static const struct verb {
	const char *name;
	bool (*run)(struct dist_protocol *protocol, struct dist_request *request);
	bool in_batch;
} verbs[] = {
	{"hello", do_hello, false},
	{"rule.put", dist_verb_rule_put, true},
	{"rule.delete", dist_verb_rule_delete, true},
	{"rule.list", dist_verb_rule_list, true},
	{"receivers.add", dist_verb_receivers_add, true},
	{"receivers.remove", dist_verb_receivers_remove, true},
	{"batch", do_batch, false},
	{"lease", dist_verb_lease, true},
	{"stats", dist_verb_stats, true},
	{"capture", dist_verb_capture, false},
	{"drain", do_drain, false},
	{"quit", do_quit, false},
};

static const struct verb *verb_of(const json_t *json, struct dist_error *error)
{
	const json_t *name = json_object_get(json, "do");
	const char *text = json_string_value(name);

	for (size_t i = 0; text != NULL && i < COUNT(verbs); i++)
		if (strcmp(verbs[i].name, text) == 0 && strlen(text) == json_string_length(name))
			return &verbs[i];
	dist_error_set(error, "VERB_UNKNOWN", "do must name a verb, such as rule.put");
	return NULL;
}

static bool run_in_batch(struct dist_protocol *protocol, struct dist_request *request)
{
	const struct verb *verb = verb_of(request->json, &request->error);

	if (verb == NULL)
		return false;
	if (!verb->in_batch)
		return dist_error_set(&request->error, "BATCH_VERB", "%s may not stand in a batch", verb->name);
	if (json_object_get(request->json, "id") != NULL)
		return dist_error_set(&request->error, "KEY_UNKNOWN", "id is not known in a batch; leave it out");
	return verb->run(protocol, request);
}

static bool do_batch(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}, {"requests", true}};
	const json_t *requests = json_object_get(request->json, "requests");
	size_t i;
	json_t *json;

	if (!dist_request_check(request, fields, COUNT(fields)))
		return false;
	if (!json_is_array(requests) || json_array_size(requests) < 1 || json_array_size(requests) > BATCH_MAX)
		return dist_error_set(&request->error, "VALUE_INVALID", "requests must be a list of 1 to %d requests",
				      BATCH_MAX);
	json_array_foreach (requests, i, json)
		if (!json_is_object(json))
			return dist_error_set(&request->error, "VALUE_INVALID", "requests[%zu] must be an object", i);
	json_t *answers = json_array();
	json_array_foreach (requests, i, json) {
		struct dist_request one = {.session = request->session,
				      .json = json,
				      .answer = json_object(),
				      .now_ns = request->now_ns,
				      .items_left = request->items_left};
		bool done = run_in_batch(protocol, &one);
		if (!done) {
			json_object_clear(one.answer);
			json_object_set_new(one.answer, "error", dist_line_error(&one.error));
		}
		json_object_set_new(one.answer, "ok", json_boolean(done));
		json_array_append_new(answers, one.answer);
	}
	json_object_set_new(request->answer, "answers", answers);
	return true;
}

bool dist_verb_run(struct dist_protocol *protocol, struct dist_request *request)
{
	const struct verb *verb = verb_of(request->json, &request->error);

	if (verb == NULL)
		return false;
	if (!request->session->greeted && verb->run != do_hello)
		return dist_error_set(&request->error, "HELLO_FIRST", "the first request of a connection is hello");
	return verb->run(protocol, request);
}
