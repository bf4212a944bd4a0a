/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "anamed/geo.h"
#include "anamed/treaty.h"
#include "base/name.h"
#include "control/peers.h"
#include "control/units.h"
#include "control/words.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define AT(field)     offsetof(struct config, field)
#define ZONE(field)   offsetof(struct config_zone, field)
#define UP(field)     offsetof(struct config_upstream, field)
#define PEER(field)   offsetof(struct config_peer, field)
#define KEY(field)    offsetof(struct config_key, field)
#define DB(field)     offsetof(struct config_database, field)
#define RULE(field)   offsetof(struct config_rule, field)
#define NEAR(field)   offsetof(struct config_nearest, field)
#define POL(field)    offsetof(struct config_policy, field)
#define POOL(field)   offsetof(struct config_pool, field)
#define MEMBER(field) offsetof(struct config_member, field)
#define CHECK(field)  offsetof(struct config_check, field)

#define SECOND 1000ULL
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const char *const xdp_words[] = {"auto", "native", "generic", "off", NULL};
static const char *const siblings_words[] = {"merge", "fallback", "override", "reject", NULL};
static const char *const cnames_words[] = {"off", "apex", "all", NULL};
static const char *const dnssec_words[] = {"ecdsap256sha256", "ecdsap384sha384", "ed25519", "ed448",
                                           "rsasha256",       "rsasha512",       NULL};
static const char *const cds_words[] = {"no", "yes", "delete", NULL};
static const char *const kind_words[] = {"resolver", "authoritative", NULL};
static const char *const mode_words[] = {"native", "expand", "both", NULL};
static const char *const pool_words[] = {"all", "failover", "weighted", "consistent",
                                         "geo", "latency",  NULL};
static const char *const algorithm_words[] = {
        "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-md5", NULL};

/* RFC 6890, and multicast: networks that are no client's place in the internet. */
#define SPECIAL_NETWORKS                                                                           \
	"0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 "             \
	"192.168.0.0/16 224.0.0.0/3 ::/128 ::1/128 ::ffff:0:0/96 fc00::/7 fe80::/10 ff00::/8"

#define VALUE(key_, form_, at, low, high, standard_)                                               \
	{                                                                                          \
		.key = key_, .form = form_, .offset = at, .min = low, .max = high,                 \
		.standard = standard_                                                              \
	}
#define FLAG(key_, at, standard_) VALUE(key_, SETTING_BOOL, at, 0, 0, standard_)
#define CHOICE(key_, at, standard_, words_)                                                        \
	{                                                                                          \
		.key = key_, .form = SETTING_WORD, .offset = at, .standard = standard_,            \
		.words = words_                                                                    \
	}
#define LIST(key_, form_, at, count_at, low, high, standard_)                                      \
	{                                                                                          \
		.key = key_, .form = form_, .offset = at, .count_offset = count_at, .min = low,    \
		.max = high, .standard = standard_                                                 \
	}
#define REQUIRED(key_, form_, at, low, high)                                                       \
	{                                                                                          \
		.key = key_, .form = form_, .offset = at, .min = low, .max = high,                 \
		.required = true                                                                   \
	}

static const struct setting top[] = {
        LIST("listen", SETTING_ADDRESSES, AT(listen), AT(listen_count), 1, 256, "0.0.0.0@53 ::@53"),
};

static const struct setting interface[] = {
        REQUIRED("name", SETTING_TEXT, offsetof(struct config_interface, name), 1, 15),
        CHOICE("xdp", offsetof(struct config_interface, xdp), "auto", xdp_words),
};

static const struct setting key[] = {
        REQUIRED("name", SETTING_NAME, KEY(name), 0, 0),
        CHOICE("algorithm", KEY(algorithm), "hmac-sha256", algorithm_words),
        {.key = "secret",
         .form = SETTING_SECRET,
         .offset = KEY(secret),
         .count_offset = KEY(secret_len)},
        {.key = "secret-file",
         .form = SETTING_SECRET_FILE,
         .offset = KEY(secret),
         .count_offset = KEY(secret_len)},
};

static const struct setting primary[] = {
        REQUIRED("address", SETTING_PRIMARY, 0, 0, 0),
        VALUE("key", SETTING_KEY, PEER(key), 0, 0, NULL),
};

/* `notify` stands after `address`, which gives it its default. */
static const struct setting secondary[] = {
        REQUIRED("address", SETTING_SECONDARY, 0, 0, 0),
        VALUE("key", SETTING_KEY, PEER(key), 0, 0, NULL),
        CHOICE("mode", PEER(mode), "native", mode_words),
        FLAG("notify", PEER(notify), NULL),
};

static const struct section primary_section = {
        .settings = primary, .count = COUNT(primary), .entry_size = sizeof(struct config_peer)};
static const struct section secondary_section = {
        .settings = secondary, .count = COUNT(secondary), .entry_size = sizeof(struct config_peer)};

#define PEERS(key_, at, count_at, section_)                                                        \
	{                                                                                          \
		.key = key_, .form = SETTING_ENTRIES, .offset = at, .count_offset = count_at,      \
		.max = 64, .entries = &(section_)                                                  \
	}

static const struct setting zone[] = {
        REQUIRED("name", SETTING_NAME, ZONE(name), 0, 0),
        VALUE("file", SETTING_PATH, ZONE(file), 1, 4095, NULL),
        PEERS("primaries", ZONE(primaries), ZONE(primaries_count), primary_section),
        PEERS("secondaries", ZONE(secondaries), ZONE(secondaries_count), secondary_section),
        FLAG("catalog", ZONE(catalog), "no"),
        CHOICE("siblings", ZONE(siblings), "merge", siblings_words),
        CHOICE("flatten-cnames", ZONE(flatten_cnames), "off", cnames_words),
        LIST("flatten-owners", SETTING_NAMES, ZONE(flatten_owners), ZONE(flatten_owners_count), 0,
             65536, NULL),
        FLAG("expose-aname", ZONE(expose_aname), "no"),
        VALUE("budget", SETTING_NUMBER32, ZONE(budget_per_s), 1, 1000000, "1000"),
        VALUE("budget-burst", SETTING_NUMBER32, ZONE(budget_burst), 1, 10000000, "5000"),
        FLAG("dnssec", ZONE(dnssec), "no"),
        VALUE("dnssec-keys", SETTING_PATH, ZONE(dnssec_keys), 1, 4000, NULL),
        CHOICE("dnssec-algorithm", ZONE(dnssec_algorithm), "ecdsap256sha256", dnssec_words),
        /* Over a year RRSIG's serial arithmetic is not at its end, but reason is. */
        VALUE("dnssec-validity", SETTING_SECONDS, ZONE(dnssec_validity_s), 60, 31536000, "1209600"),
        CHOICE("dnssec-cds", ZONE(dnssec_cds), "yes", cds_words),
};

static const struct setting upstream[] = {
        REQUIRED("address", SETTING_ADDRESS, UP(address), 0, 0),
        CHOICE("kind", UP(kind), "resolver", kind_words),
        VALUE("suffix", SETTING_NAME, UP(suffix), 0, 0, "."),
        FLAG("ecs", UP(ecs), "yes"),
        VALUE("ecs-ipv4-max", SETTING_NUMBER8, UP(ecs_ipv4_max), 0, 32, "24"),
        VALUE("ecs-ipv6-max", SETTING_NUMBER8, UP(ecs_ipv6_max), 0, 64, "56"),
        VALUE("timeout", SETTING_MS32, UP(timeout_ms), 10, 30 * SECOND, "2s"),
        VALUE("hedge", SETTING_MS32, UP(hedge_ms), 1, 30 * SECOND, "200ms"),
        VALUE("tries", SETTING_NUMBER8, UP(tries), 1, 10, "2"),
};

static const struct setting database[] = {
        REQUIRED("name", SETTING_TEXT, DB(name), 1, 63),
        REQUIRED("file", SETTING_PATH, DB(file), 1, 4095),
        VALUE("file-ipv6", SETTING_PATH, DB(file_ipv6), 1, 4095, NULL),
};

#define TEXTS(key_, at, count_at) LIST(key_, SETTING_TEXTS, at, count_at, 1, 65536, NULL)

static const struct setting rule[] = {
        REQUIRED("region", SETTING_TEXT, RULE(region), 1, 63),
        VALUE("database", SETTING_TEXT, RULE(database), 1, 63, NULL),
        TEXTS("continent", RULE(continents), RULE(continents_count)),
        TEXTS("country", RULE(countries), RULE(countries_count)),
        TEXTS("subdivision", RULE(subdivisions), RULE(subdivisions_count)),
        TEXTS("city", RULE(cities), RULE(cities_count)),
        LIST("asn", SETTING_NUMBERS, RULE(asns), RULE(asns_count), 1, 65536, NULL),
        LIST("networks", SETTING_NETWORKS, RULE(networks), RULE(networks_count), 1, 65536, NULL),
        VALUE("path", SETTING_TEXT, RULE(path), 1, 255, NULL),
        TEXTS("values", RULE(values), RULE(values_count)),
        LIST("then", SETTING_TEXTS, RULE(then), RULE(then_count), 1, GEO_ORDER_MAX - 1, NULL),
};
static const struct section rule_section = {.settings = rule,
                                            .count = COUNT(rule),
                                            .entry_size = sizeof(struct config_rule),
                                            .line_offset = RULE(line)};

static const struct setting nearest[] = {
        REQUIRED("region", SETTING_TEXT, NEAR(region), 1, 63),
        REQUIRED("latitude", SETTING_DEGREES, NEAR(latitude), (uint64_t)-90, 90),
        REQUIRED("longitude", SETTING_DEGREES, NEAR(longitude), (uint64_t)-180, 180),
        VALUE("bias", SETTING_DEGREES, NEAR(bias), (uint64_t)-99, 99, "0"),
};
static const struct section nearest_section = {.settings = nearest,
                                               .count = COUNT(nearest),
                                               .entry_size = sizeof(struct config_nearest),
                                               .line_offset = NEAR(line)};

#define MAPPINGS(key_, at, count_at, most, section_)                                               \
	{                                                                                          \
		.key = key_, .form = SETTING_ENTRIES, .offset = at, .count_offset = count_at,      \
		.max = most, .entries = &(section_)                                                \
	}

static const struct setting policy[] = {
        REQUIRED("name", SETTING_TEXT, POL(name), 1, 63),
        VALUE("database", SETTING_TEXT, POL(database), 1, 63, NULL),
        LIST("regions", SETTING_TEXTS, POL(regions), POL(regions_count), 0, 4096, NULL),
        MAPPINGS("rules", POL(rules), POL(rules_count), 65536, rule_section),
        VALUE("table", SETTING_PATH, POL(table), 1, 4095, NULL),
        VALUE("table-path", SETTING_TEXT, POL(table_path), 1, 255, NULL),
        MAPPINGS("nearest", POL(nearest), POL(nearest_count), 4096, nearest_section),
        VALUE("nearest-limit", SETTING_NUMBER8, POL(nearest_limit), 1, GEO_ORDER_MAX, "1"),
        VALUE("default", SETTING_TEXT, POL(default_region), 1, 63, NULL),
        LIST("default-then", SETTING_TEXTS, POL(default_then), POL(default_then_count), 1,
             GEO_ORDER_MAX - 1, NULL),
};

static const struct setting member[] = {
        VALUE("address", SETTING_HOST, MEMBER(address), 0, 0, NULL),
        VALUE("aname", SETTING_NAME, MEMBER(aname), 0, 0, NULL),
        VALUE("pool", SETTING_NAME, MEMBER(pool), 0, 0, NULL),
        VALUE("weight", SETTING_NUMBER16, MEMBER(weight), 0, 1000, "1"),
        VALUE("region", SETTING_TEXT, MEMBER(region), 1, 63, NULL),
        VALUE("ecs", SETTING_NETWORK, MEMBER(ecs), 0, 0, NULL),
};

static const struct section member_section = {
        .settings = member, .count = COUNT(member), .entry_size = sizeof(struct config_member)};

static const struct setting pool[] = {
        REQUIRED("name", SETTING_NAME, POOL(name), 0, 0),
        CHOICE("mode", POOL(mode), "all", pool_words),
        VALUE("policy", SETTING_TEXT, POOL(policy), 1, 63, NULL),
        VALUE("check", SETTING_TEXT, POOL(check), 1, 63, NULL),
        VALUE("min-up", SETTING_NUMBER16, POOL(min_up), 1, 64, "1"),
        {.key = "members",
         .form = SETTING_ENTRIES,
         .offset = POOL(members),
         .count_offset = POOL(members_count),
         .min = 1,
         .max = 64,
         .entries = &member_section},
        LIST("last-resort", SETTING_HOSTS, POOL(last_resort), POOL(last_resort_count), 0, 16, NULL),
        VALUE("hold-down", SETTING_MS32, POOL(hold_down_ms), 0, DAY, "0"),
        VALUE("margin", SETTING_MS32, POOL(margin_ms), 0, 10 * SECOND, "20ms"),
};

static const char *const check_words[] = {"tcp",  "tls", "http",    "https",
                                          "icmp", "dns", "command", NULL};
static const char *const rcode_words[] = {"noerror", "formerr", "servfail", "nxdomain",
                                          "notimp",  "refused", NULL};

static const struct setting check[] = {
        REQUIRED("name", SETTING_TEXT, CHECK(name), 1, 63),
        {.key = "kind",
         .form = SETTING_WORD,
         .offset = CHECK(kind),
         .words = check_words,
         .required = true},
        VALUE("port", SETTING_NUMBER16, CHECK(port), 1, 65535, NULL),
        VALUE("host", SETTING_TEXT, CHECK(host), 1, 253, NULL),
        VALUE("path", SETTING_TEXT, CHECK(path), 1, 1000, "/"),
        FLAG("verify", CHECK(verify), "yes"),
        VALUE("ca-file", SETTING_PATH, CHECK(ca_file), 1, 4095, NULL),
        LIST("status", SETTING_STATUSES, CHECK(status), CHECK(status_count), 1, 64, "200-399"),
        VALUE("match", SETTING_TEXT, CHECK(match), 1, 255, NULL),
        VALUE("query", SETTING_NAME, CHECK(query), 0, 0, "."),
        VALUE("type", SETTING_RRTYPE, CHECK(query_type), 0, 0, "SOA"),
        CHOICE("rcode", CHECK(rcode), "noerror", rcode_words),
        VALUE("answer", SETTING_HOST, CHECK(answer), 0, 0, NULL),
        LIST("command", SETTING_TEXTS, CHECK(command), CHECK(command_count), 1, COMMAND_WORDS_MAX,
             NULL),
        VALUE("interval", SETTING_MS32, CHECK(interval_ms), 100, HOUR, "10s"),
        VALUE("timeout", SETTING_MS32, CHECK(timeout_ms), 10, MINUTE, "2s"),
        VALUE("rise", SETTING_NUMBER16, CHECK(rise), 1, 1000, "2"),
        VALUE("fall", SETTING_NUMBER16, CHECK(fall), 1, 1000, "3"),
        VALUE("jitter", SETTING_NUMBER8, CHECK(jitter), 0, 50, "10"),
        VALUE("idle-interval", SETTING_MS32, CHECK(idle_interval_ms), 0, DAY, "0"),
        VALUE("idle-after", SETTING_MS32, CHECK(idle_after_ms), SECOND, DAY, "5m"),
        VALUE("damping", SETTING_MS32, CHECK(damping_ms), 0, DAY, "5m"),
        VALUE("damping-limit", SETTING_NUMBER8, CHECK(damping_limit), 1, 100, "4"),
};

static const struct setting answers[] = {
        VALUE("aname-type", SETTING_NUMBER16, AT(aname_type), 65280, 65534, "65401"),
        VALUE("ttl-floor", SETTING_SECONDS, AT(ttl_floor), 0, 3600, "5"),
        VALUE("ttl-cap", SETTING_SECONDS, AT(ttl_cap), 1, 604800, "86400"),
        VALUE("freshness", SETTING_MS32, AT(freshness_ms), 0, DAY, "0"),
        VALUE("client-timer", SETTING_MS32, AT(client_timer_ms), 1, 10 * SECOND, "300ms"),
        VALUE("resolution-time", SETTING_MS32, AT(resolution_ms), 100, MINUTE, "10s"),
        /* RFC 8767 5: a failing target is asked again no slower than every five minutes. */
        VALUE("recheck", SETTING_MS32, AT(recheck_ms), 100, 5 * MINUTE, "30s"),
        VALUE("stale-max", SETTING_MS64, AT(stale_max_ms), 0, 365 * DAY, "3d"),
        VALUE("hold-on-negative", SETTING_MS32, AT(hold_on_negative_ms), 0, 7 * DAY, "0"),
        /* RFC 2308 7.1: failures are kept for five minutes at most. */
        VALUE("failure-ttl", SETTING_MS32, AT(failure_ttl_ms), 100, 5 * MINUTE, "5s"),
        FLAG("trust-scope-zero", AT(trust_scope_zero), "no"),
        FLAG("ecs-from-source", AT(ecs_from_source), "yes"),
        FLAG("lenient-family0", AT(lenient_family0), "no"),
        FLAG("accept-private", AT(accept_private), "yes"),
        LIST("targets-allow", SETTING_NAMES, AT(targets_allow), AT(targets_allow_count), 0, 65536,
             NULL),
        LIST("targets-deny", SETTING_NAMES, AT(targets_deny), AT(targets_deny_count), 0, 65536,
             NULL),
        LIST("special-networks", SETTING_NETWORKS, AT(special), AT(special_count), 0, 1024,
             SPECIAL_NETWORKS),
        LIST("xfr-types-accept", SETTING_TYPES, AT(xfr_type_accept), 0, 0, 2, NULL),
};

static const struct setting maps[] = {
        VALUE("owners", SETTING_SIZE32, AT(owners_max), 16, AN_SLOT_INDEX, "64K"),
        VALUE("audiences", SETTING_SIZE32, AT(audiences_max), 16, 1 << 27, "128K"),
        VALUE("slots", SETTING_SIZE32, AT(slots_max), 16, AN_SLOT_INDEX, "128K"),
        VALUE("slots-large", SETTING_SIZE32, AT(slots_large_max), 16, AN_SLOT_INDEX, "8K"),
        VALUE("names", SETTING_SIZE32, AT(names_max), 16, 1 << 27, "128K"),
        VALUE("zones", SETTING_SIZE32, AT(zones_max), 1, 1 << 20, "1K"),
        VALUE("geo-lines", SETTING_SIZE32, AT(geo_lines_max), 0, 1 << 24, "0"),
        VALUE("geo-locations", SETTING_SIZE32, AT(geo_locations_max), 0, 1 << 24, "0"),
        VALUE("pin-dir", SETTING_TEXT, AT(pin_dir), 1, 255, AN_PIN_DIR),
        /* The daemon gives a sign of life once a second. */
        VALUE("heartbeat-limit", SETTING_MS32, AT(heartbeat_limit_ms), 2 * SECOND, HOUR, "5s"),
};

static const struct setting memory[] = {
        VALUE("answers", SETTING_SIZE32, AT(answers_max), 16, 1 << 30, "1000000"),
        VALUE("networks-per-name", SETTING_SIZE32, AT(networks_per_name_max), 1, 1 << 24, "4096"),
};

static const struct setting server[] = {
        VALUE("workers", SETTING_NUMBER32, AT(workers), 0, 256, "0"),
        VALUE("udp-payload", SETTING_NUMBER16, AT(udp_payload), AN_DNS_UDP_MIN, AN_DNS_UDP_OURS,
              "1232"),
        VALUE("tcp-idle", SETTING_MS32, AT(tcp_idle_ms), 100, HOUR, "10s"),
        VALUE("tcp-max", SETTING_NUMBER32, AT(tcp_max), 1, 1000000, "1024"),
        VALUE("tcp-max-per-client", SETTING_NUMBER32, AT(tcp_max_per_client), 1, 1000000, "32"),
        VALUE("rate-limit", SETTING_NUMBER32, AT(rate_limit), 0, 1000000, "0"),
        VALUE("rate-limit-window", SETTING_MS32, AT(rate_window_ms), SECOND, HOUR, "5s"),
        VALUE("rate-limit-slip", SETTING_NUMBER32, AT(rate_slip), 0, 100, "2"),
        LIST("rate-limit-exempt", SETTING_NETWORKS, AT(rate_exempt), AT(rate_exempt_count), 1, 1024,
             NULL),
        FLAG("cookies", AT(cookies), "no"),
        LIST("cookie-secrets", SETTING_COOKIES, AT(cookie_secrets), AT(cookie_secrets_count), 1, 4,
             NULL),
        FLAG("cookie-required", AT(cookie_required), "no"),
        VALUE("miss-limit", SETTING_NUMBER32, AT(miss_limit), 0, 10000000, "30000"),
        VALUE("miss-burst", SETTING_NUMBER32, AT(miss_burst), 1, 10000000, "60000"),
        VALUE("miss-slip", SETTING_NUMBER32, AT(miss_slip), 0, 100, "2"),
        VALUE("nsid", SETTING_TEXT, AT(nsid), 1, 128, NULL),
        /* RFC 1035 3.3: one character-string of a TXT record. */
        VALUE("id", SETTING_TEXT, AT(server_id), 1, 255, NULL),
        VALUE("version", SETTING_TEXT, AT(server_version), 1, 255, NULL),
        /* sun_path holds 107 octets; the absolute path is checked once more when it is opened. */
        VALUE("control-socket", SETTING_PATH, AT(control_socket), 0, 107,
              "/run/anamed/anamed.sock"),
        VALUE("state-dir", SETTING_PATH, AT(state_dir), 0, 4000, "/var/lib/anamed"),
        VALUE("user", SETTING_TEXT, AT(user), 1, 31, NULL),
        VALUE("probes-max", SETTING_NUMBER32, AT(probes_max), 1, 100000, "512"),
        FLAG("xdp-detach-on-stop", AT(xdp_detach_on_stop), "no"),
};

static const struct setting status[] = {
        VALUE("listen", SETTING_LISTEN, AT(status_listen), 9553, 0, "127.0.0.1"),
};

#define ENTRIES(key_, table, type, list, list_count, most)                                         \
	{                                                                                          \
		.key = key_, .settings = table, .count = COUNT(table), .entry_size = sizeof(type), \
		.offset = AT(list), .count_offset = AT(list_count), .entries_max = most            \
	}
#define LINED(key_, table, type, list, list_count, most)                                           \
	{                                                                                          \
		.key = key_, .settings = table, .count = COUNT(table), .entry_size = sizeof(type), \
		.offset = AT(list), .count_offset = AT(list_count), .entries_max = most,           \
		.line_offset = offsetof(type, line)                                                \
	}
#define ONCE(key_, table)                                                                          \
	{                                                                                          \
		.key = key_, .settings = table, .count = COUNT(table)                              \
	}

const struct section section_top = ONCE(NULL, top);
const struct section sections[] = {
        /* Before the zones, which name them. */
        ENTRIES("keys", key, struct config_key, keys, keys_count, 1000),
        ENTRIES("interfaces", interface, struct config_interface, interfaces, interfaces_count, 64),
        LINED("zones", zone, struct config_zone, zones, zones_count, 1000000),
        LINED("pools", pool, struct config_pool, pools, pools_count, 10000),
        ENTRIES("upstreams", upstream, struct config_upstream, upstreams, upstreams_count, 250),
        LINED("databases", database, struct config_database, databases, databases_count, 64),
        LINED("policies", policy, struct config_policy, policies, policies_count, AN_POLICIES_MAX),
        LINED("checks", check, struct config_check, checks, checks_count, 10000),
        ONCE("answers", answers),
        ONCE("maps", maps),
        ONCE("memory", memory),
        ONCE("server", server),
        ONCE("status", status),
};
const size_t sections_count = COUNT(sections);

static int bad(const struct setting *setting, const struct setting_place *place,
               struct error *error, const char *what, const char *text)
{
	return error_set(error, EINVAL, place->file, place->line, "%s: %s, not `%s'", setting->key,
	                 what, text);
}

/* ---- numbers ---- */

static int seconds_of(const char *text, uint64_t *ret)
{
	uint64_t ms;
	int err = units_number(text, ret);

	if (err != -EINVAL)
		return err;
	err = units_duration_ms(text, &ms);
	if (err)
		return err;
	if (ms % SECOND)
		return -EINVAL;
	*ret = ms / SECOND;
	return 0;
}

static const char *form_words(enum setting_form form)
{
	if (form == SETTING_MS32 || form == SETTING_MS64)
		return "a duration such as 300ms, 5s, 10m, 3d";
	if (form == SETTING_SECONDS)
		return "whole seconds, such as 300, 5m, 1d";
	if (form == SETTING_SIZE32)
		return "a size such as 4096, 64K, 16M";
	return "a whole number";
}

static char *bound_text(const struct setting *setting, uint64_t value, char ret[UNITS_TEXT_MAX])
{
	if (setting->form == SETTING_MS32 || setting->form == SETTING_MS64)
		return units_duration_text(value, ret);
	snprintf(ret, UNITS_TEXT_MAX, "%" PRIu64, value);
	return ret;
}

static void put_number(const struct setting *setting, void *base, uint64_t value)
{
	char *field = (char *)base + setting->offset;
	uint8_t value8 = (uint8_t)value;
	uint16_t value16 = (uint16_t)value;
	uint32_t value32 = (uint32_t)value;

	if (setting->form == SETTING_NUMBER8)
		memcpy(field, &value8, sizeof(value8));
	else if (setting->form == SETTING_NUMBER16)
		memcpy(field, &value16, sizeof(value16));
	else if (setting->form == SETTING_MS64)
		memcpy(field, &value, sizeof(value));
	else
		memcpy(field, &value32, sizeof(value32));
}

static int set_number(const struct setting *setting, void *base, const char *text,
                      const struct setting_place *place, struct error *error)
{
	char low[UNITS_TEXT_MAX], high[UNITS_TEXT_MAX];
	uint64_t value = 0;
	int err;

	if (setting->form == SETTING_MS32 || setting->form == SETTING_MS64)
		err = units_duration_ms(text, &value);
	else if (setting->form == SETTING_SECONDS)
		err = seconds_of(text, &value);
	else if (setting->form == SETTING_SIZE32)
		err = units_size(text, &value);
	else
		err = units_number(text, &value);
	if (err == -EINVAL)
		return bad(setting, place, error, form_words(setting->form), text);
	if (err || value < setting->min || value > setting->max)
		return error_set(error, EINVAL, place->file, place->line,
		                 "%s: from %s to %s, not `%s'", setting->key,
		                 bound_text(setting, setting->min, low),
		                 bound_text(setting, setting->max, high), text);
	put_number(setting, base, value);
	return 0;
}

static int set_degrees(const struct setting *setting, void *base, const char *text,
                       const struct setting_place *place, struct error *error)
{
	double low = (double)(int64_t)setting->min, high = (double)(int64_t)setting->max;
	char *end;
	double value = strtod(text, &end);

	if (!text[0] || *end || !(value >= low && value <= high) ||
	    text[strspn(text, "0123456789.+-")])
		return error_set(error, EINVAL, place->file, place->line,
		                 "%s: a number from %.0f to %.0f, not `%s'", setting->key, low,
		                 high, text);
	memcpy((char *)base + setting->offset, &value, sizeof(value));
	return 0;
}

/* ---- words and texts ---- */

static int set_bool(const struct setting *setting, void *base, const char *text,
                    const struct setting_place *place, struct error *error)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (size_t i = 0; i < COUNT(words); i++) {
		bool value = i & 1;

		if (strcmp(text, words[i]) != 0)
			continue;
		memcpy((char *)base + setting->offset, &value, sizeof(value));
		return 0;
	}
	return bad(setting, place, error, "yes or no", text);
}

static int set_word(const struct setting *setting, void *base, const char *text,
                    const struct setting_place *place, struct error *error)
{
	char all[128] = "one of";

	for (int i = 0; setting->words[i]; i++) {
		size_t len = strlen(all);

		if (strcmp(text, setting->words[i]) == 0) {
			memcpy((char *)base + setting->offset, &i, sizeof(i));
			return 0;
		}
		snprintf(all + len, sizeof(all) - len, "%s %s", i ? "," : "", setting->words[i]);
	}
	return bad(setting, place, error, all, text);
}

static char *resolve_path(const char *folder, const char *text)
{
	char *path;

	if (!folder || !text[0] || text[0] == '/')
		return strdup(text);
	return asprintf(&path, "%s/%s", folder, text) < 0 ? NULL : path;
}

static int set_text(const struct setting *setting, void *base, const char *text,
                    const struct setting_place *place, struct error *error)
{
	bool path = setting->form == SETTING_PATH;
	size_t len = strlen(text);
	char **field = (char **)(void *)((char *)base + setting->offset);
	char *copy;

	if (len < setting->min)
		return error_set(error, EINVAL, place->file, place->line, "%s: must not be empty",
		                 setting->key);
	if (len > setting->max)
		return error_set(error, EINVAL, place->file, place->line,
		                 "%s: longer than %" PRIu64 " octets", setting->key, setting->max);
	copy = resolve_path(path ? place->folder : NULL, text);
	if (!copy)
		return error_set(error, ENOMEM, place->file, place->line, "out of memory");
	free(*field);
	*field = copy;
	return 0;
}

/* ---- names, networks, addresses ---- */

static int parse_name(const char *text, void *ret)
{
	return words_name(text, ret);
}

static int parse_network(const char *text, void *ret)
{
	return network_parse(text, ret);
}

static int parse_address(const char *text, void *ret)
{
	struct endpoint endpoint;
	int err = endpoint_parse(text, AN_DNS_PORT, &endpoint);

	if (err)
		return err;
	if (!endpoint.port)
		return -EINVAL;
	memcpy(ret, &endpoint, sizeof(endpoint));
	return 0;
}

static int parse_host(const char *text, void *ret)
{
	struct endpoint endpoint;
	int err = endpoint_parse(text, 0, &endpoint);

	if (err)
		return err;
	if (endpoint.port || endpoint.scope)
		return -EINVAL;
	memcpy(ret, &endpoint, sizeof(endpoint));
	return 0;
}

static int set_listen(const struct setting *setting, void *base, const char *text,
                      const struct setting_place *place, struct error *error)
{
	struct endpoint endpoint = {0};

	if (strcmp(text, "off") != 0 &&
	    (endpoint_parse(text, (uint16_t)setting->min, &endpoint) || !endpoint.port))
		return bad(setting, place, error,
		           "off, or an address such as 127.0.0.1 or ::1@9553", text);
	memcpy((char *)base + setting->offset, &endpoint, sizeof(endpoint));
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_cookie(const char *text, void *ret)
{
	uint8_t secret[16];

	if (strlen(text) != 2 * sizeof(secret))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(secret); i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		secret[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret, secret, sizeof(secret));
	return 0;
}

static int parse_type(const char *text, void *ret)
{
	uint64_t value;
	uint16_t type;

	if (units_number(text, &value) || value < 65280 || value > 65534)
		return -EINVAL;
	type = (uint16_t)value;
	memcpy(ret, &type, sizeof(type));
	return 0;
}

static int parse_text(const char *text, void *ret)
{
	char *copy = text[0] ? strdup(text) : NULL;

	memcpy(ret, &copy, sizeof(copy));
	return copy ? 0 : -EINVAL;
}

/* "200", "200-299". */
static int parse_status(const char *text, void *ret)
{
	struct config_status range;
	unsigned int low, high;
	char end;
	/* Three digits are always a number. */
	int count = sscanf(text, "%3u-%3u%c", &low, &high, &end); // NOLINT(cert-err34-c)

	if (strspn(text, "0123456789-") != strlen(text) || count < 1 || count > 2)
		return -EINVAL;
	if (count == 1 && sscanf(text, "%3u%c", &low, &end) != 1) // NOLINT(cert-err34-c)
		return -EINVAL;
	if (count == 1)
		high = low;
	if (low < 100 || high < low || high > 999)
		return -EINVAL;
	range = (struct config_status){(uint16_t)low, (uint16_t)high};
	memcpy(ret, &range, sizeof(range));
	return 0;
}

static int parse_rrtype(const char *text, void *ret)
{
	uint16_t type;
	int err = words_type(text, &type);

	if (!err)
		memcpy(ret, &type, sizeof(type));
	return err;
}

static int parse_number32(const char *text, void *ret)
{
	uint64_t value;
	uint32_t value32;

	if (units_number(text, &value) || value > UINT32_MAX)
		return -EINVAL;
	value32 = (uint32_t)value;
	memcpy(ret, &value32, sizeof(value32));
	return 0;
}

/* What a value or list entry of these forms is made of. */
struct maker {
	int (*parse)(const char *text, void *ret);
	size_t size;
	const char *words;
};

static struct maker maker_of(enum setting_form form)
{
	if (form == SETTING_NAME || form == SETTING_NAMES)
		return (struct maker){parse_name, sizeof(struct config_name), "a domain name"};
	if (form == SETTING_NETWORKS || form == SETTING_NETWORK)
		return (struct maker){parse_network, sizeof(struct network),
		                      "a network such as 192.0.2.0/24"};
	if (form == SETTING_COOKIES)
		return (struct maker){parse_cookie, 16, "32 hexadecimal digits"};
	if (form == SETTING_TEXTS)
		return (struct maker){parse_text, sizeof(char *), "a word"};
	if (form == SETTING_STATUSES)
		return (struct maker){parse_status, sizeof(struct config_status),
		                      "a status such as 200, or 200-299"};
	if (form == SETTING_RRTYPE)
		return (struct maker){parse_rrtype, sizeof(uint16_t), "a type of record"};
	if (form == SETTING_NUMBERS)
		return (struct maker){parse_number32, sizeof(uint32_t), "a whole number"};
	if (form == SETTING_TYPES)
		return (struct maker){parse_type, sizeof(uint16_t), "a type from 65280 to 65534"};
	if (form == SETTING_HOST || form == SETTING_HOSTS)
		return (struct maker){parse_host, sizeof(struct endpoint),
		                      "an address such as 192.0.2.1 or 2001:db8::1"};
	return (struct maker){parse_address, sizeof(struct endpoint),
	                      "an address such as 192.0.2.1 or 2001:db8::1@5300"};
}

static int set_made(const struct setting *setting, void *field, const char *text,
                    const struct setting_place *place, struct error *error)
{
	struct maker maker = maker_of(setting->form);

	return maker.parse(text, field) ? bad(setting, place, error, maker.words, text) : 0;
}

int setting_set(const struct setting *setting, void *base, const char *text,
                const struct setting_place *place, struct error *error)
{
	switch (setting->form) {
	case SETTING_BOOL:
		return set_bool(setting, base, text, place, error);
	case SETTING_WORD:
		return set_word(setting, base, text, place, error);
	case SETTING_TEXT:
	case SETTING_PATH:
		return set_text(setting, base, text, place, error);
	case SETTING_DEGREES:
		return set_degrees(setting, base, text, place, error);
	case SETTING_NAME:
	case SETTING_RRTYPE:
	case SETTING_ADDRESS:
	case SETTING_HOST:
	case SETTING_NETWORK:
		return set_made(setting, (char *)base + setting->offset, text, place, error);
	case SETTING_LISTEN:
		return set_listen(setting, base, text, place, error);
	case SETTING_SECRET:
	case SETTING_SECRET_FILE:
	case SETTING_KEY:
	case SETTING_PRIMARY:
	case SETTING_SECONDARY:
		return peer_set(setting, base, text, place, error);
	default:
		return set_number(setting, base, text, place, error);
	}
}

/* ---- lists ---- */

static size_t entry_size(const struct setting *setting)
{
	return setting->entries ? setting->entries->entry_size : maker_of(setting->form).size;
}

int setting_list_begin(const struct setting *setting, void *base, size_t count)
{
	void **list = (void **)(void *)((char *)base + setting->offset);
	void *room = NULL;

	if (!setting_is_heap_list(setting)) {
		if (setting->count_offset)
			*((uint8_t *)base + setting->count_offset) = (uint8_t)count;
		return 0;
	}
	if (count) {
		room = calloc(count, entry_size(setting));
		if (!room)
			return -ENOMEM;
	}
	free(*list);
	*list = room;
	memcpy((char *)base + setting->count_offset, &count, sizeof(count));
	return 0;
}

int setting_list_set(const struct setting *setting, void *base, size_t index, const char *text,
                     const struct setting_place *place, struct error *error)
{
	char *list = (char *)base + setting->offset;

	if (setting_is_heap_list(setting))
		list = *(char **)(void *)list;
	return set_made(setting, list + index * maker_of(setting->form).size, text, place, error);
}

void *setting_list_entry(const struct setting *setting, void *base, size_t index)
{
	return *(char **)(void *)((char *)base + setting->offset) + index * entry_size(setting);
}

static int default_list(const struct setting *setting, void *base)
{
	char *text = strdup(setting->standard), *rest = text, *item;
	struct setting_place place = {0};
	size_t count = 1, index = 0;
	int err;

	if (!text)
		return -ENOMEM;
	for (const char *p = text; *p; p++)
		count += *p == ' ';
	err = setting_list_begin(setting, base, count);
	while (!err && (item = strsep(&rest, " ")))
		err = setting_list_set(setting, base, index++, item, &place, NULL);
	free(text);
	return err;
}

int settings_default(const struct section *section, void *base)
{
	struct setting_place place = {0};
	int err = 0;

	for (size_t i = 0; i < section->count && !err; i++) {
		const struct setting *setting = &section->settings[i];

		if (!setting->standard)
			continue;
		if (setting_is_list(setting))
			err = default_list(setting, base);
		else
			err = setting_set(setting, base, setting->standard, &place, NULL);
	}
	return err;
}

static void free_entries(const struct setting *setting, void *base)
{
	size_t count = *(size_t *)(void *)((char *)base + setting->count_offset);

	for (size_t i = 0; i < count; i++)
		settings_free(setting->entries, setting_list_entry(setting, base, i));
}

static void free_texts(const struct setting *setting, void *base)
{
	size_t count = *(size_t *)(void *)((char *)base + setting->count_offset);
	char **texts = *(char ***)(void *)((char *)base + setting->offset);

	for (size_t i = 0; i < count; i++)
		free(texts[i]);
}

void settings_free(const struct section *section, void *base)
{
	for (size_t i = 0; i < section->count; i++) {
		const struct setting *setting = &section->settings[i];

		if (setting->form != SETTING_TEXT && setting->form != SETTING_PATH &&
		    !setting_is_heap_list(setting))
			continue;
		if (setting->entries)
			free_entries(setting, base);
		if (setting->form == SETTING_TEXTS)
			free_texts(setting, base);
		free(*(void **)(void *)((char *)base + setting->offset));
	}
}
