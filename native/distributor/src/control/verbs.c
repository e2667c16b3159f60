/* Each verb gives false and fills request->error, or true and what it sets into request->answer. */
#include "verbs.h"

#include "capture.h"
#include "clock.h"
#include "json_fields.h"
#include "json_line.h"
#include "log.h"
#include "rule_json.h"
#include "stats_json.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 1000
#define BATCH_MAX 1000
#define LEASE_MS_LEAST 100
#define LEASE_MS_MOST 5000
#define CAPTURE_MS_DEFAULT 60000
#define CAPTURE_MS_MAX 600000
#define CONTROLLER_BYTES_MAX 64
#define PATH_BYTES_MAX 4095

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static bool check(struct dist_request *request, const struct dist_field *fields, size_t field_count)
{
	return dist_json_check(request->json, "", fields, field_count, &request->error);
}

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

	if (!check(request, fields, COUNT(fields)) ||
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

static bool refuse_draining(const struct dist_protocol *protocol, struct dist_request *request)
{
	return !protocol->draining ||
	       dist_error_set(&request->error, "DRAINING", "the distributor is draining and takes no rules");
}

static void set_change(struct dist_request *request, const struct dist_change *change)
{
	json_object_set_new(request->answer, "changed", json_boolean(change->changed));
	json_object_set_new(request->answer, "generation", json_integer((json_int_t)change->generation));
	json_object_set_new(request->answer, "receivers", json_integer(change->receivers));
}

static bool do_rule_put(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}, {"rule", true}};
	struct dist_rule_spec rule = {0};
	struct dist_change change;

	if (!check(request, fields, COUNT(fields)))
		return false;
	if (!dist_rule_from_json(json_object_get(request->json, "rule"), &rule, &request->error) ||
	    !refuse_draining(protocol, request)) {
		dist_rule_spec_clear(&rule);
		return false;
	}
	if (!dist_rule_store_put(protocol->store, &rule, request->now_ns, &change, &request->error))
		return false;
	set_change(request, &change);
	return true;
}

static bool read_name_and_generation(struct dist_request *request, const char **name, uint64_t *generation)
{
	int64_t value = 0;

	if (!dist_json_name(request->json, "", "name", name, &request->error) ||
	    !dist_json_integer(request->json, "", "generation", 1, DIST_JSON_INTEGER_MAX, &value, &request->error))
		return false;
	*generation = (uint64_t)value;
	return true;
}

static bool do_rule_delete(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}, {"name", true}, {"generation", true}};
	struct dist_change change;
	const char *name = "";
	uint64_t generation = 0;

	if (!check(request, fields, COUNT(fields)) || !read_name_and_generation(request, &name, &generation) ||
	    !dist_rule_store_delete(protocol->store, name, generation, &change, &request->error))
		return false;
	json_object_set_new(request->answer, "changed", json_boolean(change.changed));
	return true;
}

static bool do_receivers(struct dist_protocol *protocol, struct dist_request *request, bool removes)
{
	static const struct dist_field fields[] = {
		{"id", false}, {"do", false}, {"name", true}, {"generation", true}, {"receivers", true}};
	struct dist_receiver_spec *receivers = NULL;
	struct dist_change change;
	uint32_t count;
	const char *name = "";
	uint64_t generation = 0;

	if (!check(request, fields, COUNT(fields)) || !read_name_and_generation(request, &name, &generation) ||
	    !dist_receivers_from_json(json_object_get(request->json, "receivers"), "receivers", removes, 1, &receivers,
				      &count, &request->error))
		return false;
	bool done = removes ? dist_rule_store_remove(protocol->store, name, generation, receivers, count, &change,
						     &request->error)
			    : refuse_draining(protocol, request) &&
				      dist_rule_store_add(protocol->store, name, generation, receivers, count, &change,
							  &request->error);
	free(receivers);
	if (done)
		set_change(request, &change);
	return done;
}

static bool do_receivers_add(struct dist_protocol *protocol, struct dist_request *request)
{
	return do_receivers(protocol, request, false);
}

static bool do_receivers_remove(struct dist_protocol *protocol, struct dist_request *request)
{
	return do_receivers(protocol, request, true);
}

/* `names` and `receivers`, which rule.list and stats share. */
static bool read_selection(struct dist_request *request, const json_t **names, bool *receivers)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}, {"names", false}, {"receivers", false}};
	size_t i;
	json_t *name;

	if (!check(request, fields, COUNT(fields)))
		return false;
	*names = json_object_get(request->json, "names");
	if (*names != NULL && (!json_is_array(*names) || json_array_size(*names) > NAMES_MAX))
		return dist_error_set(&request->error, "VALUE_INVALID", "names must be a list of at most %d names", NAMES_MAX);
	json_array_foreach (*names, i, name)
		if (!dist_json_is_name(name))
			return dist_error_set(&request->error, "VALUE_INVALID", "names[%zu] must be a name of a rule", i);
	return dist_json_boolean(request->json, "", "receivers", receivers, &request->error);
}

static bool is_selected(const json_t *names, const char *name)
{
	size_t i;
	json_t *wanted;

	if (names == NULL)
		return true;
	json_array_foreach (names, i, wanted)
		if (strcmp(json_string_value(wanted), name) == 0)
			return true;
	return false;
}

/* Takes a rule, with its receivers if they are listed, from what one answer may have. */
static bool take_items(struct dist_request *request, const struct dist_rule_entry *entry, bool with_receivers)
{
	uint32_t items = 1 + (with_receivers ? entry->spec.receiver_count : 0);

	if (items > *request->items_left)
		return dist_error_set(&request->error, "ANSWER_TOO_LARGE",
				      "the answer would have more than %d rules and receivers; ask for fewer names", DIST_ANSWER_ITEMS_MAX);
	*request->items_left -= items;
	return true;
}

static bool do_rule_list(struct dist_protocol *protocol, struct dist_request *request)
{
	const json_t *names;
	bool with_receivers = true;

	if (!read_selection(request, &names, &with_receivers))
		return false;
	json_t *rules = json_array();
	for (uint32_t i = 0; i < dist_rule_store_count(protocol->store); i++) {
		const struct dist_rule_entry *entry = dist_rule_store_at(protocol->store, i);
		if (!is_selected(names, entry->spec.name))
			continue;
		if (!take_items(request, entry, with_receivers)) {
			json_decref(rules);
			return false;
		}
		json_array_append_new(rules, dist_rule_to_json(&entry->spec, with_receivers));
	}
	json_object_set_new(request->answer, "rules", rules);
	return true;
}

static bool do_stats(struct dist_protocol *protocol, struct dist_request *request)
{
	const json_t *names;
	bool with_receivers = false;
	unsigned worker_count;

	if (!read_selection(request, &names, &with_receivers))
		return false;
	protocol->options.ops->worker_stats(protocol->options.engine, &worker_count);
	dist_stats_set_totals(request->answer, protocol->options.ops, protocol->options.engine, protocol->started_ns,
			      request->now_ns);
	json_t *rules = json_array();
	for (uint32_t i = 0; i < dist_rule_store_count(protocol->store); i++) {
		const struct dist_rule_entry *entry = dist_rule_store_at(protocol->store, i);
		if (!is_selected(names, entry->spec.name))
			continue;
		if (!take_items(request, entry, with_receivers)) {
			json_decref(rules);
			return false;
		}
		json_array_append_new(rules, dist_stats_of_rule(entry, worker_count, with_receivers));
	}
	json_object_set_new(request->answer, "rules", rules);
	return true;
}

static bool do_lease(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}, {"leaseMs", true}};
	int64_t lease_ms = 0;

	if (!check(request, fields, COUNT(fields)) ||
	    !dist_json_integer(request->json, "", "leaseMs", LEASE_MS_LEAST, LEASE_MS_MOST, &lease_ms, &request->error))
		return false;
	uint32_t renewed =
		dist_rule_store_lease(protocol->store, (uint64_t)lease_ms * DIST_NS_PER_MS, request->now_ns);
	json_object_set_new(request->answer, "rules", json_integer(renewed));
	return true;
}

static bool do_capture(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false},  {"do", false},      {"name", true},
						   {"path", true}, {"packets", true}, {"durationMs", false}};
	const char *name = "", *path = "";
	int64_t packets = 0, duration_ms = CAPTURE_MS_DEFAULT;

	if (!check(request, fields, COUNT(fields)) ||
	    !dist_json_name(request->json, "", "name", &name, &request->error) ||
	    !dist_json_text(request->json, "", "path", PATH_BYTES_MAX, &path, &request->error))
		return false;
	if (path[0] != '/')
		return dist_error_set(&request->error, "VALUE_INVALID", "path must be absolute");
	if (!dist_json_integer(request->json, "", "packets", 1, DIST_CAPTURE_PACKETS_MAX, &packets, &request->error) ||
	    !dist_json_integer(request->json, "", "durationMs", 1, CAPTURE_MS_MAX, &duration_ms, &request->error))
		return false;
	if (!protocol->options.capture)
		return dist_error_set(&request->error, "UNSUPPORTED", "this distributor may not write captures");
	if (dist_rule_store_find(protocol->store, name) == NULL)
		return dist_error_set(&request->error, "RULE_UNKNOWN", "there is no rule %s", name);
	if (protocol->capture != NULL)
		return dist_error_set(&request->error, "CAPTURE_BUSY", "rule %s is being captured to %s",
				      protocol->capture_rule, protocol->capture_path);
	char *path_copy = strdup(path);
	if (path_copy == NULL)
		return dist_error_set(&request->error, "CAPTURE_FAILED", "no memory");
	struct dist_capture *capture =
		dist_capture_open(path, name, protocol->options.ops->capture_link(protocol->options.engine),
				  (uint32_t)packets, &request->error);
	if (capture == NULL) {
		free(path_copy);
		return false;
	}
	dist_rule_store_capture(protocol->store, name, capture);
	protocol->capture = capture;
	protocol->capture_path = path_copy;
	strcpy(protocol->capture_rule, name);
	protocol->capture_until_ns = request->now_ns + (uint64_t)duration_ms * DIST_NS_PER_MS;
	return true;
}

static bool do_drain(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}};

	if (!check(request, fields, COUNT(fields)))
		return false;
	dist_protocol_drain(protocol);
	return true;
}

static bool do_quit(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}};

	if (!check(request, fields, COUNT(fields)))
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
	{"rule.put", do_rule_put, true},
	{"rule.delete", do_rule_delete, true},
	{"rule.list", do_rule_list, true},
	{"receivers.add", do_receivers_add, true},
	{"receivers.remove", do_receivers_remove, true},
	{"batch", do_batch, false},
	{"lease", do_lease, true},
	{"stats", do_stats, true},
	{"capture", do_capture, false},
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

	if (!check(request, fields, COUNT(fields)))
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
