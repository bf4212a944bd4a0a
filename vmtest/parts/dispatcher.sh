# SPDX-License-Identifier: BSD-2-Clause
# Beside another XDP program under libxdp's dispatcher, whoever comes first.
. /vmtest/lib.sh

seen() {
	vmtest-other seen edge0
}

chain() {
	vmtest-other list edge0 | tr '\n' ' '
}

# chain_is "NAME PRIORITY NAME PRIORITY ": in the order of running
chain_is() {
	[ "$(chain)" = "$1" ] || fail "the chain is '$(chain)', not '$1'"
	ok "the chain is $1"
}

# How many packets the other program sees while the kernel answers eight (ARP and such
# among them).
ask_eight() {
	begin=$(seen)
	for i in 1 2 3 4; do
		check_some
	done
	echo "$(($(seen) - begin))" >/tmp/eight
}

round() {
	mode=$1
	make_veth
	[ $mode = skb ] || pass_at_client
	echo "- $mode: the other one first, and before us"
	expect "libxdp's own dispatcher is attached" vmtest-other attach edge0 $mode 10 /usr/lib/other.bpf.o
	start auto
	expect "we are under the dispatcher" status_says "edge0 .*under libxdp"
	chain_is "other 10 anamed_xdp 50 "
	check_all
	ask_eight
	expect "the other one sees what we answer" [ "$(cat /tmp/eight)" -ge 8 ]
	expect "attaching again changes nothing" anamectl --config $conf xdp attach
	chain_is "other 10 anamed_xdp 50 "
	stop KILL
	check_some
	expect "we leave, the other one stays" anamectl --config $conf xdp detach
	chain_is "other 10 "

	# From Linux 6.12 on the other tool needs a newer dispatcher than libxdp 1.3.1's too, once
	# we are there.
	export LIBXDP_OBJECT_PATH=/usr/local/lib/anamed
	echo "- $mode: an anamed of before is replaced"
	expect "the older one joins" vmtest-other attach edge0 $mode 50 /usr/lib/older.bpf.o $pins/control
	chain_is "other 10 anamed_xdp 50 "
	expect "upgraded" anamectl --config $conf xdp upgrade edge0
	chain_is "other 10 anamed_xdp 50 "
	check_some

	echo "- $mode: the other one after us"
	expect "the other one leaves" vmtest-other detach edge0
	chain_is "anamed_xdp 50 "
	check_some
	expect "the other one joins, to run after us" vmtest-other attach edge0 $mode 90 /usr/lib/other.bpf.o
	chain_is "anamed_xdp 50 other 90 "
	ask_eight
	expect "what is answered goes no further" [ "$(cat /tmp/eight)" -lt 8 ]
	before=$(seen)
	ip netns exec client ping -c 1 -W 2 $v4 >/dev/null
	expect "what is passed up does" [ "$(seen)" -gt "$before" ]
	unset LIBXDP_OBJECT_PATH
	clean_up
}

round skb
round native
