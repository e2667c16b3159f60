/* Verbs that change rules. */
#include "verb_list.h"

#include "clock.h"
#include "rule_json.h"

#include <stdlib.h>

#define LEASE_MS_LEAST 100
#define LEASE_MS_MOST 5000

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

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

bool dist_verb_rule_put(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}, {"rule", true}};
	struct dist_rule_spec rule = {0};
	struct dist_change change;

	if (!dist_request_check(request, fields, COUNT(fields)))
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

bool dist_verb_rule_delete(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}, {"name", true}, {"generation", true}};
	struct dist_change change;
	const char *name = "";
	uint64_t generation = 0;

	if (!dist_request_check(request, fields, COUNT(fields)) || !read_name_and_generation(request, &name, &generation) ||
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

	if (!dist_request_check(request, fields, COUNT(fields)) || !read_name_and_generation(request, &name, &generation) ||
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

bool dist_verb_receivers_add(struct dist_protocol *protocol, struct dist_request *request)
{
	return do_receivers(protocol, request, false);
}

bool dist_verb_receivers_remove(struct dist_protocol *protocol, struct dist_request *request)
{
	return do_receivers(protocol, request, true);
}

bool dist_verb_lease(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}, {"leaseMs", true}};
	int64_t lease_ms = 0;

	if (!dist_request_check(request, fields, COUNT(fields)) ||
	    !dist_json_integer(request->json, "", "leaseMs", LEASE_MS_LEAST, LEASE_MS_MOST, &lease_ms, &request->error))
		return false;
	uint32_t renewed =
		dist_rule_store_lease(protocol->store, (uint64_t)lease_ms * DIST_NS_PER_MS, request->now_ns);
	json_object_set_new(request->answer, "rules", json_integer(renewed));
	return true;
}
