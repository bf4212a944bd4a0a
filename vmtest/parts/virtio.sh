# SPDX-License-Identifier: BSD-2-Clause
# Native mode of a driver with hardware behind it: two virtio NICs on one wire, the second
# in the client's namespace.
. /vmtest/lib.sh
make_client
for nic in /sys/class/net/*; do
	[ -e $nic/device/driver ] || continue
	name=${nic##*/}
	case $(cat $nic/address) in
	*:01) ip link set $name name edge0 ;;
	*:02) ip link set $name name client0 netns client ;;
	esac
done
set_up_link
start native
expect "native mode" status_says "edge0 .*native mode"
check_all
stop KILL
check_some
expect "detached" anamectl --config $conf xdp detach
start generic
expect "generic mode" status_says "edge0 .*generic mode"
check_some
stop
expect "detached" anamectl --config $conf xdp detach
ip link set edge0 mtu 9000
ip -n client link set client0 mtu 9000
start auto
status_says "edge0 .*attached" || fail "not attached with an MTU of 9000"
ok "MTU 9000: $(anamectl --config $conf status | grep edge0)"
case $(uname -r) in
6.1.*) expect "which this driver refuses in native mode" status_says "edge0 .*generic mode.*native refused" ;;
*) expect "native mode, with the program for fragments" sh -c "[ -e $pins/prog-frags ] && anamectl --config $conf status | grep 'edge0 .*native mode'" ;;
esac
check_some
expect "what is larger than a page goes through" ip netns exec client ping -c 1 -W 2 -s 8000 $v4
