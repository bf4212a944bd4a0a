/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

struct reading {
	uint64_t ticks, ns;
};

static const char *const counter_names[] = {
#define NAME_OF_COUNTER(name, text) #name,
        AN_COUNTERS(NAME_OF_COUNTER)
#undef NAME_OF_COUNTER
};
#define COUNTERS (sizeof(counter_names) / sizeof(counter_names[0]))

/* ---- loading ---- */

static void *map_memory(const struct bpf_map *map)
{
	size_t size = (size_t)bpf_map__max_entries(map) * ((bpf_map__value_size(map) + 7u) & ~7u);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (memory == MAP_FAILED) {
		fprintf(stderr, "cannot map %s\n", bpf_map__name(map));
		abort();
	}
	return memory;
}

static struct reading read_clock(const struct fixture *fixture)
{
	struct reading reading = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &reading, .ctx_size_in = sizeof(reading));

	assert_int_equal(bpf_prog_test_run_opts(
	                         bpf_program__fd(fixture->object->progs.anamed_clock), &options),
	                 0);
	return reading;
}

/* Two readings a few ticks apart; the kernel's HZ is one of a few numbers. */
static uint32_t measure_hz(const struct fixture *fixture)
{
	static const uint32_t known[] = {100, 250, 300, 1000};
	struct reading first = read_clock(fixture), last = first;
	uint32_t best = 0;
	double hz, distance = 1e9;

	while (last.ticks - first.ticks < 20)
		last = read_clock(fixture);
	hz = (double)(last.ticks - first.ticks) * 1e9 / (double)(last.ns - first.ns);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		double away = hz > known[i] ? hz - known[i] : known[i] - hz;

		if (away < distance) {
			distance = away;
			best = known[i];
		}
	}
	return best;
}

int fixture_open(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	fixture->object = anamed_bpf__open();
	if (!fixture->object) {
		free(fixture);
		return -1;
	}
	bpf_map__set_max_entries(fixture->object->maps.geo, 2 * FIXTURE_GEO_LINES);
	bpf_map__set_max_entries(fixture->object->maps.regions, 2 * FIXTURE_LOCATIONS);
	if (anamed_bpf__load(fixture->object)) {
		anamed_bpf__destroy(fixture->object);
		free(fixture);
		return -1;
	}
	fixture->control = map_memory(fixture->object->maps.control);
	fixture->served = map_memory(fixture->object->maps.served);
	fixture->special = map_memory(fixture->object->maps.special);
	fixture->zones = map_memory(fixture->object->maps.zones);
	fixture->slots = map_memory(fixture->object->maps.slots);
	fixture->slots_large = map_memory(fixture->object->maps.slots_large);
	fixture->cells = map_memory(fixture->object->maps.cells);
	fixture->front = map_memory(fixture->object->maps.front);
	fixture->names = map_memory(fixture->object->maps.names);
	fixture->misses = map_memory(fixture->object->maps.misses);
	fixture->geo = map_memory(fixture->object->maps.geo);
	fixture->regions = map_memory(fixture->object->maps.regions);
	fixture->cpus = (unsigned int)libbpf_num_possible_cpus();
	fixture->hz = measure_hz(fixture);
	fixture_reset(fixture);
	*state = fixture;
	return 0;
}

int fixture_close(void **state)
{
	struct fixture *fixture = *state;

	anamed_bpf__destroy(fixture->object);
	free(fixture);
	return 0;
}

/* ---- contents ---- */

static void clear_hash(const struct bpf_map *map)
{
	uint8_t key[32];

	while (!bpf_map_get_next_key(bpf_map__fd(map), NULL, key))
		bpf_map_delete_elem(bpf_map__fd(map), key);
}

static void clear_array(const struct bpf_map *map, void *memory)
{
	memset(memory, 0, (size_t)bpf_map__max_entries(map) * bpf_map__value_size(map));
}

uint64_t fixture_now(const struct fixture *fixture)
{
	return read_clock(fixture).ticks;
}

static void reset_control(struct fixture *fixture)
{
	*fixture->control = (struct an_control){
	        .abi = AN_ABI_VERSION,
	        .mode = AN_MODE_ANSWER,
	        .seed = FIXTURE_SEED,
	        .heartbeat = fixture_now(fixture),
	        .heartbeat_limit = 3600ull * fixture->hz,
	        .hz = fixture->hz,
	        .udp_payload = AN_DNS_UDP_OURS,
	        .source_ipv4_len = 24,
	        .source_ipv6_len = 56,
	        .front_mask = bpf_map__max_entries(fixture->object->maps.front) - 1,
	        .names_mask = bpf_map__max_entries(fixture->object->maps.names) - 1,
	        .geo = AN_GEO_NONE,
	};
}

void fixture_reset(struct fixture *fixture)
{
	struct query_spec four = query_spec(false, NULL, 0, 1), six = query_spec(true, NULL, 0, 1);

	clear_hash(fixture->object->maps.owners);
	clear_hash(fixture->object->maps.audiences);
	clear_array(fixture->object->maps.served, fixture->served);
	clear_array(fixture->object->maps.special, fixture->special);
	clear_array(fixture->object->maps.zones, fixture->zones);
	clear_array(fixture->object->maps.slots, fixture->slots);
	clear_array(fixture->object->maps.slots_large, fixture->slots_large);
	clear_array(fixture->object->maps.cells, fixture->cells);
	clear_array(fixture->object->maps.front, fixture->front);
	clear_array(fixture->object->maps.names, fixture->names);
	clear_array(fixture->object->maps.misses, fixture->misses);
	reset_control(fixture);
	fixture->next = fixture->next_large = 1;
	fixture->next_uid = 0x1001;
	fixture->cells[AN_CELL_FIXED] = AN_CELL_MEMBERS;
	fixture->cells[FIXTURE_CELL] = AN_CELL_MEMBERS;
	fixture->zones[FIXTURE_ZONE].generation = 7;
	fixture->zones[FIXTURE_ZONE].valid_until = AN_NEVER;
	fixture_serve(fixture, &four);
	fixture_serve(fixture, &six);
}

void fixture_serve(struct fixture *fixture, const struct query_spec *spec)
{
	fixture_serve_on(fixture, spec, FIXTURE_IFINDEX);
}

void fixture_serve_on(struct fixture *fixture, const struct query_spec *spec, unsigned int ifindex)
{
	__be16 port = htons(spec->port);
	uint32_t at = an_served_index(spec->destination, ifindex, port);
	struct an_served *entry;

	for (uint32_t i = 0; i < AN_SERVED_PROBES; i++) {
		entry = &fixture->served[(at + i) % AN_SERVED_SIZE];
		if (!entry->family)
			break;
		assert_true(i + 1 < AN_SERVED_PROBES);
	}
	memcpy(entry->address, spec->destination, 16);
	memcpy(entry->mac, packet_server_mac, 6);
	entry->ifindex = ifindex;
	entry->port = port;
	entry->family = spec->ipv6 ? AN_FAMILY_IPV6 : AN_FAMILY_IPV4;
}

static uint32_t take_slot(struct fixture *fixture, bool large)
{
	uint32_t index = large ? fixture->next_large++ : fixture->next++;
	const struct bpf_map *map =
	        large ? fixture->object->maps.slots_large : fixture->object->maps.slots;

	assert_true(index < bpf_map__max_entries(map));
	return index | (large ? AN_SLOT_LARGE : 0);
}

static void *slot_memory(struct fixture *fixture, uint32_t number)
{
	uint32_t index = number & AN_SLOT_INDEX;

	return number & AN_SLOT_LARGE ? fixture->slots_large + (size_t)index * AN_SLOT_LARGE_SIZE
	                              : fixture->slots + (size_t)index * AN_SLOT_SMALL_SIZE;
}

struct an_answer_slot *fixture_slot(struct fixture *fixture, uint32_t number)
{
	return slot_memory(fixture, number);
}

static void fill_head(struct an_slot_head *head, uint8_t kind, size_t used)
{
	*head = (struct an_slot_head){.seq = 2,
	                              .kind = kind,
	                              .used = (uint16_t)used,
	                              .zone = FIXTURE_ZONE,
	                              .generation = 7};
}

struct an_owner_slot *fixture_owner(struct fixture *fixture, const uint8_t *name, size_t len,
                                    uint16_t type, bool large)
{
	uint32_t number = take_slot(fixture, large || len > AN_OWNER_NAME_SMALL);
	struct an_owner_slot *owner = slot_memory(fixture, number);

	fill_head(&owner->head, AN_SLOT_OWNER, sizeof(*owner) + len);
	owner->uid = fixture->next_uid++;
	owner->key.hash = an_name_hash(FIXTURE_SEED, name, (uint32_t)len);
	owner->key.type = type;
	owner->key.class = 1;
	owner->cell = FIXTURE_CELL;
	owner->name_len = (uint8_t)len;
	for (size_t i = 0; i < len; i++)
		owner->name[i] = (uint8_t)tolower(name[i]);
	fixture_point_owner(fixture, &owner->key, number);
	return owner;
}

struct an_front_line *fixture_line(struct fixture *fixture, const struct an_owner_key *key)
{
	return &fixture->front[an_front_hash(key) & fixture->control->front_mask];
}

void fixture_point_owner(struct fixture *fixture, const struct an_owner_key *key, uint32_t number)
{
	struct an_front_line *line = fixture_line(fixture, key);
	uint64_t print = an_front_print(an_front_hash(key));
	unsigned int at = 0;

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(fixture->object->maps.owners), key,
	                                     &number, BPF_ANY),
	                 0);
	while (line->entries[at] && line->entries[at] >> 32 != print)
		assert_true(++at < AN_FRONT_ENTRIES);
	line->entries[at] = print << 32 | number;
}

/* ---- answers ---- */

static void fill_answer(struct an_answer *answer, const struct answer_spec *spec, size_t body_len)
{
	size_t record = spec->type == AN_TYPE_AAAA ? 28 : 16, records = spec->count * record;

	*answer = (struct an_answer){.fresh_until = AN_NEVER,
	                             .stale_until = AN_NEVER,
	                             .ttl = spec->ttl,
	                             .cell = FIXTURE_CELL,
	                             .stale_ttl = AN_STALE_TTL,
	                             .flags = AN_FLAG_AA,
	                             .tail_len = (uint16_t)(body_len - records),
	                             .count = (uint8_t)spec->count,
	                             .traits = 0,
	                             .wire_scope = spec->scope};
	answer->counts[0] = (uint8_t)spec->count;
	answer->counts[1] = spec->count ? 0 : 1;
	answer->counts[2] = spec->txt ? 1 : 0;
	answer->stride = spec->count ? (uint8_t)record : 0;
	if (!spec->count)
		answer->tail_ttl[answer->tail_ttl_count++] = 6;
	if (spec->txt) /* the last record: name, type, class, TTL, length, length octet, text */
		answer->tail_ttl[answer->tail_ttl_count++] =
		        (uint16_t)(answer->tail_len - (strlen(spec->txt) + 1 + 2 + 4));
}

uint32_t fixture_answer(struct fixture *fixture, const struct an_owner_slot *owner,
                        const struct an_audience_key *key, const struct answer_spec *spec)
{
	struct packet body = {.len = 0};
	struct an_answer_slot *answer;
	uint32_t number;

	(void)owner;
	reference_body(spec, 0, 0, 0, &body);
	number = take_slot(fixture, body.len > AN_ANSWER_SMALL);
	assert_true(body.len <= AN_ANSWER_LARGE);
	answer = slot_memory(fixture, number);
	fill_head(&answer->head, AN_SLOT_ANSWER, AN_ANSWER_DATA_AT + body.len);
	answer->key = *key;
	fill_answer(&answer->answer, spec, body.len);
	memcpy(answer->data, body.octets, body.len);
	return number;
}

void fixture_name(struct fixture *fixture, const uint8_t *name, size_t len, uint32_t flags)
{
	uint64_t hash = an_name_hash(FIXTURE_SEED, name, (uint32_t)len);
	struct an_name_line *line =
	        &fixture->names[an_name_place(hash) & fixture->control->names_mask];
	unsigned int at = 0;

	while (line->entries[at] && (line->entries[at] & ~AN_NAME_FLAGS) != an_name_tag(hash))
		assert_true(++at < AN_NAME_ENTRIES);
	line->entries[at] = an_name_tag(hash) | flags;
}

struct an_owner_slot *fixture_denial(struct fixture *fixture, const uint8_t *apex, size_t len,
                                     const struct answer_spec *spec)
{
	struct an_owner_slot *owner = fixture_owner(fixture, apex, len, 0, false);
	struct an_audience_key key = fixture_key(owner, AN_AUDIENCE_NET, 0, 0, NULL);

	fixture_inline(fixture, owner, &key, spec);
	owner->head.flags = AN_OWNER_DENIAL;
	owner->answer.flags = AN_FLAG_AA | AN_RCODE_NXDOMAIN;
	/* Name, type, class, TTL and length; "ns" and its pointer; "admin". */
	owner->answer.tail_ttl[1] = 0;
	owner->answer.tail_ttl[2] = 12 + 3;
	owner->answer.tail_ttl[3] = 12 + 5 + 6;
	fixture->zones[FIXTURE_ZONE].flags |= AN_ZONE_COMPLETE;
	return owner;
}

struct an_audience_key fixture_key(const struct an_owner_slot *owner, uint8_t kind, uint8_t family,
                                   uint8_t len, const char *address)
{
	struct an_audience_key key = {.uid = owner->uid,
	                              .type = owner->key.type,
	                              .kind = kind,
	                              .family = family,
	                              .len = len};
	uint8_t octets[16] = {0};

	if (address)
		inet_pton(family == AN_FAMILY_IPV6 ? AF_INET6 : AF_INET, address, octets);
	memcpy(key.prefix, octets, 8);
	for (unsigned int bit = len; bit < 64; bit++)
		key.prefix[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return key;
}

void fixture_point(struct fixture *fixture, const struct an_audience_key *key, uint32_t slot)
{
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(fixture->object->maps.audiences), key,
	                                     &slot, BPF_ANY),
	                 0);
}

/* Longest first; of one length, EXACT first. */
static void add_len(struct an_owner_slot *owner, const struct an_audience_key *key)
{
	uint8_t *lens = owner->lens[key->family - 1], *count = &owner->lens_count[key->family - 1];
	uint8_t entry = key->len | (key->kind == AN_AUDIENCE_EXACT ? AN_LEN_EXACT : 0);
	uint8_t at = *count;

	for (uint8_t i = 0; i < *count; i++)
		if (lens[i] == entry)
			return;
	assert_true(*count < AN_LENS_MAX);
	while (at && ((lens[at - 1] & AN_LEN_BITS) < key->len ||
	              ((lens[at - 1] & AN_LEN_BITS) == key->len && entry & AN_LEN_EXACT))) {
		lens[at] = lens[at - 1];
		at--;
	}
	lens[at] = entry;
	(*count)++;
}

static uint32_t number_of(struct fixture *fixture, const struct an_owner_slot *owner)
{
	ptrdiff_t at = (const uint8_t *)owner - fixture->slots;
	size_t small = (size_t)bpf_map__max_entries(fixture->object->maps.slots);

	if (at >= 0 && (size_t)at < small * AN_SLOT_SMALL_SIZE)
		return (uint32_t)(at / AN_SLOT_SMALL_SIZE);
	at = (const uint8_t *)owner - fixture->slots_large;
	return AN_SLOT_LARGE | (uint32_t)(at / AN_SLOT_LARGE_SIZE);
}

uint32_t fixture_inline(struct fixture *fixture, struct an_owner_slot *owner,
                        const struct an_audience_key *key, const struct answer_spec *spec)
{
	uint32_t number = number_of(fixture, owner);
	size_t at = AN_OWNER_NAME_AT + (owner->name_len + 7u) / 8 * 8;
	size_t size = number & AN_SLOT_LARGE ? AN_SLOT_LARGE_SIZE : AN_SLOT_SMALL_SIZE;
	struct packet body = {.len = 0};

	reference_body(spec, 0, 0, 0, &body);
	assert_true(at + body.len <= size);
	owner->inline_key = (struct an_inline){.kind = key->kind,
	                                       .family = key->family,
	                                       .len = key->len,
	                                       .variant = key->variant,
	                                       .region = key->region};
	memcpy(owner->inline_key.prefix, key->prefix, sizeof(key->prefix));
	fill_answer(&owner->answer, spec, body.len);
	memcpy((uint8_t *)owner + at, body.octets, body.len);
	owner->inline_at = (uint8_t)(at / 8);
	if (key->family)
		add_len(owner, key);
	return number;
}

uint32_t fixture_audience(struct fixture *fixture, struct an_owner_slot *owner,
                          const struct an_audience_key *key, const struct answer_spec *spec)
{
	uint32_t number = fixture_answer(fixture, owner, key, spec);

	fixture_point(fixture, key, number);
	add_len(owner, key);
	return number;
}

uint32_t fixture_everyone(struct fixture *fixture, struct an_owner_slot *owner,
                          const struct answer_spec *spec)
{
	struct an_audience_key key = fixture_key(owner, AN_AUDIENCE_NET, 0, 0, NULL);

	owner->everyone = fixture_answer(fixture, owner, &key, spec);
	return owner->everyone;
}

uint32_t fixture_nobody(struct fixture *fixture, struct an_owner_slot *owner,
                        const struct answer_spec *spec)
{
	struct an_audience_key key = fixture_key(owner, AN_AUDIENCE_EXACT, 0, 0, NULL);

	owner->nobody = fixture_answer(fixture, owner, &key, spec);
	return owner->nobody;
}

uint32_t fixture_choice(struct fixture *fixture, const struct an_owner_slot *owner,
                        const struct an_audience_key *key, bool hashed,
                        const struct choice_spec *specs, unsigned int count)
{
	uint32_t number = take_slot(fixture, count > AN_CHOICE_SMALL);
	struct an_choice_slot *slot = slot_memory(fixture, number);

	fill_head(&slot->head, hashed ? AN_SLOT_HASHED : AN_SLOT_CHOICE,
	          AN_CHOICE_AT + count * sizeof(slot->entries[0]));
	slot->key = *key;
	slot->count = (uint8_t)count;
	slot->cell = FIXTURE_POOL_CELL;
	for (unsigned int i = 0; i < count; i++) {
		struct an_audience_key member = *key;

		member.member = (uint8_t)(i + 1);
		slot->entries[i] = (struct an_choice_entry){
		        .slot = fixture_answer(fixture, owner, &member, &specs[i].answer),
		        .id = specs[i].id,
		        .weight = specs[i].weight,
		        .bit = specs[i].bit};
	}
	return number;
}

void fixture_members(struct an_answer_slot *slot, const uint8_t *bits)
{
	size_t data = (size_t)slot->answer.count * slot->answer.stride + slot->answer.tail_len;

	slot->answer.cell = FIXTURE_POOL_CELL;
	slot->answer.traits |= AN_TRAIT_MEMBERS;
	memcpy(slot->data + data, bits, slot->answer.count);
	slot->head.used = (uint16_t)(slot->head.used + slot->answer.count);
}

void fixture_sign(struct an_answer *answer, size_t len, unsigned int section)
{
	answer->signed_len = (uint16_t)len;
	answer->counts[2] = 0;
	answer->counts[section]++;
	answer->signed_counts = (uint8_t)(1u << section * 4);
}

/* ---- running ---- */

void fixture_counters(const struct fixture *fixture, struct an_counters *ret)
{
	int fd = bpf_map__fd(fixture->object->maps.counters);
	struct an_counters *each = calloc(fixture->cpus, sizeof(*each));
	uint32_t first = 0;

	assert_non_null(each);
	assert_int_equal(bpf_map_lookup_elem(fd, &first, each), 0);
	memset(ret, 0, sizeof(*ret));
	for (unsigned int cpu = 0; cpu < fixture->cpus; cpu++)
		for (size_t i = 0; i < COUNTERS; i++)
			((uint64_t *)ret)[i] += ((const uint64_t *)&each[cpu])[i];
	free(each);
}

void fixture_run(struct fixture *fixture, const struct packet *packet, struct outcome *ret)
{
	struct xdp_md context = {.data_end = (uint32_t)packet->len,
	                         .ingress_ifindex = FIXTURE_IFINDEX};
	struct an_counters before, after;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->octets,
	            .data_size_in = (uint32_t)packet->len, .data_out = ret->packet.octets,
	            .data_size_out = sizeof(ret->packet.octets), .ctx_in = &context,
	            .ctx_size_in = sizeof(context));

	fixture_counters(fixture, &before);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(fixture->object->progs.anamed_xdp),
	                                        &options),
	                 0);
	fixture_counters(fixture, &after);
	ret->action = options.retval;
	ret->packet.len = options.data_size_out;
	for (size_t i = 0; i < COUNTERS; i++)
		((uint64_t *)&ret->counters)[i] =
		        ((const uint64_t *)&after)[i] - ((const uint64_t *)&before)[i];
}

void fixture_ask(struct fixture *fixture, const struct query_spec *spec, struct outcome *ret)
{
	struct packet packet;

	query_build(spec, &packet);
	fixture_run(fixture, &packet, ret);
}

const char *outcome_counter(const struct outcome *outcome)
{
	const uint64_t *values = (const uint64_t *)&outcome->counters;
	const char *found = "none";
	uint64_t sum = 0;

	for (size_t i = 0; i < COUNTERS; i++) {
		if (!strncmp(counter_names[i], "hit_", 4) || !values[i])
			continue;
		sum += values[i];
		found = counter_names[i];
	}
	return sum > 1 ? "several" : found;
}

/* ---- judging ---- */

struct reference fixture_reference(const struct fixture *fixture, uint32_t ttl, unsigned int scope)
{
	return (struct reference){.ttl = ttl,
	                          .scope = scope,
	                          .seed = fixture->control->seed,
	                          .payload = fixture->control->udp_payload};
}

static void show(const char *title, const struct packet *packet)
{
	fprintf(stderr, "%s (%zu):", title, packet->len);
	for (size_t i = 0; i < packet->len; i++)
		fprintf(stderr, "%s%02x", i % 16 ? " " : "\n  ", packet->octets[i]);
	fputc('\n', stderr);
}

static void check_parts(const struct query_spec *query, const struct answer_spec *answer,
                        const struct reference *how, const struct an_counters *counters)
{
	assert_int_equal(counters->hit_ipv6, query->ipv6);
	assert_int_equal(counters->hit_ecs, query->ecs);
	assert_int_equal(counters->hit_nodata, answer->count == 0);
	assert_int_equal(counters->hit_stale, how->stale);
}

void assert_answered(struct fixture *fixture, const struct query_spec *query,
                     const struct answer_spec *answer, const struct reference *how,
                     const char *what)
{
	struct packet expected;
	struct outcome outcome;
	const char *wrong;

	fixture_ask(fixture, query, &outcome);
	if (outcome.action != XDP_TX || strcmp(outcome_counter(&outcome), "hit"))
		fail_msg("%s: action %u, counter %s", what, outcome.action,
		         outcome_counter(&outcome));
	wrong = reference_checksums(query, &outcome.packet);
	if (wrong)
		fail_msg("%s: %s", what, wrong);
	reference_reply(query, answer, how, &expected);
	if (outcome.packet.len != expected.len ||
	    memcmp(outcome.packet.octets, expected.octets, expected.len)) {
		show("got", &outcome.packet);
		show("expected", &expected);
		fail_msg("%s: other octets than expected", what);
	}
	check_parts(query, answer, how, &outcome.counters);
}

void assert_passed(struct fixture *fixture, const struct packet *packet, const char *counter,
                   const char *what)
{
	struct outcome outcome;

	fixture_run(fixture, packet, &outcome);
	if (outcome.action != XDP_PASS || strcmp(outcome_counter(&outcome), counter))
		fail_msg("%s: action %u, counter %s instead of %s", what, outcome.action,
		         outcome_counter(&outcome), counter);
	if (outcome.packet.len != packet->len ||
	    memcmp(outcome.packet.octets, packet->octets, packet->len))
		fail_msg("%s: the packet was changed", what);
}

void assert_query_passed(struct fixture *fixture, const struct query_spec *query,
                         const char *counter, const char *what)
{
	struct packet packet;

	query_build(query, &packet);
	assert_passed(fixture, &packet, counter, what);
}

const uint8_t *wire_name(const char *text, size_t *ret_len)
{
	static uint8_t name[AN_DNS_NAME_MAX];
	size_t len = 0;

	while (*text) {
		size_t label = strcspn(text, ".");

		name[len++] = (uint8_t)label;
		memcpy(name + len, text, label);
		len += label;
		text += label;
		if (*text == '.')
			text++;
	}
	name[len++] = 0;
	*ret_len = len;
	return name;
}
