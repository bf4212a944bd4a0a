# SPDX-License-Identifier: BSD-2-Clause
# What the parts share: an edge (interface edge0), a client (client0, in the namespace
# "client"), the daemon, and questions that must be answered rightly.

conf=/etc/anamed.conf
pins=$(sed -n 's/^ *pin-dir: *//p' $conf)
v4=198.51.100.1
v6=2001:db8:0:1::1

ok() {
	echo "ok: $*"
}

# Says what is wrong, with what may explain it, and ends the part.
fail() {
	echo "FAIL: $*"
	echo "$*" >>/tmp/failed
	tail -30 /tmp/anamed.log 2>/dev/null
	dmesg | grep -i -e bpf -e xdp | tail -10
	exit 1
}

# expect WHAT COMMAND...: ok, or the end of the part
expect() {
	what=$1
	shift
	if "$@" >/tmp/expect 2>&1; then ok "$what"; else
		cat /tmp/expect
		fail "$what"
	fi
}

# Until the command succeeds, for ten seconds.
wait_for() {
	for try in $(seq 100); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}

# ---- interfaces ----

make_client() {
	ip netns add client
	ip -n client link set lo up
}

# Addresses for what is already called edge0 and, in the client's namespace, client0.
set_up_link() {
	ip link set edge0 up
	ip addr add $v4/24 dev edge0
	ip addr add $v6/64 dev edge0 nodad
	ip -n client link set client0 up
	ip -n client addr add 198.51.100.2/24 dev client0
	ip -n client addr add 2001:db8:0:1::2/64 dev client0 nodad
}

make_veth() {
	make_client
	ip link add edge0 type veth peer name client0 netns client || fail "no veth"
	set_up_link
}

# pass_at_client [xdp.frags]: native replies arrive at a veth only where its own end has a
# program too. [xdp.frags]
pass_at_client() {
	ip -n client link set dev client0 xdp obj /usr/lib/pass.bpf.o sec ${1:-xdp} || fail "no program at the client's end"
}

clean_up() {
	[ ! -s /tmp/daemon ] || kill -9 "$(cat /tmp/daemon)" 2>/dev/null
	rm -f /tmp/daemon
	anamectl --config $conf xdp detach >/dev/null 2>&1
	anamectl --config $conf xdp unpin >/dev/null 2>&1
	ip netns del client 2>/dev/null
	ip link del edge0 2>/dev/null
	rm -rf /sys/fs/bpf/xdp
}

# ---- the daemon ----

# start [auto|native|generic]
start() {
	sed -i "s/xdp: .*/xdp: ${1:-auto}/" $conf
	anamed --config $conf >>/tmp/anamed.log 2>&1 &
	echo $! >/tmp/daemon
	wait_for status_says zones || fail "the daemon does not come up"
}

# stop [signal]: and it is gone when this returns
stop() {
	kill "-${1:-TERM}" "$(cat /tmp/daemon)"
	wait_for gone || fail "the daemon does not end"
	rm -f /tmp/daemon
}

gone() {
	! kill -0 "$(cat /tmp/daemon)" 2>/dev/null
}

status_says() {
	anamectl --config $conf status 2>&1 | grep -q -e "$1"
}

# ---- questions ----

in_client() {
	# `ip netns exec` would hide the BPF file system.
	nsenter --net=/run/netns/client "$@"
}

# check ANSWERS SERVER NAME TYPE [option...]: right on every try, and from the kernel as
# soon as the daemon has put it there.
check() {
	wanted=$1
	shift
	if got=$(in_client vmtest-ask $pins/counters "$wanted" "$@"); then ok "$* -> $got"; else
		fail "$*: $got"
	fi
}

# The kernel's answers of every kind over both families.
check_all() {
	check "192.0.2.80" $v4 www.example.test A
	check "192.0.2.80" $v4 WwW.eXample.TEST A +subnet=203.0.113.0/24
	check "2001:db8::80" $v6 www.example.test AAAA +subnet=2001:db8:a::/56
	check "" $v4 v4.example.test AAAA +edns
	check "192.0.2.81 192.0.2.82" $v6 example.test A +subnet=192.0.2.0/24
	check "192.0.2.99" $v4 a.wild.example.test A
}

check_some() {
	check "192.0.2.81 192.0.2.82" $v4 example.test A
	check "2001:db8::80" $v6 www.example.test AAAA
}

# The same through somebody else's eyes.
check_with_kdig() {
	got=$(in_client kdig @$v4 example.test A +short +retry=0 +time=3 +subnet=192.0.2.0/24 | sort | tr '\n' ' ')
	[ "$got" = "192.0.2.81 192.0.2.82 " ] || fail "kdig: '$got'"
	ok "kdig: $got"
}

hits() {
	bpftool -p map dump pinned $pins/counters |
		awk '$1 == "\"hit\":" { sub(",", "", $2); sum += $2 } END { print sum + 0 }'
}
