# SPDX-License-Identifier: BSD-2-Clause
# Frames of a VLAN whose tag is taken off before the program: said. Frames that keep one tag,
# or two, from end to end in both modes: answered under the same tags. (Every kind of tag is
# among the kernel's test programs.)
. /vmtest/lib.sh
make_veth
start auto
status_says rxvlan && fail "a warning without a VLAN"
ip link add link edge0 name edge0.7 type vlan id 7 || fail "no VLAN"
expect "a VLAN above is warned of" sh -c "anamectl --config $conf xdp attach edge0 | grep rxvlan"
stop

# add_vlan BELOW ID NETWORK: on both sides, the edge's .1 and the client's .2
add_vlan() {
	[ -e /sys/class/net/edge$1.$2 ] || ip link add link edge$1 name edge$1.$2 type vlan id $2 || fail "no VLAN"
	ip -n client link add link client$1 name client$1.$2 type vlan id $2 || fail "no VLAN"
	ip link set edge$1.$2 up
	ip addr add $3.1/24 dev edge$1.$2
	ip -n client link set client$1.$2 up
	ip -n client addr add $3.2/24 dev client$1.$2
}

tagged=198.51.100.77
doubly=198.51.100.78
sed "s/^listen: .*/listen: [ \"$tagged@53\", \"$doubly@53\" ]/" $conf >/etc/vlan.conf
conf=/etc/vlan.conf
expect "tags stay in the edge's frames" vmtest-tags edge0
expect "tags stay in the client's frames" in_client vmtest-tags client0
ip addr add $tagged/32 dev lo
ip addr add $doubly/32 dev lo
add_vlan 0 7 203.0.113
add_vlan 0.7 8 192.0.2
ip -n client route add $tagged/32 via 203.0.113.1
ip -n client route add $doubly/32 via 192.0.2.1
pass_at_client

for mode in generic native; do
	start $mode
	expect "$mode mode" status_says "edge0 .*$mode mode"
	check "192.0.2.81 192.0.2.82" $tagged example.test A
	check "2001:db8::80" $doubly www.example.test AAAA +edns
	stop
done
