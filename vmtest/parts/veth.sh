# SPDX-License-Identifier: BSD-2-Clause
# From end to end over a veth pair, in both modes; attaching, detaching, and a daemon that
# is killed and takes over what it left.
. /vmtest/lib.sh
make_veth
start auto
expect "generic mode on veth, and says why" status_says "edge0 .*generic mode.*peer"
check_all
check_with_kdig

stop KILL
check_some
start auto
expect "the next daemon adopts" sh -c "anamectl --config $conf stats | grep -E 'adopted +[1-9]'"
check_some
expect "detached" sh -c "anamectl --config $conf xdp detach && ! bpftool net show dev edge0 | grep -e generic -e driver"
before=$(hits)
check_with_kdig
expect "the daemon answers alone" [ "$(hits)" = "$before" ]
stop

pass_at_client
start native
expect "native mode by name" status_says "edge0 .*native mode"
check_all
stop KILL
check_some
