# SPDX-License-Identifier: BSD-2-Clause
# An MTU of 9000: native mode with the program for fragments.
. /vmtest/lib.sh
make_veth
ip link set edge0 mtu 9000
ip -n client link set client0 mtu 9000
pass_at_client xdp.frags

# A query that is more than a page with its headers, most of it padding: the daemon's, and answered.
check_large() {
	got=$(in_client kdig @$v4 example.test A +short +padding=4000 +retry=0 +time=3 | sort | tr '\n' ' ')
	[ "$got" = "192.0.2.81 192.0.2.82 " ] || fail "a query of 4000 octets: '$got'"
	ok "a query of 4000 octets: $got"
}

start native
expect "native mode" status_says "edge0 .*native mode"
expect "with the program for fragments" [ -e $pins/prog-frags ]
check_all
check_large
expect "what is larger than a page goes through" ip netns exec client ping -c 1 -W 2 -s 8000 $v4
stop
expect "detached" anamectl --config $conf xdp detach
start generic
expect "generic mode" status_says "edge0 .*generic mode"
check_some
check_large
expect "what is larger than a page goes through" ip netns exec client ping -c 1 -W 2 -s 8000 $v4
