/* Verbs that read: what rules there are, and what has been counted. */
#include "verb_list.h"

#include "rule_json.h"
#include "stats_json.h"

#include <string.h>

#define NAMES_MAX 1000

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

/* `names` and `receivers`, which rule.list and stats share. */
static bool read_selection(struct dist_request *request, const json_t **names, bool *receivers)
{
	static const struct dist_field fields[] = {{"id", false}, {"do", false}, {"names", false}, {"receivers", false}};
	size_t i;
	json_t *name;

	if (!dist_request_check(request, fields, COUNT(fields)))
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

bool dist_verb_rule_list(struct dist_protocol *protocol, struct dist_request *request)
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

bool dist_verb_stats(struct dist_protocol *protocol, struct dist_request *request)
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
